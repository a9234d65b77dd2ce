-- Roles that EKS Pod Identity has been seen to assume, and the cluster where there is only one.
SELECT role_arn, min(event_id) AS event_id,
       CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
FROM issued_sessions
WHERE mechanism = 'pod_identity' AND hops = 0 AND error_code IS NULL
GROUP BY role_arn
