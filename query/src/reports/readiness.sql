-- Whether IMDS hop limit 1 is safe, per cluster and node role.
SELECT cluster, role_arn, nodegroups, running_instances, closed_instances, hop_limit_1, workloads_that_break, breaks,
       host_network_workloads, unknown_calls, not_observed, observed_from, observed_to
FROM readiness
WHERE ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($account IS NULL OR split_part(role_arn, ':', 5) = $account)
ORDER BY cluster, role_arn
