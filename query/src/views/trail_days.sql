-- What the trail holds of each day, by account and region. session_older_than_store: calls with credentials that were issued
-- before the store's first event, so that the record that names them cannot be in it.
SELECT recipient_account_id, aws_region, event_date,
       min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       CAST(sum(calls) AS BIGINT) AS events,
       CAST(sum(CASE WHEN session_created_at < begin_time THEN calls ELSE 0 END) AS BIGINT) AS session_older_than_store,
       bool_or(data_events) AS data_events
FROM daily_callers
CROSS JOIN (SELECT min(first_event_time) AS begin_time FROM daily_callers) AS span
GROUP BY recipient_account_id, aws_region, event_date
