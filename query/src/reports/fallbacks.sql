-- Calls made with a node's role that no node agent is known to make: pods that fall back to it.
SELECT cluster, role_arn, actor, component, user_agent,
       string_agg(DISTINCT concat(replace(event_source, '.amazonaws.com', ''), ':', event_name), ' '
                  ORDER BY concat(replace(event_source, '.amazonaws.com', ''), ':', event_name)) AS actions,
       count(DISTINCT node) AS nodes,
       CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied,
       min(first_event_time) AS first_seen,
       max(last_event_time) AS last_seen
FROM activity_attribution
WHERE access_path = 'node_role' AND actor IN ('workload', 'unknown')
GROUP BY cluster, role_arn, actor, component, user_agent
ORDER BY actor DESC, calls DESC, cluster, role_arn, component, user_agent
