-- Nodes: which instance, its metadata options, and what its role was used for.
WITH used AS (
    SELECT node, role_arn, max(cluster) AS cluster,
           CAST(sum(calls) AS BIGINT) AS calls,
           CAST(sum(CASE WHEN actor = 'node_agent' THEN calls ELSE 0 END) AS BIGINT) AS node_agent_calls,
           CAST(sum(CASE WHEN actor = 'workload' THEN calls ELSE 0 END) AS BIGINT) AS fallback_calls,
           CAST(sum(CASE WHEN actor = 'unknown' THEN calls ELSE 0 END) AS BIGINT) AS unknown_calls,
           min(first_event_time) AS first_seen, max(last_event_time) AS last_seen
    FROM {attribution}
    WHERE access_path = 'node_role' AND node IS NOT NULL AND hops = 0
      AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
    GROUP BY node, role_arn
),
names AS (
    SELECT instance_id, max(node) AS node_name, max(cluster) AS cluster FROM nodes WHERE instance_id IS NOT NULL GROUP BY instance_id
),
agents AS (
    SELECT DISTINCT node FROM pod_identity_agents
)
SELECT coalesce(used.cluster, names.cluster, instances.cluster) AS cluster, coalesce(used.node, instances.instance_id) AS node,
       names.node_name, instances.nodegroup, used.role_arn, instances.http_tokens, instances.hop_limit,
       agents.node IS NOT NULL AS pod_identity_agent,
       used.calls, used.node_agent_calls, used.fallback_calls, used.unknown_calls, used.first_seen, used.last_seen, instances.valid_to
FROM used
FULL OUTER JOIN (SELECT * FROM instances WHERE cluster IS NOT NULL) AS instances ON instances.instance_id = used.node
LEFT JOIN names ON names.instance_id = coalesce(used.node, instances.instance_id)
LEFT JOIN agents ON agents.node = coalesce(used.node, instances.instance_id)
WHERE ($cluster IS NULL OR coalesce(used.cluster, names.cluster, instances.cluster) = $cluster
       OR cluster_name(coalesce(used.cluster, names.cluster, instances.cluster)) = $cluster)
  AND ($node IS NULL OR coalesce(used.node, instances.instance_id) = $node) AND ($role_arn IS NULL OR used.role_arn = $role_arn)
ORDER BY cluster, node, role_arn
