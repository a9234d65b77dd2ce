-- The same per hour: sums of `unattributed_activities`, which lists read where their times are full hours.
SELECT {hour} AS hour, reason, recipient_account_id, aws_region,
       CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       min(event_id) AS event_id
FROM held_unattributed
GROUP BY 1, reason, recipient_account_id, aws_region
