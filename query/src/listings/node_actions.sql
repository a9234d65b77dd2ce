-- Calls with a node's role, by who made them.
SELECT node, role_arn, actor, component, cluster, namespace, service_account, pod, event_source, event_name, error_code,
       confidence, CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied,
       min(first_event_time) AS first_seen, max(last_event_time) AS last_seen, min(event_id) AS event_id
FROM {attribution}
WHERE access_path = 'node_role' AND node IS NOT NULL
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($node IS NULL OR node = $node) AND ($actor IS NULL OR actor = $actor) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($confidence IS NULL OR confidence = $confidence)
GROUP BY node, role_arn, actor, component, cluster, namespace, service_account, pod, event_source, event_name, error_code, confidence
ORDER BY calls DESC, actor, component, event_source, event_name, error_code, cluster, namespace, service_account, pod, role_arn, node, confidence
