-- One row per credential issued to a cluster's identities, or obtained by them through role chaining.
SELECT access_key_id, issued_at, expires_at, mechanism, role_arn, session_name, cluster, namespace,
       service_account, pod, pod_uid, node, parent_access_key_id, hops, event_id
FROM issued_sessions
WHERE error_code IS NULL
