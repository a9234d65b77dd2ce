-- Calls per hour, by access path and actor.
SELECT {hour} AS hour, access_path, actor, CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM {attribution}
WHERE first_event_time IS NOT NULL
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
  AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($access_path IS NULL OR access_path = $access_path)
  AND ($node IS NULL OR node = $node) AND ($actor IS NULL OR actor = $actor)
GROUP BY 1, access_path, actor
ORDER BY hour, access_path, actor
