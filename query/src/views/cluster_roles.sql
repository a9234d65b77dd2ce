-- Roles that EKS itself uses. exact: EKS has been seen to assume them, or the inventory of a cluster shows its. inferred: EKS made load balancer
-- calls with their sessions, which it does for a cluster's own services and not for callers of its API.
SELECT role_arn, min(used.mechanism) AS mechanism, min(used.event_id) AS event_id,
       CASE WHEN count(DISTINCT used.cluster) = 1 THEN min(used.cluster) END AS cluster,
       CASE WHEN bool_or(assumed) THEN 'exact' ELSE 'inferred' END AS confidence
FROM (
    SELECT role_arn, mechanism, event_id, cluster, true AS assumed
    FROM issued_sessions
    WHERE mechanism IN ('cluster_role', 'eks_service_linked_role')
    UNION ALL
    SELECT cluster_role_arn, 'cluster_role', NULL, cluster, true FROM clusters WHERE cluster_role_arn IS NOT NULL
    UNION ALL
    SELECT role_arn, 'cluster_role', event_id, NULL, false
    FROM daily_signs
    WHERE sign = 'load_balancers' AND role_arn IS NOT NULL
) AS used
GROUP BY role_arn
HAVING count(DISTINCT used.mechanism) = 1
