-- Roles that EKS Pod Identity has been seen to assume, or that an association names, and the cluster where
-- there is only one.
SELECT role_arn, min(event_id) AS event_id,
       CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
FROM (
    SELECT role_arn, event_id, cluster
    FROM issued_sessions
    WHERE mechanism = 'pod_identity' AND hops = 0 AND error_code IS NULL
    UNION ALL
    SELECT role_arn, NULL, cluster FROM pod_identity_associations WHERE role_arn IS NOT NULL
)
GROUP BY role_arn
