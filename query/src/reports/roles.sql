-- Roles of clusters: what each is for, who may use it, and who did.
WITH kinds AS (
    SELECT role_arn, cluster, 'node_role' AS kind, proof FROM node_roles
    UNION ALL
    SELECT roles.role_arn, fargate_roles.cluster, 'fargate_execution_role', fargate_roles.proof
    FROM fargate_roles JOIN (SELECT DISTINCT role_arn FROM roles) AS roles ON plain_role_arn(roles.role_arn) = fargate_roles.plain_arn
    UNION ALL
    SELECT cluster_role_arn, cluster, 'cluster_role', 'role of the cluster' FROM clusters WHERE cluster_role_arn IS NOT NULL
    UNION ALL
    SELECT role_arn, CAST(NULL AS VARCHAR), mechanism, 'EKS was seen to use it' FROM cluster_roles
    UNION ALL
    -- What was there within the time that is asked for; where that has no beginning, at its end.
    SELECT principal_arn, cluster, CASE WHEN bool_or(is_admin) THEN 'cluster_admin' ELSE 'cluster_access' END,
           first_value(proof ORDER BY is_admin DESC, proof)
    FROM cluster_grants
    WHERE (valid_to IS NULL OR valid_to > $from OR ($from IS NULL AND valid_to > $to))
      AND ($to IS NULL OR valid_from IS NULL OR valid_from < $to)
    GROUP BY principal_arn, cluster
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
