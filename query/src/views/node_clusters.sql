-- The cluster of a node role's instance: what the instance itself has shown, one row per instance.
SELECT session_issuer_arn AS role_arn, session_name AS node,
       CASE WHEN count(DISTINCT cluster_hint) = 1 THEN min(cluster_hint) END AS cluster,
       min(event_id) AS event_id
FROM activities
WHERE session_issuer_arn IS NOT NULL AND is_instance_id(session_name) AND cluster_hint IS NOT NULL
GROUP BY session_issuer_arn, session_name
