-- Calls with a node's role per hour, by who made them.
SELECT {hour} AS hour, actor, component, namespace, service_account, CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM {attribution}
WHERE access_path = 'node_role' AND node IS NOT NULL AND first_event_time IS NOT NULL
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($node IS NULL OR node = $node)
GROUP BY 1, actor, component, namespace, service_account
ORDER BY hour, actor, component, namespace, service_account
