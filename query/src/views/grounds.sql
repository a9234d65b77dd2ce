-- On which ground it can be said who made a call, and what that ground tells: without the pods, which `attribution` adds.
-- Read once over `events` (view event_grounds, one row per event) and once over `activities` (view activity_grounds, one row
-- per activity): the same rules over the same columns, so the two cannot disagree. Braces stand for what differs. A
-- call without a ground is of no identity of a cluster.
-- Times are cut as numbers, microseconds: date_bin and date_trunc fail for all rows where one is beyond the years 1677
-- to 2262.
WITH
-- Copy of a chained AssumeRole in the account of the role: same shared_event_id, caller without a session.
copies AS (
    SELECT shared_event_id, min(event_id) AS event_id
    FROM issued_sessions
    WHERE shared_event_id IS NOT NULL AND caller_arn IS NOT NULL
    GROUP BY shared_event_id
    HAVING count(*) = 1
),
placed AS (
    SELECT calls.*,
           naming.event_id AS naming_event_id,
           caller.session_event_id, caller.matched_by, caller.proven,
           caller.fitting, caller.candidates, caller.fitting_mechanism, caller.fitting_cluster, caller.fitting_hops, caller.fitting_event_id,
           coalesce(naming.mechanism, caller.session_path, CASE WHEN copied.by_proxy THEN 'node_role' ELSE copied.mechanism END) AS named_path,
           coalesce(naming.cluster, caller.session_cluster, copied.cluster) AS named_cluster,
           coalesce(naming.namespace, caller.session_namespace, copied.namespace) AS named_namespace,
           coalesce(naming.service_account, caller.session_service_account, copied.service_account) AS named_service_account,
           coalesce(naming.pod, caller.session_pod, copied.pod) AS named_pod,
           coalesce(naming.pod_uid, caller.session_pod_uid, copied.pod_uid) AS named_pod_uid,
           coalesce(naming.node, caller.session_node, copied.node) AS named_node,
           coalesce(naming.actor, caller.session_actor, CASE WHEN copied.by_proxy THEN 'node_agent' ELSE copied.actor END) AS named_actor,
           coalesce(naming.inventory_fact, caller.session_fact, copied.inventory_fact) AS named_fact,
           coalesce(naming.component, caller.session_component, CASE WHEN copied.by_proxy THEN copied.mechanism ELSE copied.component END) AS named_component,
           coalesce(naming.confidence, caller.session_confidence, CASE WHEN copied.by_proxy THEN 'inferred' ELSE copied.confidence END) AS named_confidence,
           CASE WHEN naming.event_id IS NOT NULL THEN CAST(0 AS BIGINT)
                WHEN copied.event_id IS NOT NULL THEN greatest(copied.hops - 1, 0)
                ELSE caller.session_hops
           END AS named_hops,
           copies.event_id AS copied_event_id,
           caller.parent_event_id,
           CASE WHEN naming.event_id IS NULL THEN coalesce(caller.session_gap, copied.gap) END AS gap,
           -- A copy whose original is not in the store, or a session that one issued, and the session it was made with.
           naming.event_id IS NULL AND coalesce(caller.session_by_principal, copied.by_principal, false) AS by_principal,
           CASE WHEN caller.session_by_principal THEN caller.parent_event_id WHEN copied.by_principal THEN copied.parent_event_id END AS principal_event_id,
           caller.root_activity_id,
           caller.is_fargate OR (fargate.plain_arn IS NOT NULL AND calls.session_issuer_arn IS NOT NULL) AS is_fargate,
           coalesce(fargate.cluster, caller.fargate_cluster) AS fargate_cluster, coalesce(fargate.proof, caller.fargate_proof) AS fargate_proof,
           coalesce(fargate.event_id, caller.fargate_event_id) AS fargate_event_id,
           caller.sole_cluster, caller.sole_namespace, caller.sole_service_account, caller.sole_proof, caller.sole_of_provider, caller.issuer_cluster,
           caller.node_role_arn, caller.role_confidence, caller.role_event_id, caller.role_proof, caller.is_hybrid,
           caller.node_cluster, caller.cluster_of_role, caller.node_cluster_event_id,
           caller.role_mechanism, caller.cluster_role_event_id, caller.cluster_role_confidence, caller.cluster_of_cluster_role,
           caller.pod_role_arn, caller.pod_role_cluster, caller.pod_role_event_id, caller.provider_cluster,
           rule.component AS rule_component, rule.actor AS rule_actor, rule.confidence AS rule_confidence,
           rule.pattern AS rule_pattern, rule.name AS rule_name,
           node_pulls.node IS NOT NULL AS pulling,
           caller.booted_at IS NOT NULL
               AND arrow_cast(calls.event_time, 'Int64') / 300000000 * 300000000 <= arrow_cast(caller.booted_at, 'Int64') + 1200000000 AS booting
    FROM {calls} AS calls
    -- A record that names whom it issued credentials to says more than the credentials that it was made with.
    LEFT JOIN (SELECT * FROM issuances WHERE mechanism IS NOT NULL) AS naming
           ON naming.event_id = CASE WHEN calls.issued_role_arn IS NOT NULL THEN calls.event_id END
    LEFT JOIN caller_identities AS caller
           ON caller.caller_id = CASE WHEN naming.event_id IS NULL
                                      THEN caller_id(calls.access_key_id, calls.identity_arn, calls.session_created_at, calls.session_issuer_arn,
                                                     calls.session_name, calls.federated_provider, calls.identity_type, calls.invoked_by) END
    LEFT JOIN copies ON copies.shared_event_id = CASE WHEN calls.issued_role_arn IS NOT NULL AND calls.identity_type = 'AWSAccount' THEN calls.shared_event_id END
                    AND copies.event_id <> calls.event_id
    -- What kube2iam and kiam call is the node agent's own work, also in its copy. A copy alone has its caller's principal id.
    LEFT JOIN (SELECT *, mechanism IN ('kube2iam', 'kiam') AND hops = 0 AS by_proxy FROM issued_sessions) AS copied
           ON copied.event_id = coalesce(copies.event_id, CASE WHEN naming.event_id IS NULL AND calls.issued_role_arn IS NOT NULL
                                                                    AND calls.identity_type = 'AWSAccount' THEN calls.event_id END)
    LEFT JOIN fargate_roles AS fargate
           ON fargate.plain_arn = CASE WHEN calls.invoked_by = 'eks-fargate-pods.amazonaws.com' THEN plain_role_arn(calls.issued_role_arn) END
    LEFT JOIN node_agent_rules AS rule
           ON rule.name = CASE WHEN caller.node_role_arn IS NOT NULL
                               THEN node_agent_rule(calls.event_source, calls.event_name, calls.user_agent, calls.issued_session_name, calls.issued_role_arn) END
    LEFT JOIN node_pulls ON node_pulls.role_arn = CASE WHEN rule.pattern = 'pull' THEN calls.session_issuer_arn END
                        AND node_pulls.node = calls.session_name
                        AND node_pulls.quarter = arrow_cast(calls.event_time, 'Int64') / 900000000
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
               AND (provider_cluster IS NULL OR sole_of_provider IS TRUE) AS unissued_sole,
           rule_name IS NOT NULL AND (rule_pattern IS NULL OR (rule_pattern = 'pull' AND pulling) OR (rule_pattern = 'boot' AND booting)) AS rule_holds
    FROM placed
),
bindings AS (
    SELECT judged.*, ground IN ('provider', 'pod_role') AND unissued_sole AS bound FROM judged
)
SELECT event_id, activity_id, event_time, recipient_account_id, aws_region, event_source, event_name, error_code, source_ip_address, user_agent,
       access_key_id, identity_type, invoked_by, session_name, session_created_at, vpc_endpoint_id,
       ground,
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
           -- A hybrid node has no metadata service that would give a pod its role: other programs of the machine have it.
           WHEN 'node' THEN CASE WHEN rule_holds THEN rule_actor WHEN rule_name IS NOT NULL OR is_hybrid THEN 'unknown' ELSE 'workload' END
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
       CASE WHEN bound THEN sole_namespace WHEN ground = 'named' THEN named_namespace END AS namespace,
       CASE WHEN bound THEN sole_service_account WHEN ground = 'named' THEN named_service_account END AS service_account,
       CASE WHEN ground = 'named' THEN named_pod END AS pod,
       CASE WHEN ground = 'named' THEN named_pod_uid END AS pod_uid,
       CASE ground WHEN 'node' THEN session_name WHEN 'fargate' THEN session_name WHEN 'named' THEN named_node END AS node,
       CASE ground WHEN 'named' THEN named_hops WHEN 'fitting' THEN fitting_hops ELSE CAST(0 AS BIGINT) END AS hops,
       CASE
           WHEN ground = 'node' AND rule_holds AND rule_actor = 'node_agent' THEN
               CASE WHEN rule_confidence = 'exact' AND role_confidence = 'exact' AND NOT cluster_of_role THEN 'exact' ELSE 'inferred' END
           WHEN bound THEN 'inferred'
           WHEN ground IN ('node', 'provider', 'pod_role') THEN 'unknown'
           WHEN ground = 'cluster_role' THEN cluster_role_confidence
           WHEN ground = 'named' THEN named_confidence
           WHEN ground = 'fitting' THEN 'candidate'
           ELSE 'exact'
       END AS confidence,
       -- What the ground rests on.
       naming_event_id, named_fact, session_event_id, matched_by, proven, parent_event_id, copied_event_id, gap, by_principal, principal_event_id,
       fitting, fitting_event_id, candidates, role_event_id, role_proof, is_hybrid, cluster_of_role, node_cluster_event_id, rule_name, rule_holds,
       cluster_role_event_id, pod_role_event_id, provider_cluster, bound, sole_proof, fargate_event_id, fargate_proof,
       -- What was assumed with a node's session is whose that session's call was: this activity's.
       root_activity_id{more}
FROM bindings
