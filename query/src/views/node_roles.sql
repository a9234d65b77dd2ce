-- Roles that the records themselves prove to be node roles, one row per role and cluster.
-- A session named after an instance (i-…) proves its role by what only a Kubernetes node does:
--   exact     eks-auth:AssumeRoleForPodIdentity is made by eks-pod-identity-agent with the node role,
--             and names the cluster; the VPC CNI names itself in the user agent, and the cluster in
--             the filter of its DescribeNetworkInterfaces.
--   inferred  sts:GetCallerIdentity by a bare Go HTTP client is how a kubelet authenticates (the
--             request is presigned on the node and sent by the control plane), but other software
--             that authenticates with presigned requests looks alike.
SELECT role_arn,
       cluster,
       CASE WHEN min(proof_rank) < 3 THEN 'exact' ELSE 'inferred' END AS confidence,
       -- The strongest proof, and a record of it.
       first_value(proof ORDER BY proof_rank, event_id) AS proof,
       first_value(event_id ORDER BY proof_rank, event_id) AS event_id,
       min(proof_rank) AS proof_rank
FROM (
    SELECT session_issuer_arn AS role_arn, cluster_hint AS cluster, event_id,
           CASE WHEN event_source = 'eks-auth.amazonaws.com' THEN 'assume_role_for_pod_identity'
                WHEN user_agent LIKE '%amazon-vpc-cni-k8s%' THEN 'vpc_cni'
                ELSE 'kubelet_authentication'
           END AS proof,
           CASE WHEN event_source = 'eks-auth.amazonaws.com' THEN 1
                WHEN user_agent LIKE '%amazon-vpc-cni-k8s%' THEN 2
                ELSE 3
           END AS proof_rank
    FROM activities
    WHERE session_issuer_arn IS NOT NULL
      AND is_instance_id(session_name)
      AND role_name(session_issuer_arn) NOT LIKE 'aws:%'
      AND (   (event_source = 'eks-auth.amazonaws.com' AND event_name = 'AssumeRoleForPodIdentity')
           OR user_agent LIKE '%amazon-vpc-cni-k8s%'
           OR (event_source = 'sts.amazonaws.com' AND event_name = 'GetCallerIdentity'
               AND user_agent LIKE 'Go-http-client/%'))
)
GROUP BY role_arn, cluster
