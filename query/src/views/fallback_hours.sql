-- Calls per hour of each row of `fallbacks`.
-- Hours are cut as numbers: date_trunc fails for times beyond the years 1677 to 2262.
SELECT fallback_id(cluster, role_arn, namespace, service_account, workload, program) AS id,
       arrow_cast(arrow_cast(first_event_time, 'Int64') - (arrow_cast(first_event_time, 'Int64') % 3600000000 + 3600000000) % 3600000000, 'Timestamp(Microsecond, Some("UTC"))') AS hour,
       CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM fallback_activities
WHERE first_event_time IS NOT NULL
GROUP BY 1, 2
