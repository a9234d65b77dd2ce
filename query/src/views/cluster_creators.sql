-- Roles that were seen to make clusters.
SELECT DISTINCT session_issuer_arn AS role_arn,
       coalesce(json_text(inventory_facts, 'request', 'name'), json_text(inventory_facts, 'request', 'clusterName')) AS cluster
FROM telling_records
WHERE event_name = 'CreateCluster' AND session_issuer_arn IS NOT NULL
