-- Pod execution roles of Fargate profiles. Their sessions are named after the node (fargate-ip-…).
-- Source: EKS user guide, "Amazon EKS Pod execution IAM role".
WITH said AS (
    SELECT json_text(attributes, 'pod_execution_role_arn') AS role_arn, cluster, concat('Fargate profile ', name) AS proof, CAST(NULL AS VARCHAR) AS event_id
    FROM inventory_states WHERE kind = 'fargate_profile'
    UNION ALL
    SELECT name, cluster, 'access entry of type FARGATE_LINUX', NULL
    FROM inventory_states WHERE kind = 'access_entry' AND json_text(attributes, 'type') = 'FARGATE_LINUX'
    UNION ALL
    SELECT name, cluster, 'aws-auth maps it to system:node-proxier', NULL
    FROM inventory_states WHERE kind = 'aws_auth' AND json_text(attributes, 'groups') LIKE '%"system:node-proxier"%'
    UNION ALL
    SELECT json_text(inventory_facts, 'request', 'podExecutionRoleArn'), cluster, 'CreateFargateProfile', event_id
    FROM told_records WHERE event_name = 'CreateFargateProfile'
)
SELECT plain_role_arn(role_arn) AS plain_arn,
       CASE WHEN count(DISTINCT cluster) = 1 AND count(cluster) = count(*) THEN min(cluster) END AS cluster,
       min(proof) AS proof, min(event_id) AS event_id
FROM said
WHERE role_arn IS NOT NULL
GROUP BY plain_role_arn(role_arn)
