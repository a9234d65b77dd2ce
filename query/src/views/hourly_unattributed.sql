-- The same per hour: sums of `unattributed_activities`, which lists read where their times are full hours.
-- Hours are cut as numbers: date_trunc fails for times beyond the years 1677 to 2262.
SELECT arrow_cast(arrow_cast(first_event_time, 'Int64') - (arrow_cast(first_event_time, 'Int64') % 3600000000 + 3600000000) % 3600000000, 'Timestamp(Microsecond, Some("UTC"))') AS hour, reason, recipient_account_id, aws_region,
       CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       min(event_id) AS event_id
FROM held_unattributed
GROUP BY 1, reason, recipient_account_id, aws_region
