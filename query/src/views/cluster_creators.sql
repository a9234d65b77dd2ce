-- Roles that were seen to make clusters.
SELECT DISTINCT session_issuer_arn AS role_arn, cluster
FROM told_records
WHERE event_name = 'CreateCluster' AND session_issuer_arn IS NOT NULL
