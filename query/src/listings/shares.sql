-- Calls by access path, actor and confidence.
SELECT access_path, actor, confidence, CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM {attribution}
WHERE ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
GROUP BY access_path, actor, confidence
ORDER BY calls DESC, access_path, actor, confidence
