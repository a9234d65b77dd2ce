-- The grounds of all activities, with the columns that kept views read: judged once for them all, and forgotten once those
-- are made. To judge every activity takes longer than all that is then made of the judgements.
SELECT activity_id, event_id, event_time, calls, first_event_time, last_event_time, recipient_account_id, aws_region, event_source, event_name,
       error_code, source_ip_address, user_agent, access_key_id, identity_type, invoked_by, session_name, session_created_at, vpc_endpoint_id, resource, event_category,
       ground, role_arn, access_path, actor, component, cluster, namespace, service_account, pod, pod_uid, node, hops, confidence, fitting,
       root_activity_id
FROM activity_grounds
