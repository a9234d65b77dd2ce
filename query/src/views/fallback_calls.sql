-- Calls that some pod made with its node's own session: one row per activity, what the search for the pod reads.
WITH span AS (
    SELECT min(first_event_time) AS trail_begin, max(last_event_time) AS trail_end FROM trail_days
),
-- What attribution does not show: the same for all rows of an activity.
shown AS (
    SELECT activity_id, max(vpc_endpoint_id) AS vpc_endpoint_id, max(resource) AS resource, max(invoked_by) AS invoked_by
    FROM activities WHERE is_instance_id(session_name)
    GROUP BY activity_id
)
SELECT grounds.activity_id, cluster, node, component, user_agent, user_agent_program(user_agent) AS program,
       event_source, event_name, source_ip_address,
       resource, invoked_by, coalesce(vpc_endpoint_id LIKE 'vpce-%', false) AS vpc_endpoint,
       min(first_event_time) AS first_time, max(last_event_time) AS last_time,
       min(trail_begin) AS trail_begin, max(trail_end) AS trail_end
FROM activity_grounds AS grounds
CROSS JOIN span
LEFT JOIN shown ON shown.activity_id = grounds.activity_id
WHERE access_path = 'node_role' AND actor = 'workload' AND hops = 0 AND node IS NOT NULL
GROUP BY grounds.activity_id, cluster, node, component, user_agent, event_source, event_name, source_ip_address, resource, invoked_by, vpc_endpoint_id
