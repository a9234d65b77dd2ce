-- What the trail holds of each day, by account and region. session_older_than_store: calls with credentials that were issued
-- before the first event of their account, so that the record that names them cannot be in the store.
SELECT recipient_account_id, aws_region, event_date,
       min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       CAST(sum(calls) AS BIGINT) AS events,
       CAST(sum(CASE WHEN session_created_at < begin_time THEN calls ELSE 0 END) AS BIGINT) AS session_older_than_store,
       bool_or(data_events) AS data_events
FROM daily_callers
LEFT JOIN (SELECT recipient_account_id AS account_id, min(first_event_time) AS begin_time FROM daily_callers GROUP BY recipient_account_id) AS span
       ON span.account_id = recipient_account_id
GROUP BY recipient_account_id, aws_region, event_date
