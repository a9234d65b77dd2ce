-- What a workload called, by role and action.
SELECT cluster, namespace, service_account, access_path, role_arn, event_source, event_name, error_code,
       CASE WHEN bool_and(confidence = 'exact') THEN 'exact'
            WHEN bool_or(confidence = 'unknown') THEN 'unknown'
            WHEN bool_or(confidence = 'candidate') THEN 'candidate'
            ELSE 'inferred' END AS confidence,
       CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied,
       min(first_event_time) AS first_seen, max(last_event_time) AS last_seen, min(event_id) AS event_id
FROM {attribution}
WHERE actor = 'workload'
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
  AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($access_path IS NULL OR access_path = $access_path)
GROUP BY cluster, namespace, service_account, access_path, role_arn, event_source, event_name, error_code
ORDER BY calls DESC, event_source, event_name, error_code, access_path, role_arn, cluster, namespace, service_account
