-- Roles of nodes, one row per role and cluster, and what proves each. By the trail: a session named after an
-- instance (i-…) that does what only a Kubernetes node does:
--   exact     eks-auth:AssumeRoleForPodIdentity is made by eks-pod-identity-agent with the node role,
--             and names the cluster; the VPC CNI names itself in the user agent, and the cluster in
--             the filter of its DescribeNetworkInterfaces; the instance was launched with a cluster's tags.
--   inferred  sts:GetCallerIdentity by a bare Go HTTP client is how a kubelet authenticates (the
--             request is presigned on the node and sent by the control plane), but other software
--             that authenticates with presigned requests looks alike.
-- By the inventory, exact: node groups, access entries of node types, aws-auth, node classes, Auto Mode.
-- `is_hybrid`: of hybrid nodes, by an access entry, so that sessions of other names are nodes too (see `hybrid_sessions`).
WITH said AS (
    SELECT json_text(attributes, 'node_role_arn') AS role_arn, cluster, concat('node group ', name) AS proof, CAST(NULL AS VARCHAR) AS event_id
    FROM inventory_states WHERE kind = 'nodegroup'
    UNION ALL
    SELECT name, cluster, concat('access entry of type ', json_text(attributes, 'type')), NULL
    FROM inventory_states
    WHERE kind = 'access_entry' AND json_text(attributes, 'type') IN ('EC2_LINUX', 'EC2_WINDOWS', 'EC2', 'HYBRID_LINUX', 'HYPERPOD_LINUX')
    UNION ALL
    SELECT name, cluster, 'aws-auth maps it to system:nodes', NULL
    FROM inventory_states
    WHERE kind = 'aws_auth' AND json_text(attributes, 'groups') LIKE '%"system:nodes"%'
      AND json_text(attributes, 'groups') NOT LIKE '%"system:node-proxier"%'
    UNION ALL
    SELECT auto_mode_node_role_arn, cluster, 'node role of EKS Auto Mode', NULL
    FROM clusters WHERE auto_mode_node_role_arn IS NOT NULL
    UNION ALL
    SELECT concat(split_part(clusters.arn, ':eks:', 1), ':iam::', clusters.account_id, ':role/', json_text(attributes, 'role')), class.cluster,
           concat('node class ', name), NULL
    FROM inventory_states AS class
    JOIN clusters ON clusters.cluster = class.cluster AND clusters.arn IS NOT NULL
    WHERE class.kind = 'node_class' AND json_text(attributes, 'role') IS NOT NULL
    UNION ALL
    SELECT json_text(inventory_facts, 'request', 'nodeRole'), cluster, 'CreateNodegroup', event_id
    FROM told_records WHERE event_name = 'CreateNodegroup'
    UNION ALL
    SELECT json_text(inventory_facts, 'request', 'principalArn'), cluster,
           concat('CreateAccessEntry of type ', json_text(inventory_facts, 'request', 'type')), event_id
    FROM told_records WHERE event_name = 'CreateAccessEntry'
      AND json_text(inventory_facts, 'request', 'type') IN ('EC2_LINUX', 'EC2_WINDOWS', 'EC2', 'HYBRID_LINUX', 'HYPERPOD_LINUX')
),
-- aws-auth, access entries and node classes may name a role without its path.
acting AS (
    SELECT DISTINCT session_issuer_arn AS role_arn, plain_role_arn(session_issuer_arn) AS plain_arn
    FROM callers WHERE session_issuer_arn IS NOT NULL
)
SELECT role_arn,
       cluster,
       CASE WHEN min(proof_rank) < 9 THEN 'exact' ELSE 'inferred' END AS confidence,
       -- The strongest proof, and a record of it.
       first_value(proof ORDER BY proof_rank, event_id) AS proof,
       first_value(event_id ORDER BY proof_rank, event_id) AS event_id,
       min(proof_rank) AS proof_rank,
       bool_or(proof LIKE '% of type HYBRID_LINUX') AS is_hybrid
FROM (
    SELECT role_arn, cluster, event_id, sign AS proof,
           CASE sign WHEN 'assume_role_for_pod_identity' THEN 1 WHEN 'vpc_cni' THEN 2 ELSE 9 END AS proof_rank
    FROM placed_signs
    WHERE sign IN ('assume_role_for_pod_identity', 'vpc_cni', 'kubelet_authentication')
      AND is_instance_id(session_name) AND role_name(role_arn) NOT LIKE 'aws:%'
    UNION ALL
    SELECT session_issuer_arn, instances.cluster, min(callers.event_id), 'an instance launched with the cluster''s tags', 3
    FROM callers
    JOIN instances ON instances.instance_id = session_name AND instances.cluster IS NOT NULL
    WHERE session_issuer_arn IS NOT NULL AND role_name(session_issuer_arn) NOT LIKE 'aws:%'
    GROUP BY session_issuer_arn, instances.cluster
    UNION ALL
    SELECT coalesce(acting.role_arn, said.role_arn), cluster, event_id, proof, 4
    FROM said
    LEFT JOIN acting ON acting.plain_arn = plain_role_arn(said.role_arn)
    WHERE said.role_arn IS NOT NULL
)
GROUP BY role_arn, cluster
