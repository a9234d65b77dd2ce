-- Calls of workloads and nodes that were refused.
SELECT cluster, namespace, service_account, pod, access_path, actor, component, role_arn, event_source, event_name, error_code,
       confidence, CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen,
       min(event_id) AS event_id
FROM {attribution}
WHERE (is_denied(error_code) OR (event_name = 'AssumeRoleWithWebIdentity' AND error_code IS NOT NULL))
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
  AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($access_path IS NULL OR access_path = $access_path)
  AND ($confidence IS NULL OR confidence = $confidence) AND ($actor IS NULL OR actor = $actor) AND ($node IS NULL OR node = $node) AND ($event_source IS NULL OR event_source = $event_source)
GROUP BY cluster, namespace, service_account, pod, access_path, actor, component, role_arn, event_source, event_name, error_code, confidence
ORDER BY calls DESC, cluster, namespace, service_account, event_source, event_name, event_id
