-- Pods on a node, over time.
SELECT cluster, instance_id AS node, node AS node_name, namespace, service_account, pod, pod_uid, workload, pod_ip, host_network, injected,
       created_at, valid_from, valid_to, observed_at
FROM pods
WHERE instance_id IS NOT NULL AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($node IS NULL OR instance_id = $node) AND ($namespace IS NULL OR namespace = $namespace)
  AND ($service_account IS NULL OR service_account = $service_account) AND ($from IS NULL OR coalesce(valid_to, observed_at) >= $from) AND ($to IS NULL OR valid_from < $to)
ORDER BY valid_from, namespace, pod
