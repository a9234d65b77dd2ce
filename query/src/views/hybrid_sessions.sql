-- Sessions of hybrid nodes that are named after their node, as with IAM Roles Anywhere: the access entry of their role makes
-- each session the node of its name. Whoever assumed the role by hand is no node.
-- Sources: EKS user guide, "Prepare cluster access for hybrid nodes" (user name system:node:{{SessionName}});
-- aws/eks-hybrid, internal/iamrolesanywhere/aws_config.tpl (--role-session-name is the node's name).
WITH hybrid AS (
    SELECT DISTINCT role_arn FROM node_roles WHERE is_hybrid
),
assumed AS (
    SELECT DISTINCT coalesce(issued_arn, assumed_role_arn(issued_role_arn, issued_session_name)) AS session_arn
    FROM issuing_records
    JOIN hybrid ON hybrid.role_arn = issuing_records.issued_role_arn
    WHERE error_code IS NULL
)
SELECT DISTINCT callers.session_issuer_arn AS role_arn, callers.session_name AS node
FROM callers
JOIN hybrid ON hybrid.role_arn = callers.session_issuer_arn
LEFT JOIN assumed ON assumed.session_arn = callers.identity_arn
WHERE callers.session_name IS NOT NULL AND NOT is_instance_id(callers.session_name) AND callers.federated_provider IS NULL
  AND assumed.session_arn IS NULL
