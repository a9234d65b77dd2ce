-- Roles that EKS itself has been seen to assume.
SELECT role_arn, min(mechanism) AS mechanism, min(event_id) AS event_id
FROM issued_sessions
WHERE mechanism IN ('cluster_role', 'eks_service_linked_role')
GROUP BY role_arn
HAVING count(DISTINCT mechanism) = 1
