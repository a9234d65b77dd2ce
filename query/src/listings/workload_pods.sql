-- Pods of a service account, over time. started_at, ended_at: null where not observed.
SELECT cluster, namespace, service_account, pod, pod_uid, workload, node, instance_id, pod_ip, host_network, injected,
       injected_role_arn, created_at, valid_from, valid_to, observed_at
FROM pods
WHERE ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account)
  AND ($from IS NULL OR coalesce(valid_to, observed_at) >= $from) AND ($to IS NULL OR valid_from < $to)
ORDER BY valid_from, pod
