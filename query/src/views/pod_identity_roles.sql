-- Roles that EKS Pod Identity has been seen to assume, or that an association named at any time, and the cluster where
-- there is only one.
SELECT role_arn, min(event_id) AS event_id,
       CASE WHEN count(DISTINCT cluster) = 1 AND min(cluster) <> '' THEN min(cluster) END AS cluster
FROM (
    SELECT issued_role_arn AS role_arn, event_id, cluster
    FROM issuances
    WHERE mechanism = 'pod_identity' AND error_code IS NULL
    UNION ALL
    -- One that does not say of which of several clusters of a name it is may be of any.
    SELECT role_arn, NULL, coalesce(cluster, '') FROM seen_associations WHERE role_arn IS NOT NULL
    UNION ALL
    SELECT target_role_arn, NULL, coalesce(cluster, '') FROM seen_associations WHERE target_role_arn IS NOT NULL
)
GROUP BY role_arn
