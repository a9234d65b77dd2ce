-- Records that issued credentials, or refused to, and whom each of them names by itself.
-- Those made with a role session (chained AssumeRole) name nobody here; `issued_sessions` follows them.
WITH node_role AS (
    SELECT role_arn, min(confidence) AS confidence,
           CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
    FROM node_roles GROUP BY role_arn
),
records AS (
    SELECT event_id, first_event_time AS issued_at, issued_expires_at AS expires_at, event_name, error_code,
           identity_type, invoked_by, recipient_account_id, aws_region, shared_event_id, principal_id AS caller_principal_id,
           access_key_id AS caller_access_key_id, identity_arn AS caller_arn,
           session_created_at AS caller_created_at, session_issuer_arn AS caller_role_arn,
           session_name AS caller_session_name, federated_provider AS caller_provider,
           issued_access_key_id, issued_role_arn, issued_session_name,
           coalesce(issued_arn, assumed_role_arn(issued_role_arn, issued_session_name)) AS issued_arn,
           subject, oidc_issuer(identity_provider) AS issuer,
           tag_cluster, tag_arn, tag_namespace, tag_service_account, tag_pod, tag_pod_uid,
           passed_name, passed_arn, passed_namespace, passed_service_account, passed_pod, passed_pod_uid, external_id
    FROM issuing_records
),
named AS (
    SELECT records.*,
           CASE
               WHEN event_name = 'AssumeRoleWithWebIdentity' AND service_account_name(subject) IS NOT NULL THEN 'irsa'
               -- The second step of a target role is made with the session of the first. What EKS says of
               -- the service account counts, what a workload says in a call of its own does not.
               WHEN event_name = 'AssumeRole' AND invoked_by = 'pods.eks.amazonaws.com'
                    AND coalesce(tag_service_account, external_id_part(external_id, 'service_account')) IS NOT NULL THEN 'pod_identity'
               WHEN event_name <> 'AssumeRole' OR identity_type IS DISTINCT FROM 'AWSService' THEN NULL
               WHEN invoked_by = 'pods.eks.amazonaws.com' THEN 'pod_identity'
               WHEN invoked_by = 'eks-fargate-pods.amazonaws.com' THEN 'fargate_execution_role'
               WHEN issued_role_arn LIKE '%:role/aws-service-role/eks%.amazonaws.com/%'
                    OR invoked_by LIKE 'eks-nodegroup%.amazonaws.com' THEN 'eks_service_linked_role'
               WHEN invoked_by = 'eks.amazonaws.com' THEN 'cluster_role'
               WHEN invoked_by = 'ec2.amazonaws.com' AND is_instance_id(issued_session_name)
                    AND node_role.role_arn IS NOT NULL THEN 'node_role'
           END AS mechanism,
           -- The cluster that a session of EKS Pod Identity is of, with its place, as in `cluster_places`.
           coalesce(tag_cluster, external_id_part(external_id, 'cluster')) AS told_name,
           coalesce(split_part(tag_arn, ':', 5), external_id_part(external_id, 'account'),
                    CASE WHEN identity_type = 'AWSService' THEN split_part(issued_role_arn, ':', 5) END) AS told_account,
           coalesce(split_part(tag_arn, ':', 4), external_id_part(external_id, 'region')) AS told_region,
           node_role.cluster AS node_cluster,
           node_role.confidence AS node_confidence
    FROM records
    LEFT JOIN node_role ON node_role.role_arn = records.issued_role_arn
)
SELECT named.event_id, issued_at, expires_at, event_name, error_code, identity_type, invoked_by,
       recipient_account_id, aws_region, shared_event_id, caller_principal_id, caller_access_key_id, caller_arn, caller_created_at, caller_role_arn,
       caller_session_name, caller_provider, issued_access_key_id, issued_role_arn, issued_session_name,
       issued_arn, mechanism, named.issuer,
       CASE WHEN passed.arns IS NULL THEN passed_name
            ELSE cluster_identity(passed_name, split_part(passed_arn, ':', 5), split_part(passed_arn, ':', 4), passed.arns) END AS passed_cluster,
       passed_namespace, passed_service_account, passed_pod, passed_pod_uid,
       CASE
           WHEN mechanism = 'irsa' THEN coalesce(issuer_clusters.cluster, named.issuer)
           WHEN mechanism = 'pod_identity' AND told_name IS NULL THEN untagged.cluster
           WHEN mechanism = 'pod_identity' AND told.arns IS NULL THEN told_name
           WHEN mechanism = 'pod_identity' THEN cluster_identity(told_name, told_account, told_region, told.arns)
           WHEN mechanism = 'node_role' THEN coalesce(node_clusters.cluster, node_cluster)
           WHEN mechanism = 'fargate_execution_role' THEN fargate_roles.cluster
           WHEN mechanism = 'cluster_role' THEN cluster_of_role.cluster
       END AS cluster,
       CASE
           WHEN mechanism = 'irsa' THEN service_account_namespace(subject)
           WHEN mechanism = 'pod_identity' THEN coalesce(tag_namespace, external_id_part(external_id, 'namespace'), untagged.namespace)
       END AS namespace,
       CASE
           WHEN mechanism = 'irsa' THEN service_account_name(subject)
           WHEN mechanism = 'pod_identity' THEN coalesce(tag_service_account, external_id_part(external_id, 'service_account'), untagged.service_account)
       END AS service_account,
       -- What an external id names is exact; the pod that the session's name fits is not.
       CASE WHEN mechanism = 'pod_identity' THEN coalesce(tag_pod, CASE WHEN external_id_part(external_id, 'service_account') IS NULL THEN untagged.pod END) END AS pod,
       CASE WHEN mechanism = 'pod_identity' THEN coalesce(tag_pod_uid, CASE WHEN external_id_part(external_id, 'service_account') IS NULL THEN untagged.pod_uid END) END AS pod_uid,
       CASE WHEN mechanism IN ('node_role', 'fargate_execution_role') THEN issued_session_name END AS node,
       CASE
           -- kubelet's image credential provider may use the pod's token; it is the node's own work.
           WHEN mechanism = 'irsa' AND issued_session_name = 'ecr-credential-provider' THEN 'node_agent'
           WHEN mechanism IN ('irsa', 'pod_identity') THEN 'workload'
           WHEN mechanism IN ('node_role', 'fargate_execution_role') THEN 'node_agent'
           WHEN mechanism IS NOT NULL THEN 'control_plane'
       END AS actor,
       CASE
           WHEN mechanism = 'irsa' AND issued_session_name = 'ecr-credential-provider' THEN 'image-pull'
           WHEN mechanism = 'node_role' THEN 'instance-credentials'
           WHEN mechanism = 'fargate_execution_role' THEN 'fargate'
           WHEN mechanism = 'eks_service_linked_role' THEN split_part(invoked_by, '.', 1)
       END AS component,
       CASE
           WHEN mechanism = 'pod_identity' AND coalesce(tag_service_account, external_id_part(external_id, 'service_account')) IS NULL
               THEN CASE WHEN untagged.service_account IS NULL THEN 'unknown' ELSE 'inferred' END
           -- A cluster that only other nodes of the role have shown is not proven.
           WHEN mechanism = 'node_role' AND node_clusters.cluster IS NULL AND node_cluster IS NOT NULL THEN 'inferred'
           WHEN mechanism = 'node_role' THEN node_confidence
           WHEN mechanism IS NOT NULL THEN 'exact'
       END AS confidence,
       -- What the inventory adds to the record.
       CASE WHEN mechanism = 'irsa' AND issuer_clusters.cluster IS NOT NULL
                THEN concat('the inventory of cluster ', issuer_clusters.cluster, ' shows its OIDC issuer ', named.issuer)
            WHEN mechanism = 'pod_identity' AND coalesce(tag_service_account, external_id_part(external_id, 'service_account')) IS NULL THEN untagged.proof
            WHEN mechanism = 'cluster_role' AND cluster_of_role.cluster IS NOT NULL
                THEN concat('the inventory of cluster ', cluster_of_role.cluster, ' shows its role ', named.issued_role_arn)
       END AS inventory_fact
FROM named
LEFT JOIN node_clusters
       ON node_clusters.role_arn = named.issued_role_arn AND node_clusters.node = named.issued_session_name
LEFT JOIN issuer_clusters ON issuer_clusters.issuer = named.issuer
LEFT JOIN cluster_namesakes AS told ON told.name = named.told_name
LEFT JOIN cluster_namesakes AS passed ON passed.name = named.passed_name
LEFT JOIN untagged_sessions AS untagged ON untagged.event_id = named.event_id
LEFT JOIN (SELECT cluster_role_arn, min(cluster) AS cluster FROM clusters WHERE cluster_role_arn IS NOT NULL
           GROUP BY cluster_role_arn HAVING count(DISTINCT cluster) = 1) AS cluster_of_role
       ON cluster_of_role.cluster_role_arn = named.issued_role_arn
LEFT JOIN fargate_roles ON fargate_roles.plain_arn = plain_role_arn(named.issued_role_arn)
