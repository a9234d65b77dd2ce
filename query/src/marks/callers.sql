-- Whose the credentials of a day's callers are.
SELECT calls.event_date, caller.caller_id,
       caller.session_event_id IS NOT NULL AS has_session, caller.session_path, caller.session_cluster, caller.session_namespace,
       caller.session_service_account, caller.session_pod, caller.session_pod_uid, caller.session_node, caller.session_actor,
       caller.session_component, caller.session_confidence, caller.session_hops, caller.root_activity_id,
       caller.fitting, caller.fitting_mechanism, caller.fitting_cluster, caller.fitting_hops,
       caller.is_fargate, caller.fargate_cluster,
       caller.sole_cluster, caller.sole_namespace, caller.sole_service_account, caller.sole_of_provider, caller.issuer_cluster,
       caller.node_role_arn, caller.role_confidence, caller.is_hybrid, caller.node_cluster, caller.cluster_of_role, caller.booted_at,
       caller.role_mechanism, caller.cluster_role_confidence, caller.cluster_of_cluster_role,
       caller.pod_role_arn, caller.pod_role_cluster, caller.provider_cluster
FROM (
    SELECT DISTINCT event_date,
           caller_id(access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by) AS caller_id
    FROM daily_callers
    WHERE event_date IS NOT NULL
) AS calls
JOIN caller_identities AS caller ON caller.caller_id = calls.caller_id
