-- Rows of the view fallbacks, whole.
SELECT id, cluster, role_arn, account_id, aws_region, namespace, service_account, workload, pods, component, confidence, score,
       candidates, cause, evidence, first_seen, last_seen, calls, denied, actions, nodes, user_agents, fix
FROM fallbacks
WHERE ($from IS NULL OR last_seen >= $from) AND ($to IS NULL OR first_seen < $to)
  AND ($account IS NULL OR account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($namespace IS NULL OR namespace = $namespace)
  AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($confidence IS NULL OR confidence = $confidence) AND ($id IS NULL OR id = $id)
ORDER BY cluster, calls DESC, namespace, workload, id
