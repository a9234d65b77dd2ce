-- What shows that a role is that of nodes, or of a cluster, and which: by day, role, session and sign, with the cluster that
-- such calls name, and its account and region: those of the call, unless it failed. A sign of nodes is a call of a session named after
-- an instance (i-…):
--   assume_role_for_pod_identity, vpc_cni, kubelet_authentication   see `node_roles`; the first is the only action of eks-auth,
--                   and is kept of sessions of any name, for hybrid nodes
--   image_pull      the registry calls of a pull are made by ECR itself with the node's identity. Its quarters of an hour
--                   are numbered from 1970 on.
--   cluster_named   any other call that names the instance's cluster
-- A sign of a cluster's role is a call to load balancers that EKS made with it (load_balancers).
SELECT event_date, role_arn, session_name, sign, cluster, account_id, region,
       CASE WHEN sign = 'image_pull' THEN arrow_cast(first_event_time, 'Int64') / 900000000 END AS quarter,
       min(event_id) AS event_id
FROM (
    SELECT event_date, session_issuer_arn AS role_arn, session_name, cluster_hint AS cluster, first_event_time, event_id,
           -- A role of nodes is of the account that the nodes and their cluster are of.
           CASE WHEN cluster_hint IS NOT NULL AND error_code IS NULL THEN split_part(session_issuer_arn, ':', 5) END AS account_id,
           CASE WHEN cluster_hint IS NOT NULL AND error_code IS NULL THEN aws_region END AS region,
           CASE WHEN invoked_by = 'eks.amazonaws.com' AND event_source = 'elasticloadbalancing.amazonaws.com' THEN 'load_balancers'
                WHEN session_name IS NOT NULL AND event_source = 'eks-auth.amazonaws.com'
                     AND event_name = 'AssumeRoleForPodIdentity' THEN 'assume_role_for_pod_identity'
                WHEN is_instance_id(session_name) IS NOT TRUE THEN NULL
                WHEN user_agent LIKE '%amazon-vpc-cni-k8s%' THEN 'vpc_cni'
                WHEN event_source = 'sts.amazonaws.com' AND event_name = 'GetCallerIdentity'
                     AND user_agent LIKE 'Go-http-client/%' THEN 'kubelet_authentication'
                WHEN event_source = 'ecr.amazonaws.com' AND user_agent = 'AWS Internal'
                     AND event_name IN ('BatchGetImage', 'GetDownloadUrlForLayer', 'BatchCheckLayerAvailability') THEN 'image_pull'
                WHEN cluster_hint IS NOT NULL THEN 'cluster_named'
           END AS sign
    FROM activities
)
WHERE sign IS NOT NULL
GROUP BY event_date, role_arn, session_name, sign, cluster, account_id, region,
         CASE WHEN sign = 'image_pull' THEN arrow_cast(first_event_time, 'Int64') / 900000000 END
