-- Who made each call of a cluster's identities. Times are cut as numbers, microseconds: date_bin and date_trunc fail for all rows
-- where one is beyond the years 1677 to 2262. Read once over `events` (view attribution, one row per
-- event) and once over `activities` (view activity_attribution, one row per activity): the same rules over
-- the same columns, so the two cannot disagree. {calls} stands for either, {more} for the counts that
-- activities have. {identities} stands for what the inventory tells of an activity's pod (view
-- activity_identities), and for nothing in `activity_grounds`, which that view builds on.
WITH node_role AS (
    SELECT role_arn, min(confidence) AS confidence, first_value(event_id ORDER BY proof_rank, event_id) AS event_id,
           first_value(proof ORDER BY proof_rank, event_id) AS proof,
           CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
    FROM node_roles GROUP BY role_arn
),
-- Copy of a chained AssumeRole in the account of the role: same shared_event_id, caller without a session.
copies AS (
    SELECT shared_event_id, min(event_id) AS event_id
    FROM issued_sessions
    WHERE shared_event_id IS NOT NULL AND caller_arn IS NOT NULL
    GROUP BY shared_event_id
    HAVING count(*) = 1
),
matched AS (
    SELECT calls.*,
           issuances.event_id AS naming_event_id,
           CASE WHEN issuances.event_id IS NULL THEN coalesce(session_keys.event_id, session_arns.event_id, pod_sessions.event_id) END AS session_event_id,
           CASE WHEN session_keys.event_id IS NOT NULL THEN 'access key id'
                WHEN session_arns.event_id IS NOT NULL THEN 'session ARN and creation date'
                WHEN pod_sessions.event_id IS NOT NULL THEN 'session name, unique to one Pod Identity session'
           END AS matched_by,
           -- A direct call under another key than the one issued may be of another session that no record shows.
           session_keys.event_id IS NOT NULL OR pod_sessions.event_id IS NOT NULL OR calls.access_key_id IS NULL
               OR calls.invoked_by IS NOT NULL OR ambiguous_keys.access_key_id IS NOT NULL AS proven,
           CASE WHEN session_keys.event_id IS NULL AND session_arns.event_id IS NULL THEN pod_sessions.hops_back END AS hops_back,
           CASE WHEN session_keys.event_id IS NULL AND session_arns.identities > 1 THEN session_arns.identities END AS fitting,
           session_arns.candidates, session_arns.mechanism AS fitting_mechanism, session_arns.cluster AS fitting_cluster, session_arns.hops AS fitting_hops,
           session_arns.first_event_id AS fitting_event_id
    FROM {calls} AS calls
    LEFT JOIN issuances ON issuances.event_id = calls.event_id AND calls.issued_role_arn IS NOT NULL
                       AND issuances.mechanism IS NOT NULL
    LEFT JOIN session_keys ON session_keys.access_key_id = calls.access_key_id
                          AND session_keys.issued_arn = calls.identity_arn
    LEFT JOIN session_arns ON session_arns.issued_arn = calls.identity_arn
                          AND session_arns.issued_at = calls.session_created_at
    LEFT JOIN pod_sessions ON pod_sessions.issued_arn = calls.identity_arn
    LEFT JOIN ambiguous_keys ON ambiguous_keys.access_key_id = calls.access_key_id
),
placed AS (
    SELECT matched.*,
           coalesce(naming.mechanism, session.mechanism, CASE WHEN copied.by_proxy THEN 'node_role' ELSE copied.mechanism END) AS named_path,
           coalesce(naming.cluster, session.cluster, copied.cluster) AS named_cluster,
           coalesce(naming.namespace, session.namespace, copied.namespace) AS named_namespace,
           coalesce(naming.service_account, session.service_account, copied.service_account) AS named_service_account,
           coalesce(naming.pod, session.pod, copied.pod) AS named_pod,
           coalesce(naming.pod_uid, session.pod_uid, copied.pod_uid) AS named_pod_uid,
           coalesce(naming.node, session.node, copied.node) AS named_node,
           coalesce(naming.actor, session.actor, CASE WHEN copied.by_proxy THEN 'node_agent' ELSE copied.actor END) AS named_actor,
           coalesce(naming.inventory_fact, session.inventory_fact, copied.inventory_fact) AS named_fact,
           coalesce(naming.component, session.component, CASE WHEN copied.by_proxy THEN copied.mechanism ELSE copied.component END) AS named_component,
           coalesce(naming.confidence,
                    CASE WHEN session.confidence = 'exact' AND NOT matched.proven THEN 'inferred' ELSE session.confidence END,
                    CASE WHEN copied.by_proxy THEN 'inferred' ELSE copied.confidence END) AS named_confidence,
           CASE WHEN naming.event_id IS NOT NULL THEN CAST(0 AS BIGINT)
                WHEN copied.event_id IS NOT NULL THEN greatest(copied.hops - 1, 0)
                ELSE session.hops - coalesce(matched.hops_back, 0)
           END AS named_hops,
           copied.event_id AS copied_event_id,
           session.parent_event_id,
           told.activity_id IS NOT NULL AS is_told,
           told.namespace AS told_namespace, told.service_account AS told_service_account, told.pod AS told_pod, told.pod_uid AS told_pod_uid,
           told.node AS told_node, told.confidence AS told_confidence, told.score AS told_score, told.fact AS told_fact, told.detail AS told_detail,
           fargate.plain_arn IS NOT NULL AND matched.session_issuer_arn IS NOT NULL AS is_fargate, fargate.cluster AS fargate_cluster, fargate.proof AS fargate_proof, fargate.event_id AS fargate_event_id,
           sole.cluster AS sole_cluster, sole.namespace AS sole_namespace, sole.service_account AS sole_service_account, sole.proof AS sole_proof,
           provider_clusters.cluster AS issuer_cluster,
           node_role.role_arn AS node_role_arn, node_role.confidence AS role_confidence,
           node_role.event_id AS role_event_id, node_role.proof AS role_proof,
           coalesce(node_clusters.cluster, node_role.cluster) AS node_cluster,
           node_clusters.cluster IS NULL AND node_role.cluster IS NOT NULL AS cluster_of_role,
           CASE WHEN node_clusters.cluster IS NOT NULL THEN node_clusters.event_id END AS node_cluster_event_id,
           cluster_roles.mechanism AS role_mechanism, cluster_roles.event_id AS cluster_role_event_id,
           cluster_roles.confidence AS cluster_role_confidence, cluster_roles.cluster AS cluster_of_cluster_role,
           pod_role.role_arn AS pod_role_arn, pod_role.cluster AS pod_role_cluster, pod_role.event_id AS pod_role_event_id,
           CASE WHEN is_eks_issuer(oidc_issuer(matched.federated_provider)) THEN oidc_issuer(matched.federated_provider) END AS provider_cluster,
           rule.component AS rule_component, rule.actor AS rule_actor, rule.confidence AS rule_confidence,
           rule.pattern AS rule_pattern, rule.name AS rule_name,
           node_pulls.node IS NOT NULL AS pulling,
           node_boots.booted_at IS NOT NULL
               AND arrow_cast(matched.event_time, 'Int64') / 300000000 * 300000000 <= arrow_cast(node_boots.booted_at, 'Int64') + 1200000000 AS booting
    FROM matched
    LEFT JOIN issuances AS naming ON naming.event_id = matched.naming_event_id
    LEFT JOIN issued_sessions AS session ON session.event_id = matched.session_event_id
    LEFT JOIN root_activities AS root ON root.event_id = session.root_event_id
    LEFT JOIN copies ON copies.shared_event_id = matched.shared_event_id AND copies.event_id <> matched.event_id
                    AND matched.issued_role_arn IS NOT NULL AND matched.identity_type = 'AWSAccount'
    -- What kube2iam and kiam call is the node agent's own work, also in its copy.
    LEFT JOIN (SELECT *, mechanism IN ('kube2iam', 'kiam') AND hops = 0 AS by_proxy FROM issued_sessions) AS copied
           ON copied.event_id = copies.event_id
    LEFT JOIN node_role ON node_role.role_arn = matched.session_issuer_arn AND is_instance_id(matched.session_name)
    LEFT JOIN node_clusters ON node_clusters.role_arn = matched.session_issuer_arn AND node_clusters.node = matched.session_name
    LEFT JOIN cluster_roles ON cluster_roles.role_arn = matched.session_issuer_arn AND matched.invoked_by LIKE 'eks%.amazonaws.com'
    LEFT JOIN fargate_roles AS fargate
           ON fargate.plain_arn = plain_role_arn(CASE WHEN matched.invoked_by = 'eks-fargate-pods.amazonaws.com' THEN matched.issued_role_arn ELSE matched.session_issuer_arn END)
    LEFT JOIN sole_bindings AS sole
           ON sole.role_arn = matched.session_issuer_arn
          AND sole.mechanism = CASE WHEN matched.federated_provider IS NOT NULL THEN 'irsa'
                                    WHEN is_pod_identity_session(matched.session_name) THEN 'pod_identity' END
    LEFT JOIN issuer_clusters AS provider_clusters ON provider_clusters.issuer = oidc_issuer(matched.federated_provider)
    -- What was assumed with a node's session is whose that session's call was.
    LEFT JOIN {identities} AS told
           ON told.activity_id = CASE WHEN session.mechanism = 'node_role' AND session.hops > 0 AND matched.naming_event_id IS NULL
                                      THEN root.activity_id ELSE matched.activity_id END
    LEFT JOIN pod_identity_roles AS pod_role ON pod_role.role_arn = matched.session_issuer_arn AND is_pod_identity_session(matched.session_name)
    LEFT JOIN node_agent_rules AS rule
           ON rule.name = CASE WHEN is_instance_id(matched.session_name)
                               THEN node_agent_rule(matched.event_source, matched.event_name, matched.user_agent, matched.issued_session_name, matched.issued_role_arn) END
    LEFT JOIN node_pulls ON node_pulls.role_arn = matched.session_issuer_arn AND node_pulls.node = matched.session_name
                        AND node_pulls.quarter = arrow_cast(matched.event_time, 'Int64') / 900000000
    LEFT JOIN node_boots ON node_boots.role_arn = matched.session_issuer_arn AND node_boots.node = matched.session_name
),
judged AS (
    SELECT placed.*,
           CASE
               -- A call of the instance's own session, whether or not its delivery is in the trail.
               WHEN naming_event_id IS NULL AND node_role_arn IS NOT NULL THEN 'node'
               WHEN named_path IS NOT NULL THEN 'named'
               WHEN fitting IS NOT NULL THEN 'fitting'
               WHEN session_issuer_arn LIKE '%:role/aws-service-role/eks%.amazonaws.com/%' THEN 'service_linked'
               WHEN role_mechanism IS NOT NULL THEN 'cluster_role'
               WHEN identity_type = 'AWSService' AND invoked_by = 'eks.amazonaws.com' THEN 'service'
               WHEN is_fargate THEN 'fargate'
               WHEN provider_cluster IS NOT NULL THEN 'provider'
               WHEN pod_role_arn IS NOT NULL THEN 'pod_role'
           END AS ground,
           sole_service_account IS NOT NULL AND naming_event_id IS NULL AND session_event_id IS NULL
               AND (issuer_cluster IS NULL OR issuer_cluster = sole_cluster) AS unissued_sole,
           rule_name IS NOT NULL AND (rule_pattern IS NULL OR (rule_pattern = 'pull' AND pulling) OR (rule_pattern = 'boot' AND booting)) AS rule_holds
    FROM placed
),
bindings AS (
    SELECT judged.*, ground IN ('provider', 'pod_role') AND unissued_sole AS bound FROM judged
)
SELECT event_id,
       activity_id,
       event_time,
       recipient_account_id, aws_region, event_source, event_name, error_code, source_ip_address, user_agent,
       access_key_id,
       coalesce(CASE WHEN naming_event_id IS NULL AND copied_event_id IS NULL THEN session_issuer_arn END, issued_role_arn, session_issuer_arn) AS role_arn,
       CASE ground
           WHEN 'node' THEN 'node_role'
           WHEN 'named' THEN named_path
           WHEN 'fitting' THEN fitting_mechanism
           WHEN 'service_linked' THEN 'eks_service_linked_role'
           WHEN 'cluster_role' THEN role_mechanism
           WHEN 'service' THEN 'cluster_role'
           WHEN 'fargate' THEN 'fargate_execution_role'
           WHEN 'provider' THEN 'irsa'
           WHEN 'pod_role' THEN 'pod_identity'
       END AS access_path,
       CASE ground
           WHEN 'node' THEN CASE WHEN rule_holds THEN rule_actor WHEN rule_name IS NOT NULL THEN 'unknown' ELSE 'workload' END
           WHEN 'named' THEN named_actor
           WHEN 'fitting' THEN 'workload'
           WHEN 'provider' THEN 'workload'
           WHEN 'pod_role' THEN 'workload'
           WHEN 'fargate' THEN 'node_agent'
           ELSE 'control_plane'
       END AS actor,
       CASE ground
           WHEN 'node' THEN CASE WHEN rule_holds THEN rule_component END
           WHEN 'named' THEN named_component
           WHEN 'fargate' THEN 'fargate'
           WHEN 'service_linked' THEN split_part(split_part(session_issuer_arn, '/aws-service-role/', 2), '.', 1)
           WHEN 'cluster_role' THEN CASE WHEN event_source = 'elasticloadbalancing.amazonaws.com' THEN 'cloud-controller-manager' END
           WHEN 'service' THEN CASE WHEN event_source = 'kms.amazonaws.com' THEN 'secrets-encryption' END
       END AS component,
       CASE ground
           WHEN 'node' THEN node_cluster
           WHEN 'named' THEN named_cluster
           WHEN 'fitting' THEN fitting_cluster
           WHEN 'cluster_role' THEN cluster_of_cluster_role
           WHEN 'fargate' THEN fargate_cluster
           WHEN 'provider' THEN coalesce(issuer_cluster, provider_cluster)
           WHEN 'pod_role' THEN CASE WHEN bound THEN sole_cluster ELSE pod_role_cluster END
       END AS cluster,
       CASE WHEN bound THEN sole_namespace WHEN ground = 'named' THEN coalesce(named_namespace, told_namespace) WHEN ground = 'node' THEN told_namespace END AS namespace,
       CASE WHEN bound THEN sole_service_account WHEN ground = 'named' THEN coalesce(named_service_account, told_service_account) WHEN ground = 'node' THEN told_service_account END AS service_account,
       CASE WHEN ground = 'named' THEN coalesce(named_pod, told_pod) WHEN ground = 'node' THEN told_pod END AS pod,
       CASE WHEN ground = 'named' THEN coalesce(named_pod_uid, told_pod_uid) WHEN ground = 'node' THEN told_pod_uid END AS pod_uid,
       CASE ground WHEN 'node' THEN session_name WHEN 'fargate' THEN session_name WHEN 'named' THEN coalesce(named_node, told_node) END AS node,
       CASE ground WHEN 'named' THEN named_hops WHEN 'fitting' THEN fitting_hops ELSE CAST(0 AS BIGINT) END AS hops,
       CASE
           WHEN ground = 'node' AND rule_holds AND rule_actor = 'node_agent' THEN
               CASE WHEN rule_confidence = 'exact' AND role_confidence = 'exact' AND NOT cluster_of_role THEN 'exact' ELSE 'inferred' END
           WHEN bound THEN 'inferred'
           WHEN ground = 'node' THEN coalesce(told_confidence, 'unknown')
           WHEN ground IN ('provider', 'pod_role') THEN 'unknown'
           WHEN ground = 'cluster_role' THEN cluster_role_confidence
           WHEN ground = 'named' THEN CASE WHEN named_service_account IS NULL AND told_service_account IS NOT NULL THEN told_confidence ELSE named_confidence END
           WHEN ground = 'fitting' THEN 'candidate'
           ELSE 'exact'
       END AS confidence,
       CASE
           WHEN ground = 'node' AND rule_holds AND rule_actor = 'node_agent' THEN
               CASE WHEN rule_confidence = 'exact' AND role_confidence = 'exact' AND NOT cluster_of_role THEN 1.0 ELSE 0.9 END
           WHEN bound THEN 0.9
           WHEN ground = 'node' THEN coalesce(told_score, 0.0)
           WHEN ground IN ('provider', 'pod_role') THEN 0.0
           WHEN ground = 'cluster_role' AND cluster_role_confidence = 'inferred' THEN 0.9
           WHEN ground = 'named' AND named_service_account IS NULL AND told_service_account IS NOT NULL THEN told_score
           WHEN ground = 'named' THEN CASE named_confidence WHEN 'exact' THEN 1.0 WHEN 'inferred' THEN 0.9 ELSE 0.0 END
           WHEN ground = 'fitting' THEN 1.0 / fitting
           ELSE 1.0
       END AS score,
       evidence(
           CASE WHEN naming_event_id IS NULL THEN NULL WHEN named_path = 'pod_identity' AND named_confidence IN ('inferred', 'unknown') THEN 'untagged' ELSE 'names_identity' END, naming_event_id, CASE WHEN named_path = 'pod_identity' AND named_confidence IN ('inferred', 'unknown')
                THEN 'the record has no session tags that name the pod' ELSE 'the record itself names whom it issued credentials to, or refused them' END,
           CASE WHEN ground = 'named' AND named_fact IS NOT NULL THEN 'inventory' END, NULL, named_fact,
           CASE WHEN ground = 'named' AND session_event_id IS NOT NULL THEN 'issued_by' END, session_event_id, concat('credentials matched by ', matched_by, CASE WHEN proven THEN '' ELSE ', under another access key id' END),
           CASE WHEN ground = 'named' AND named_path = 'irsa' AND named_cluster LIKE '%.%' AND NOT is_eks_issuer(named_cluster) THEN 'not_eks' END, NULL,
               concat('the issuer ', named_cluster, ' is not of EKS''s form: Kubernetes, but not proven to be EKS'),
           CASE WHEN ground = 'named' AND parent_event_id IS NOT NULL THEN 'chained_from' END, parent_event_id, CASE WHEN named_hops = 0 THEN 'assumed for a pod with the node role'
                ELSE concat(CAST(named_hops AS VARCHAR), ' role(s) assumed since the workload''s own session') END,
           CASE WHEN copied_event_id IS NOT NULL THEN 'copy_of' END, copied_event_id, 'same shared_event_id: the same act, seen from the other account',
           CASE WHEN ground = 'fitting' THEN 'several_fit' END, fitting_event_id, concat('session ARN and creation date fit ', CAST(fitting AS VARCHAR), ' identities: ', candidates),
           CASE WHEN ground = 'node' THEN 'node_role' END, role_event_id, concat('role proven by ', role_proof),
           CASE WHEN ground = 'node' AND node_cluster IS NOT NULL THEN 'node_cluster' END, node_cluster_event_id,
               CASE WHEN cluster_of_role THEN 'only other nodes of the role have shown a cluster' WHEN node_cluster_event_id IS NULL THEN 'its launch or the inventory of nodes names its cluster' ELSE 'the node itself named its cluster' END,
           CASE WHEN ground = 'node' AND rule_name IS NOT NULL THEN 'node_agent_rule' END, NULL,
               concat(rule_name, CASE WHEN rule_holds THEN '' ELSE ', but the node showed no boot or image pull at that time' END),
           CASE WHEN ground = 'node' AND rule_name IS NULL THEN 'no_rule' END, NULL, 'no node agent is known to make this call with this user agent',
           CASE WHEN ground = 'cluster_role' THEN 'cluster_role' END, cluster_role_event_id,
               concat('a role that EKS uses for a cluster', CASE WHEN cluster_role_event_id IS NULL THEN concat(', as the inventory of ', cluster_of_cluster_role, ' shows') ELSE '' END, '; call invoked by EKS'),
           CASE WHEN ground IN ('service_linked', 'service') THEN ground END, NULL, 'identity of the EKS service itself',
           CASE WHEN ground = 'pod_role' THEN 'pod_identity_role' END, pod_role_event_id, concat('a role of EKS Pod Identity and a session name of its form; the record that issued the session is not in the store', CASE WHEN bound THEN '' ELSE ', so the service account is not known' END),
           CASE WHEN ground = 'provider' THEN 'oidc_provider' END, NULL, concat('the session came from ', provider_cluster, '; the record that issued it is not in the store', CASE WHEN bound THEN '' ELSE ', so the service account is not known' END),
           CASE WHEN bound THEN 'sole_binding' END, NULL, concat('only one service account may hold the role: ', sole_proof),
           CASE WHEN ground = 'fargate' OR (ground = 'named' AND named_path = 'fargate_execution_role' AND fargate_proof IS NOT NULL) THEN 'fargate_role' END, fargate_event_id, fargate_proof,
           CASE WHEN is_told AND ground IN ('node', 'named') THEN told_fact END, NULL, told_detail
       ) AS evidence{more}
FROM bindings
WHERE ground IS NOT NULL
