-- Roles of clusters: what each is for, who may use it, and who did.
WITH
-- Who may use the Kubernetes API of a cluster, and what makes them its administrators.
-- Sources: EKS user guide, "Review access policy permissions"; Kubernetes, "Using RBAC Authorization", system:masters.
granted AS (
    SELECT name, cluster, false AS is_admin,
           concat('access entry of type ', json_text(attributes, 'type'), coalesce(', user ' || json_text(attributes, 'username'), '')) AS proof
    FROM inventory_states WHERE kind = 'access_entry' AND json_text(attributes, 'type') = 'STANDARD'
    UNION ALL
    -- The policies of an access entry are listed apart from what else it says.
    SELECT name, cluster, true, 'access policy AmazonEKSClusterAdminPolicy'
    FROM (SELECT name, cluster, unnest(json_list(attributes, 'access_policies')) AS policy FROM inventory_states WHERE kind = 'access_entry')
    WHERE json_text(policy, 'policy_arn') LIKE '%:cluster-access-policy/AmazonEKSClusterAdminPolicy' AND json_text(policy, 'scope') = 'cluster'
    UNION ALL
    SELECT name, cluster, user_groups LIKE '%"system:masters"%', concat('aws-auth maps it to ', user_groups)
    FROM (SELECT name, cluster, coalesce(json_text(attributes, 'groups'), 'no group') AS user_groups FROM inventory_states WHERE kind = 'aws_auth')
    WHERE user_groups NOT LIKE '%"system:nodes"%'
),
kinds AS (
    SELECT role_arn, cluster, 'node_role' AS kind, proof FROM node_roles
    UNION ALL
    SELECT roles.role_arn, fargate_roles.cluster, 'fargate_execution_role', fargate_roles.proof
    FROM fargate_roles JOIN (SELECT DISTINCT role_arn FROM roles) AS roles ON plain_role_arn(roles.role_arn) = fargate_roles.plain_arn
    UNION ALL
    SELECT cluster_role_arn, cluster, 'cluster_role', 'role of the cluster' FROM clusters WHERE cluster_role_arn IS NOT NULL
    UNION ALL
    SELECT role_arn, CAST(NULL AS VARCHAR), mechanism, 'EKS was seen to use it' FROM cluster_roles
    UNION ALL
    SELECT name, cluster, CASE WHEN bool_or(is_admin) THEN 'cluster_admin' ELSE 'cluster_access' END,
           first_value(proof ORDER BY is_admin DESC, proof)
    FROM granted GROUP BY name, cluster
    UNION ALL
    SELECT role_arn, cluster, 'cluster_creation', 'it made the call CreateCluster' FROM cluster_creators
),
purpose AS (
    SELECT role_arn, array_to_string(array_sort(array_agg(DISTINCT kind)), ', ') AS kind,
           array_to_string(array_sort(array_agg(DISTINCT cluster) FILTER (WHERE cluster IS NOT NULL)), ', ') AS clusters,
           min(proof) AS proof
    FROM kinds WHERE role_arn IS NOT NULL
    GROUP BY role_arn
),
bound AS (
    SELECT role_arn, count(DISTINCT concat_ws('/', cluster, namespace, service_account)) AS bindings,
           bool_or(wildcard) AS wildcard_trust,
           array_to_string(array_sort(array_agg(DISTINCT concat_ws('/', cluster, namespace, service_account))), ', ') AS bound_to
    FROM role_bindings GROUP BY role_arn
),
used AS (
    SELECT role_arn, array_to_string(array_sort(array_agg(DISTINCT access_path)), ', ') AS access_paths,
           count(DISTINCT CASE WHEN service_account IS NOT NULL THEN concat_ws('/', cluster, namespace, service_account) END) AS service_accounts,
           CAST(sum(calls) AS BIGINT) AS calls,
           CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied,
           min(first_event_time) AS first_seen, max(last_event_time) AS last_seen
    FROM {attribution}
    WHERE role_arn IS NOT NULL AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
    GROUP BY role_arn
)
SELECT coalesce(used.role_arn, bound.role_arn, purpose.role_arn) AS role_arn,
       coalesce(purpose.kind, CASE WHEN bound.role_arn IS NOT NULL THEN 'workload' END, 'workload') AS kind,
       purpose.clusters, purpose.proof, used.access_paths, used.service_accounts AS used_by,
       coalesce(bound.bindings, 0) AS bindings, bound.bound_to, coalesce(bound.wildcard_trust, false) AS wildcard_trust,
       used.calls, used.denied, used.first_seen, used.last_seen
FROM used
FULL OUTER JOIN bound ON bound.role_arn = used.role_arn
FULL OUTER JOIN purpose ON purpose.role_arn = coalesce(used.role_arn, bound.role_arn)
WHERE ($role_arn IS NULL OR coalesce(used.role_arn, bound.role_arn, purpose.role_arn) = $role_arn)
  AND ($account IS NULL OR split_part(coalesce(used.role_arn, bound.role_arn, purpose.role_arn), ':', 5) = $account)
ORDER BY role_arn
