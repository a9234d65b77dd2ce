-- Calls of a workload per hour, by action.
SELECT {hour} AS hour, event_source, event_name, CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM {attribution}
WHERE actor = 'workload' AND first_event_time IS NOT NULL
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account)
GROUP BY 1, event_source, event_name
ORDER BY hour, event_source, event_name
