-- Pods that fall back to their node's role: who, why, and how to fix it. One row per cluster, node role and
-- workload; where the workload is not known, per program. Causes are tested in this order, the first that has
-- evidence stands (attribution rules: "Why, and how to fix it").
WITH pods_of AS (
    SELECT cluster, namespace, service_account,
           workload, instance_id, host_network, injected, skip_containers, containers, valid_from, coalesce(valid_to, observed_at) AS valid_to,
           coalesce(created_at, started_at, valid_from) AS born_at, pod, pod_uid, injected_role_arn
    FROM pods
),
-- What its pods were like while the calls were made.
shape AS (
    SELECT who.cluster, who.role_arn, who.namespace, who.service_account, who.workload,
           count(DISTINCT pods_of.pod_uid) AS pods,
           bool_and(host_network) AS host_network,
           bool_or(coalesce(injected, 'none') <> 'none') AS any_injected,
           bool_and(coalesce(injected, 'none') <> 'none') AS all_injected,
           max(CASE WHEN injected <> 'none' THEN injected END) AS injected,
           max(injected_role_arn) AS injected_role_arn,
           max(CASE WHEN skip_containers IS NOT NULL AND skip_containers <> '[]' THEN skip_containers END) AS skip_containers,
           min(born_at) AS born_at, max(born_at) AS last_born_at,
           array_to_string(array_sort(array_agg(DISTINCT pods_of.pod) FILTER (WHERE pods_of.pod IS NOT NULL)), ' ') AS shape_pods,
           count(DISTINCT CASE WHEN injected = 'pod_identity' AND pod_identity_agents.node IS NULL THEN pods_of.instance_id END) AS nodes_without_agent,
           max(CASE WHEN injected = 'pod_identity' AND pod_identity_agents.node IS NULL THEN pods_of.instance_id END) AS node_without_agent
    FROM fallback_workloads AS who
    JOIN pods_of ON pods_of.cluster = who.cluster AND pods_of.namespace = who.namespace
                AND pods_of.service_account = who.service_account AND (who.workload IS NULL OR pods_of.workload = who.workload)
                AND pods_of.valid_from <= who.last_seen AND pods_of.valid_to >= who.first_seen
    LEFT JOIN pod_identity_agents ON pod_identity_agents.node = pods_of.instance_id
    GROUP BY who.cluster, who.role_arn, who.namespace, who.service_account, who.workload
),
-- The binding in place at the end of the calls, and since when.
association AS (
    SELECT cluster, namespace, service_account, max(role_arn) AS role_arn, min(valid_from) AS valid_from, max(valid_to) AS valid_to,
           min(association_id) AS association_id
    FROM pod_identity_associations
    GROUP BY cluster, namespace, service_account
),
annotation AS (
    SELECT cluster, namespace, service_account, last_value(role_arn ORDER BY valid_from) AS role_arn,
           last_value(valid_from ORDER BY valid_from) AS valid_from, last_value(not_before ORDER BY valid_from) AS not_before
    FROM service_accounts WHERE role_arn IS NOT NULL
    GROUP BY cluster, namespace, service_account
),
refused AS (
    SELECT cluster, namespace, service_account,
           first_value(error_code ORDER BY last_seen DESC, event_id) AS error_code,
           first_value(role_arn ORDER BY last_seen DESC, event_id) AS role_arn,
           first_value(event_id ORDER BY last_seen DESC, event_id) AS event_id
    FROM refused_accounts
    GROUP BY cluster, namespace, service_account
),
agents AS (
    SELECT DISTINCT node_clusters.cluster FROM pod_identity_agents JOIN node_clusters ON node_clusters.node = pod_identity_agents.node
    WHERE node_clusters.cluster IS NOT NULL
),
known_clusters AS (
    SELECT DISTINCT cluster FROM pods
),
judged AS (
    SELECT who.*,
           shape.host_network, shape.any_injected, shape.all_injected, shape.injected, shape.skip_containers, shape.born_at, shape.last_born_at,
           shape.shape_pods, shape.nodes_without_agent, shape.node_without_agent, shape.pods AS pod_count,
           association.role_arn AS association_role_arn, association.valid_from AS association_from, association.association_id,
           annotation.role_arn AS annotation_role_arn, annotation.valid_from AS annotation_from, annotation.not_before AS annotation_not_before,
           refused.error_code AS refused_error, refused.role_arn AS refused_role_arn, refused.event_id AS refused_event_id,
           roles.trust_policy AS refused_trust_policy,
           clusters.oidc_issuer, agents.cluster IS NOT NULL AND coalesce(shape.nodes_without_agent, 0) = 0 AS agent_seen, known_clusters.cluster IS NOT NULL AS inventory,
           CASE WHEN shape.injected IS NOT NULL THEN sdk_too_old(who.user_agent, shape.injected) END AS too_old,
           CASE
               WHEN who.service_account IS NULL THEN 'unknown'
               WHEN refused.error_code LIKE 'InvalidIdentityToken%' THEN 'oidc_provider_missing'
               WHEN refused.error_code IS NOT NULL AND is_denied(refused.error_code) THEN 'trust_denied'
               WHEN shape.pods IS NULL THEN 'unknown'
               -- What the webhook skips on request is not late.
               WHEN NOT shape.all_injected AND shape.skip_containers IS NULL AND shape.host_network IS NOT TRUE
                    AND (association.role_arn IS NOT NULL OR annotation.role_arn IS NOT NULL) THEN 'pod_predates_binding'
               WHEN shape.injected = 'pod_identity' AND shape.nodes_without_agent > 0 THEN 'association_missing_agent'
               WHEN shape.injected IS NOT NULL AND sdk_too_old(who.user_agent, shape.injected) IS NOT NULL THEN 'sdk_too_old'
               WHEN shape.host_network THEN 'host_network'
               WHEN shape.skip_containers IS NOT NULL THEN 'container_skipped'
               WHEN association.role_arn IS NULL AND annotation.role_arn IS NULL AND NOT shape.any_injected THEN 'no_binding'
               ELSE 'unknown'
           END AS cause
    FROM fallback_workloads AS who
    LEFT JOIN shape ON shape.cluster = who.cluster AND shape.role_arn = who.role_arn AND shape.namespace = who.namespace
                   AND shape.service_account = who.service_account AND shape.workload IS NOT DISTINCT FROM who.workload
    LEFT JOIN association ON association.cluster = who.cluster AND association.namespace = who.namespace AND association.service_account = who.service_account
    LEFT JOIN annotation ON annotation.cluster = who.cluster AND annotation.namespace = who.namespace AND annotation.service_account = who.service_account
    LEFT JOIN refused ON refused.cluster = who.cluster AND refused.namespace = who.namespace AND refused.service_account = who.service_account
    LEFT JOIN roles ON roles.role_arn = refused.role_arn
    LEFT JOIN clusters ON clusters.cluster = who.cluster AND clusters.account_id = who.account_id
    LEFT JOIN known_clusters ON known_clusters.cluster = who.cluster
    LEFT JOIN agents ON agents.cluster = who.cluster
)
SELECT fallback_id(cluster, role_arn, namespace, service_account, workload, program) AS id,
       cluster, role_arn, account_id, aws_region, namespace, service_account, workload, coalesce(pods, shape_pods) AS pods, component,
       confidence, score, candidates, cause,
       evidence(
           CASE WHEN service_account IS NULL THEN 'unknown_pod' END, event_id,
               CASE WHEN NOT inventory THEN 'the store has no inventory of the cluster''s pods: import one to learn which pod it was'
                    WHEN candidates IS NULL THEN 'the inventory shows no pod on the node at that time that can have made the calls'
                    ELSE 'several pods on the node fit, none much better than the others' END,
           CASE WHEN service_account IS NOT NULL THEN 'calls' END, event_id, concat(CAST(calls AS VARCHAR), ' calls with the node role, one of them this event'),
           CASE WHEN cause IN ('trust_denied', 'oidc_provider_missing') THEN 'refused' END, refused_event_id,
               concat('AssumeRoleWithWebIdentity of system:serviceaccount:', namespace, ':', service_account, ' for ', refused_role_arn, ' failed with ', refused_error),
           CASE WHEN cause = 'trust_denied' AND refused_trust_policy IS NOT NULL THEN 'trust_policy' END, NULL, refused_trust_policy,
           CASE WHEN cause = 'pod_predates_binding' AND association_role_arn IS NOT NULL THEN 'association' END, NULL,
               concat('association ', coalesce(association_id, ''), ' with ', association_role_arn, ' is there since ', CAST(association_from AS VARCHAR), ', the pod since ', CAST(last_born_at AS VARCHAR), ': the variables are injected when a pod is made'),
           CASE WHEN cause = 'pod_predates_binding' AND annotation_role_arn IS NOT NULL THEN 'annotation' END, NULL,
               concat('the service account is annotated with ', annotation_role_arn, ' (seen first ', CAST(annotation_from AS VARCHAR), '), the pod is there since ', CAST(last_born_at AS VARCHAR), ' and has no injected variables'),
           CASE WHEN cause = 'association_missing_agent' THEN 'no_agent' END, NULL, concat('no call of eks-pod-identity-agent from ', node_without_agent),
           CASE WHEN cause = 'sdk_too_old' THEN 'sdk' END, NULL, too_old,
           CASE WHEN cause = 'host_network' THEN 'host_network' END, NULL, 'the pod shares the node''s network: the hop limit does not keep it from the node''s credentials',
           CASE WHEN cause = 'container_skipped' THEN 'skip_containers' END, NULL, concat('annotation eks.amazonaws.com/skip-containers: ', skip_containers),
           CASE WHEN cause = 'no_binding' THEN 'no_binding' END, NULL, 'no Pod Identity association and no role annotation for the service account, no injected variables in the pod',
           CASE WHEN cause = 'unknown' AND service_account IS NOT NULL THEN 'no_cause' END, NULL, 'its bindings look right; look at the credentials its program is told to use'
       ) AS evidence,
       first_seen, last_seen, calls, denied, actions, nodes, user_agents,
       fallback_fix(cause, cluster, aws_region, account_id, namespace, service_account, oidc_issuer,
                    coalesce(association_role_arn, annotation_role_arn, refused_role_arn),
                    CASE WHEN association_role_arn IS NOT NULL THEN 'pod_identity' WHEN coalesce(annotation_role_arn, refused_role_arn) IS NOT NULL THEN 'irsa' END,
                    workload, too_old, skip_containers, CAST(agent_seen AS VARCHAR), seen_calls) AS fix
FROM judged
