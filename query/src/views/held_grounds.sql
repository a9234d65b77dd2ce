-- The grounds of all activities, as far as kept views read them: by day, so that of a later snapshot only those days are judged
-- again whose activities are others, or of which something else is known that a judgement reads (marks.rs). To judge every activity
-- takes longer than all that is then made of the judgements.
-- `searched`: activities that the search for pods reads, or can tell something of. They are one row each. All others are put
-- together where they are of one hour and alike in what is read of them, and name no activity; what is not read of them is null.
WITH told AS (
    SELECT grounds.*,
           root_activity_id IS NOT NULL
               OR coalesce(actor = 'workload' AND access_path = 'node_role', false)
               -- See addressed_pods.
               OR coalesce(actor = 'workload' AND access_path IN ('irsa', 'pod_identity') AND pod_uid IS NULL
                           AND ({usual_address} OR unusual.pod_ip IS NOT NULL), false) AS searched
    FROM (SELECT *, source_ip_address AS address FROM activity_grounds) AS grounds
    LEFT JOIN unusual_addresses AS unusual ON unusual.pod_ip = grounds.address
),
condensed AS (
    SELECT event_date,
           {hour} AS hour,
           event_id, calls, first_event_time, last_event_time, recipient_account_id, aws_region,
           ground, access_path, actor, component, cluster, namespace, service_account, pod, pod_uid, node, hops, confidence,
           CASE WHEN searched THEN activity_id END AS activity_id,
           CASE WHEN searched THEN source_ip_address END AS source_ip_address,
           CASE WHEN searched THEN vpc_endpoint_id END AS vpc_endpoint_id,
           CASE WHEN searched THEN invoked_by END AS invoked_by,
           CASE WHEN searched THEN resource END AS resource,
           CASE WHEN searched THEN event_category END AS event_category,
           CASE WHEN searched THEN fitting END AS fitting,
           CASE WHEN searched THEN root_activity_id END AS root_activity_id,
           -- See named_programs.
           CASE WHEN searched OR (actor = 'workload' AND access_path IN ('irsa', 'pod_identity') AND service_account IS NOT NULL)
                THEN user_agent END AS user_agent,
           CASE WHEN ground IS NOT NULL THEN role_arn END AS role_arn,
           CASE WHEN ground IS NOT NULL THEN event_source END AS event_source,
           CASE WHEN ground IS NOT NULL THEN error_code END AS error_code,
           -- Of those without a ground, what unattributed_activities tells the reason by.
           CASE WHEN ground IS NOT NULL OR event_name IN ('AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML')
                THEN event_name END AS event_name,
           CASE WHEN ground IS NULL THEN identity_type END AS identity_type,
           CASE WHEN ground IS NULL AND is_instance_id(session_name) THEN session_name END AS session_name,
           CASE WHEN ground IS NULL AND identity_type = 'AssumedRole' THEN session_created_at END AS session_created_at
    FROM told
)
SELECT event_date, activity_id, min(event_id) AS event_id,
       min(first_event_time) AS event_time, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       CAST(sum(calls) AS BIGINT) AS calls,
       recipient_account_id, aws_region, event_source, event_name, error_code, source_ip_address, user_agent,
       -- Nobody reads it here.
       CAST(NULL AS VARCHAR) AS access_key_id,
       identity_type, invoked_by, session_name, session_created_at, vpc_endpoint_id, resource, event_category,
       ground, role_arn, access_path, actor, component, cluster, namespace, service_account, pod, pod_uid, node, hops, confidence,
       fitting, root_activity_id
FROM condensed
GROUP BY event_date, hour, activity_id,
         recipient_account_id, aws_region, event_source, event_name, error_code, source_ip_address, user_agent,
         identity_type, invoked_by, session_name, session_created_at, vpc_endpoint_id, resource, event_category,
         ground, role_arn, access_path, actor, component, cluster, namespace, service_account, pod, pod_uid, node, hops, confidence,
         fitting, root_activity_id
