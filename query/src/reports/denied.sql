-- Calls of workloads and nodes that were refused.
SELECT cluster, namespace, service_account, pod, access_path, actor, component, role_arn, event_source, event_name, error_code,
       confidence, CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen,
       min(event_id) AS event_id
FROM activity_attribution
WHERE is_denied(error_code) OR (event_name = 'AssumeRoleWithWebIdentity' AND error_code IS NOT NULL)
GROUP BY cluster, namespace, service_account, pod, access_path, actor, component, role_arn, event_source, event_name, error_code, confidence
ORDER BY calls DESC, cluster, namespace, service_account, event_source, event_name
