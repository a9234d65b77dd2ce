-- Whether IMDS hop limit 1 is safe, per cluster and node role.
SELECT cluster, role_arn, nodegroups, running_instances, closed_instances, hop_limit_1, workloads_that_break, breaks,
       host_network_workloads, unknown_calls, not_observed, observed_from, observed_to
FROM readiness
ORDER BY cluster, role_arn
