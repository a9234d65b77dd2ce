-- Pods that fall back to their node's role: who, why, and how to fix it. One row per cluster, node role and
-- workload; where the workload is not known, per program. Causes are tested in this order, the first that has
-- evidence stands (attribution rules: "Why, and how to fix it").
WITH who AS (
    SELECT fallback_id(cluster, role_arn, namespace, service_account, workload, program) AS id, fallback_workloads.*
    FROM fallback_workloads
),
pods_of AS (
    SELECT cluster, namespace, service_account,
           workload, instance_id, host_network, injected, skip_containers, containers, valid_from, coalesce(valid_to, observed_at) AS valid_to,
           coalesce(created_at, started_at, valid_from) AS born_at, pod, pod_uid, injected_role_arn
    FROM pods
),
-- What its pods were like while the calls were made.
shape AS (
    SELECT who.id,
           count(DISTINCT pods_of.pod_uid) AS pods,
           bool_and(host_network) AS host_network,
           bool_or(coalesce(injected, 'none') <> 'none') AS any_injected,
           bool_and(coalesce(injected, 'none') <> 'none') AS all_injected,
           max(CASE WHEN injected <> 'none' THEN injected END) AS injected,
           max(injected_role_arn) AS injected_role_arn,
           max(CASE WHEN skip_containers IS NOT NULL AND skip_containers <> '[]' THEN skip_containers END) AS skip_containers,
           max(CASE WHEN coalesce(injected, 'none') = 'none' THEN born_at END) AS last_born_at,
           array_to_string(array_sort(array_agg(DISTINCT pods_of.pod) FILTER (WHERE pods_of.pod IS NOT NULL)), ' ') AS shape_pods,
           count(DISTINCT CASE WHEN injected = 'pod_identity' AND pod_identity_agents.node IS NULL THEN pods_of.instance_id END) AS nodes_without_agent,
           max(CASE WHEN injected = 'pod_identity' AND pod_identity_agents.node IS NULL THEN pods_of.instance_id END) AS node_without_agent
    FROM who
    JOIN pods_of ON pods_of.cluster = who.cluster AND pods_of.namespace = who.namespace
                AND pods_of.service_account = who.service_account AND (who.workload IS NULL OR pods_of.workload = who.workload)
                AND pods_of.valid_from <= who.last_seen AND pods_of.valid_to >= who.first_seen
    LEFT JOIN pod_identity_agents ON pod_identity_agents.node = pods_of.instance_id
    GROUP BY who.id
),
-- The binding in place at the end of the calls, and since when: one that had gone by then is none. One that was seen only later
-- counts, since what was before the first look is not known.
association AS (
    -- Of several, one that was there already, and the earliest.
    SELECT who.id,
           first_value(bound.role_arn ORDER BY bound.valid_from > who.last_seen, bound.valid_from, bound.association_id) AS role_arn,
           first_value(bound.valid_from ORDER BY bound.valid_from > who.last_seen, bound.valid_from, bound.association_id) AS valid_from,
           first_value(bound.association_id ORDER BY bound.valid_from > who.last_seen, bound.valid_from, bound.association_id) AS association_id
    FROM who
    JOIN pod_identity_associations AS bound
      ON bound.cluster = who.cluster AND bound.namespace = who.namespace AND bound.service_account = who.service_account
     AND (bound.valid_to IS NULL OR bound.valid_to > who.last_seen)
    GROUP BY who.id
),
annotation AS (
    SELECT who.id, last_value(bound.role_arn ORDER BY bound.valid_from) AS role_arn,
           last_value(bound.valid_from ORDER BY bound.valid_from) AS valid_from
    FROM who
    JOIN service_accounts AS bound
      ON bound.cluster = who.cluster AND bound.namespace = who.namespace AND bound.service_account = who.service_account
     AND bound.role_arn IS NOT NULL AND (bound.valid_to IS NULL OR bound.valid_to > who.last_seen)
    GROUP BY who.id
),
asked AS (
    SELECT cluster, namespace, service_account, issued_role_arn AS role_arn, error_code, issued_at, event_id
    FROM issuances
    WHERE mechanism = 'irsa'
),
-- A refusal explains calls of its time, a day before and after: an SDK asks again when the credentials that it fell back to
-- expire. One that was followed by a session of the same role was mended.
refused AS (
    SELECT who.id,
           first_value(error_code ORDER BY issued_at DESC, event_id) AS error_code,
           first_value(role_arn ORDER BY issued_at DESC, event_id) AS role_arn,
           first_value(event_id ORDER BY issued_at DESC, event_id) AS event_id
    FROM (
        SELECT who.id, asked.*,
               max(CASE WHEN asked.error_code IS NULL THEN asked.issued_at END) OVER (PARTITION BY who.id, asked.role_arn) AS last_issued
        FROM who
        JOIN asked ON asked.cluster = who.cluster AND asked.namespace = who.namespace AND asked.service_account = who.service_account
                  AND asked.issued_at BETWEEN who.first_seen - INTERVAL '1 day' AND who.last_seen + INTERVAL '1 day'
    ) AS who
    WHERE error_code IS NOT NULL AND (last_issued IS NULL OR last_issued < issued_at)
    GROUP BY who.id
),
agents AS (
    SELECT DISTINCT node_clusters.cluster FROM pod_identity_agents JOIN node_clusters ON node_clusters.node = pod_identity_agents.node
    WHERE node_clusters.cluster IS NOT NULL
),
known_clusters AS (
    SELECT DISTINCT cluster FROM pods
),
-- Names of clusters whose pods were seen without what tells of which cluster of that name.
unplaced AS (
    SELECT name, arns FROM unplaced_inventory WHERE kind = 'pod'
),
-- The variables are injected when a pod is made, by what is bound then; an association counts some seconds after it was made.
late AS (
    SELECT who.id,
           coalesce(association.valid_from >= shape.last_born_at - INTERVAL '1 minute', false) AS association_is_late,
           coalesce(annotation.valid_from >= shape.last_born_at - INTERVAL '1 minute', false) AS annotation_is_late
    FROM who
    JOIN shape ON shape.id = who.id
    LEFT JOIN association ON association.id = who.id
    LEFT JOIN annotation ON annotation.id = who.id
),
judged AS (
    SELECT who.*,
           shape.host_network, shape.any_injected, shape.all_injected, shape.injected, shape.skip_containers, shape.last_born_at,
           shape.shape_pods, shape.nodes_without_agent, shape.node_without_agent, shape.pods AS pod_count,
           association.role_arn AS association_role_arn, association.valid_from AS association_from, association.association_id,
           annotation.role_arn AS annotation_role_arn, annotation.valid_from AS annotation_from,
           late.association_is_late, late.annotation_is_late,
           refused.error_code AS refused_error, refused.role_arn AS refused_role_arn, refused.event_id AS refused_event_id,
           roles.trust_policy AS refused_trust_policy,
           clusters.oidc_issuer, agents.cluster IS NOT NULL AND coalesce(shape.nodes_without_agent, 0) = 0 AS agent_seen, known_clusters.cluster IS NOT NULL AS inventory,
           unplaced.name AS unplaced_name, unplaced.arns AS namesakes,
           CASE WHEN shape.injected IS NOT NULL THEN sdk_too_old(who.user_agents, shape.injected) END AS too_old,
           CASE
               WHEN who.service_account IS NULL THEN 'unknown'
               WHEN refused.error_code LIKE 'InvalidIdentityToken%' THEN 'oidc_provider_missing'
               WHEN refused.error_code IS NOT NULL AND is_denied(refused.error_code) THEN 'trust_denied'
               WHEN shape.pods IS NULL THEN 'unknown'
               -- What the webhook skips on request is not late.
               WHEN NOT shape.all_injected AND shape.skip_containers IS NULL AND shape.host_network IS NOT TRUE
                    AND (late.association_is_late OR late.annotation_is_late) THEN 'pod_predates_binding'
               WHEN shape.injected = 'pod_identity' AND shape.nodes_without_agent > 0 THEN 'association_missing_agent'
               WHEN shape.injected IS NOT NULL AND sdk_too_old(who.user_agents, shape.injected) IS NOT NULL THEN 'sdk_too_old'
               WHEN shape.host_network THEN 'host_network'
               WHEN shape.skip_containers IS NOT NULL THEN 'container_skipped'
               WHEN association.role_arn IS NULL AND annotation.role_arn IS NULL AND NOT shape.any_injected THEN 'no_binding'
               ELSE 'unknown'
           END AS cause
    FROM who
    LEFT JOIN shape ON shape.id = who.id
    LEFT JOIN late ON late.id = who.id
    LEFT JOIN association ON association.id = who.id
    LEFT JOIN annotation ON annotation.id = who.id
    LEFT JOIN refused ON refused.id = who.id
    LEFT JOIN roles ON roles.role_arn = refused.role_arn
    LEFT JOIN clusters ON clusters.cluster = who.cluster AND clusters.account_id = who.account_id
    LEFT JOIN known_clusters ON known_clusters.cluster = who.cluster
    LEFT JOIN unplaced ON unplaced.name = cluster_name(who.cluster)
    LEFT JOIN agents ON agents.cluster = who.cluster
)
SELECT id, cluster, role_arn, account_id, aws_region, namespace, service_account, workload, coalesce(pods, shape_pods) AS pods, component,
       confidence, score, candidates, cause,
       evidence(
           CASE WHEN service_account IS NULL THEN 'unknown_pod' END, event_id,
               CASE WHEN namespace IS NOT NULL THEN 'the inventory does not show the pod''s service account: neither a listing nor the creation of the pod was seen'
                    WHEN NOT inventory AND unplaced_name IS NOT NULL
                        THEN concat('the inventory of pods does not say of which cluster named ', unplaced_name, ' it is, of ', replace(namesakes, chr(10), ' and '), ': import it with the ARN for --cluster')
                    WHEN NOT inventory THEN 'the store has no inventory of the cluster''s pods: import one to learn which pod it was'
                    WHEN candidates IS NULL THEN 'the inventory shows no pod on the node at that time that can have made the calls'
                    ELSE 'several pods on the node fit, none much better than the others' END,
           CASE WHEN service_account IS NOT NULL THEN 'calls' END, event_id, concat(CAST(calls AS VARCHAR), ' calls with the node role, one of them this event'),
           CASE WHEN cause IN ('trust_denied', 'oidc_provider_missing') THEN 'refused' END, refused_event_id,
               concat('AssumeRoleWithWebIdentity of system:serviceaccount:', namespace, ':', service_account, ' for ', refused_role_arn, ' failed with ', refused_error),
           CASE WHEN cause = 'trust_denied' AND refused_trust_policy IS NOT NULL THEN 'trust_policy' END, NULL, refused_trust_policy,
           CASE WHEN cause = 'pod_predates_binding' AND association_is_late THEN 'association' END, NULL,
               concat('association ', coalesce(association_id, ''), ' with ', association_role_arn, ' is there since ', CAST(association_from AS VARCHAR), ', the pod since ', CAST(last_born_at AS VARCHAR), ': the variables are injected when a pod is made'),
           CASE WHEN cause = 'pod_predates_binding' AND annotation_is_late THEN 'annotation' END, NULL,
               concat('the service account is annotated with ', annotation_role_arn, ' (seen first ', CAST(annotation_from AS VARCHAR), '), the pod is there since ', CAST(last_born_at AS VARCHAR), ' and has no injected variables'),
           CASE WHEN cause = 'association_missing_agent' THEN 'no_agent' END, NULL, concat('no call of eks-pod-identity-agent from ', node_without_agent),
           CASE WHEN cause = 'sdk_too_old' THEN 'sdk' END, NULL, too_old,
           CASE WHEN cause = 'host_network' THEN 'host_network' END, NULL, 'the pod shares the node''s network: the hop limit does not keep it from the node''s credentials',
           CASE WHEN cause = 'container_skipped' THEN 'skip_containers' END, NULL, concat('annotation eks.amazonaws.com/skip-containers: ', skip_containers),
           CASE WHEN cause = 'no_binding' THEN 'no_binding' END, NULL, 'no Pod Identity association and no role annotation for the service account, no injected variables in the pod',
           CASE WHEN cause = 'unknown' AND coalesce(association_role_arn, annotation_role_arn) IS NOT NULL AND NOT all_injected THEN 'not_injected' END, NULL,
               concat(coalesce(association_role_arn, annotation_role_arn), ' was bound before the pod was made (', CAST(last_born_at AS VARCHAR), '), and yet nothing was injected: the webhook of EKS was not asked, or did not answer'),
           CASE WHEN cause = 'unknown' AND service_account IS NOT NULL AND all_injected IS NOT FALSE THEN 'no_cause' END, NULL,
               CASE WHEN pod_count IS NULL THEN 'no pod of it is known from that time'
                    WHEN coalesce(association_role_arn, annotation_role_arn) IS NULL THEN 'its pods were given variables for a binding that had gone by then, or was never seen'
                    ELSE 'its bindings look right; look at the credentials its program is told to use' END
       ) AS evidence,
       first_seen, last_seen, calls, denied, actions, nodes, user_agents,
       CASE WHEN namespace IS NULL THEN fallback_search(cluster, nodes, first_seen, last_seen, user_agents, candidates, CAST(inventory AS VARCHAR))
       ELSE
       fallback_fix(cause, cluster, aws_region, account_id, namespace, service_account, oidc_issuer,
                    coalesce(association_role_arn, annotation_role_arn, refused_role_arn),
                    CASE WHEN association_role_arn IS NOT NULL THEN 'pod_identity' WHEN coalesce(annotation_role_arn, refused_role_arn) IS NOT NULL THEN 'irsa' END,
                    workload, too_old, skip_containers, CAST(agent_seen AS VARCHAR), seen_calls) END AS fix
FROM judged
