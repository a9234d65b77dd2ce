-- Calls per hour of each row of `fallbacks`.
SELECT fallback_id(cluster, role_arn, namespace, service_account, workload, program) AS id,
       {hour} AS hour,
       CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM fallback_activities
WHERE first_event_time IS NOT NULL
GROUP BY 1, 2
