-- Whose the credentials of each caller are, as far as they tell it themselves: the session that they belong to, and what
-- is known of their role. One row per row of `callers`. What a call adds, by what it calls and when, `attribution` looks at.
WITH node_role AS (
    SELECT role_arn, min(confidence) AS confidence, first_value(event_id ORDER BY proof_rank, event_id) AS event_id,
           first_value(proof ORDER BY proof_rank, event_id) AS proof,
           CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
    FROM node_roles GROUP BY role_arn
),
matched AS (
    SELECT caller_id, callers.session_issuer_arn, callers.session_name, callers.federated_provider, callers.invoked_by,
           coalesce(session_keys.event_id, session_arns.event_id, pod_sessions.event_id) AS session_event_id,
           CASE WHEN session_keys.event_id IS NOT NULL THEN 'access key id'
                WHEN session_arns.event_id IS NOT NULL THEN 'session ARN and creation date'
                WHEN pod_sessions.event_id IS NOT NULL THEN 'session name, unique to one Pod Identity session'
           END AS matched_by,
           -- A direct call under another key than the one issued may be of another session that no record shows.
           session_keys.event_id IS NOT NULL OR pod_sessions.event_id IS NOT NULL OR callers.access_key_id IS NULL
               OR callers.invoked_by IS NOT NULL OR ambiguous_keys.access_key_id IS NOT NULL AS proven,
           CASE WHEN session_keys.event_id IS NULL AND session_arns.event_id IS NULL THEN pod_sessions.hops_back END AS hops_back,
           CASE WHEN session_keys.event_id IS NULL AND session_arns.identities > 1 THEN session_arns.identities END AS fitting,
           session_arns.candidates, session_arns.mechanism AS fitting_mechanism, session_arns.cluster AS fitting_cluster, session_arns.hops AS fitting_hops,
           session_arns.first_event_id AS fitting_event_id
    FROM callers
    LEFT JOIN session_keys ON session_keys.access_key_id = callers.access_key_id
                          AND session_keys.issued_arn = callers.identity_arn
    LEFT JOIN session_arns ON session_arns.issued_arn = callers.identity_arn
                          AND session_arns.issued_at = callers.session_created_at
    LEFT JOIN pod_sessions ON pod_sessions.issued_arn = callers.identity_arn
    LEFT JOIN ambiguous_keys ON ambiguous_keys.access_key_id = callers.access_key_id
)
SELECT matched.caller_id, session_event_id, matched_by, proven,
       fitting, candidates, fitting_mechanism, fitting_cluster, fitting_hops, fitting_event_id,
       session.mechanism AS session_path, session.cluster AS session_cluster, session.namespace AS session_namespace,
       session.service_account AS session_service_account, session.pod AS session_pod, session.pod_uid AS session_pod_uid,
       session.node AS session_node, session.actor AS session_actor, session.inventory_fact AS session_fact, session.component AS session_component,
       CASE WHEN session.confidence = 'exact' AND NOT matched.proven THEN 'inferred' ELSE session.confidence END AS session_confidence,
       session.hops - coalesce(hops_back, 0) AS session_hops,
       session.parent_event_id, session.gap AS session_gap, session.by_principal AS session_by_principal,
       -- What was assumed with a node's session is whose that session's call was: the activity that assumed it.
       CASE WHEN session.mechanism = 'node_role' AND session.hops > 0 THEN root.activity_id END AS root_activity_id,
       fargate.plain_arn IS NOT NULL AS is_fargate, fargate.cluster AS fargate_cluster, fargate.proof AS fargate_proof, fargate.event_id AS fargate_event_id,
       sole.cluster AS sole_cluster, sole.namespace AS sole_namespace, sole.service_account AS sole_service_account, sole.proof AS sole_proof,
       -- A session from another issuer than the cluster's is not of it.
       provider_clusters.cluster IS NOT NULL AND provider_clusters.cluster = sole.cluster OR oidc_issuer(matched.federated_provider) = sole.cluster
           OR provider_clusters.cluster IS NULL AND known_issuers.cluster IS NULL AND is_eks_issuer(sole.cluster) IS NOT TRUE AS sole_of_provider,
       provider_clusters.cluster AS issuer_cluster,
       node_role.role_arn AS node_role_arn, node_role.confidence AS role_confidence,
       node_role.event_id AS role_event_id, node_role.proof AS role_proof, hybrid.node IS NOT NULL OR matched.session_name LIKE 'mi-%' AS is_hybrid,
       coalesce(node_clusters.cluster, node_role.cluster) AS node_cluster,
       node_clusters.cluster IS NULL AND node_role.cluster IS NOT NULL AS cluster_of_role,
       CASE WHEN node_clusters.cluster IS NOT NULL THEN node_clusters.event_id END AS node_cluster_event_id,
       cluster_roles.mechanism AS role_mechanism, cluster_roles.event_id AS cluster_role_event_id,
       cluster_roles.confidence AS cluster_role_confidence, cluster_roles.cluster AS cluster_of_cluster_role,
       pod_role.role_arn AS pod_role_arn, pod_role.cluster AS pod_role_cluster, pod_role.event_id AS pod_role_event_id,
       CASE WHEN is_eks_issuer(oidc_issuer(matched.federated_provider)) THEN oidc_issuer(matched.federated_provider) END AS provider_cluster,
       node_boots.booted_at
FROM matched
LEFT JOIN issued_sessions AS session ON session.event_id = matched.session_event_id
LEFT JOIN root_activities AS root ON root.event_id = session.root_event_id
LEFT JOIN hybrid_sessions AS hybrid ON hybrid.role_arn = matched.session_issuer_arn AND hybrid.node = matched.session_name
LEFT JOIN node_role ON node_role.role_arn = matched.session_issuer_arn AND (is_instance_id(matched.session_name) OR hybrid.node IS NOT NULL)
LEFT JOIN node_clusters ON node_clusters.role_arn = matched.session_issuer_arn AND node_clusters.node = matched.session_name
LEFT JOIN cluster_roles ON cluster_roles.role_arn = matched.session_issuer_arn AND matched.invoked_by LIKE 'eks%.amazonaws.com'
LEFT JOIN fargate_roles AS fargate
       ON fargate.plain_arn = plain_role_arn(matched.session_issuer_arn) AND matched.invoked_by IS DISTINCT FROM 'eks-fargate-pods.amazonaws.com'
LEFT JOIN sole_bindings AS sole
       ON sole.role_arn = matched.session_issuer_arn
      AND sole.mechanism = CASE WHEN matched.federated_provider IS NOT NULL THEN 'irsa'
                                WHEN is_pod_identity_session(matched.session_name) THEN 'pod_identity' END
LEFT JOIN issuer_clusters AS provider_clusters ON provider_clusters.issuer = oidc_issuer(matched.federated_provider)
LEFT JOIN (SELECT DISTINCT cluster FROM clusters WHERE oidc_issuer IS NOT NULL) AS known_issuers ON known_issuers.cluster = sole.cluster
LEFT JOIN pod_identity_roles AS pod_role ON pod_role.role_arn = matched.session_issuer_arn AND is_pod_identity_session(matched.session_name)
LEFT JOIN node_boots ON node_boots.role_arn = matched.session_issuer_arn AND node_boots.node = matched.session_name
