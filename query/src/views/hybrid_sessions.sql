-- Sessions of hybrid nodes that are named after their node, as with IAM Roles Anywhere: the access entry of their role makes
-- each session the node of its name. Whoever assumed the role by hand is no node, also where the record of that is not in the
-- store: the inventory shows the node, or it asks for credentials of pods, as its agent alone does.
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
),
shown AS (
    SELECT node_roles.role_arn, nodes.instance_id AS node
    FROM node_roles
    JOIN nodes ON nodes.cluster = node_roles.cluster
    WHERE node_roles.is_hybrid AND nodes.compute = 'hybrid' AND nodes.instance_id IS NOT NULL
    UNION
    SELECT role_arn, session_name AS node FROM daily_signs WHERE sign = 'assume_role_for_pod_identity'
)
SELECT DISTINCT callers.session_issuer_arn AS role_arn, callers.session_name AS node
FROM callers
JOIN hybrid ON hybrid.role_arn = callers.session_issuer_arn
JOIN shown ON shown.role_arn = callers.session_issuer_arn AND shown.node = callers.session_name
LEFT JOIN assumed ON assumed.session_arn = callers.identity_arn
WHERE callers.session_name IS NOT NULL AND NOT is_instance_id(callers.session_name) AND callers.federated_provider IS NULL
  AND assumed.session_arn IS NULL
