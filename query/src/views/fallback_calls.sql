-- Calls that some pod made with its node's own session: one row per activity, what the search for the pod reads.
WITH span AS (
    SELECT min(first_event_time) AS trail_begin, max(last_event_time) AS trail_end FROM trail_days
)
SELECT activity_id, cluster, node, component, user_agent, user_agent_program(user_agent) AS program,
       event_source, event_name, source_ip_address,
       -- The same for all rows of an activity.
       max(resource) AS resource, max(invoked_by) AS invoked_by, coalesce(max(vpc_endpoint_id) LIKE 'vpce-%', false) AS vpc_endpoint,
       min(first_event_time) AS first_time, max(last_event_time) AS last_time,
       min(trail_begin) AS trail_begin, max(trail_end) AS trail_end
FROM held_grounds
CROSS JOIN span
WHERE access_path = 'node_role' AND actor = 'workload' AND hops = 0 AND node IS NOT NULL
GROUP BY activity_id, cluster, node, component, user_agent, event_source, event_name, source_ip_address
