-- What the store covers, by account and region: events, how many are attributed, for how many the
-- workload stays unknown, and how many were made with credentials that were issued before the store's
-- first event, so that the record that names them cannot be in it.
WITH span AS (
    SELECT min(first_event_time) AS begin_time FROM activities
),
totals AS (
    SELECT recipient_account_id, aws_region,
           min(first_event_time) AS first_event_time,
           max(last_event_time) AS last_event_time,
           count(DISTINCT event_date) AS days_with_events,
           sum(calls) AS events,
           sum(CASE WHEN session_created_at < begin_time THEN calls ELSE 0 END) AS session_older_than_store,
           bool_or(event_category = 'Data') AS data_events
    FROM activities CROSS JOIN span
    GROUP BY recipient_account_id, aws_region
),
attributed AS (
    SELECT recipient_account_id, aws_region, sum(calls) AS events,
           sum(CASE WHEN actor = 'workload' AND service_account IS NULL THEN calls ELSE 0 END) AS workload_unknown
    FROM activity_attribution
    GROUP BY recipient_account_id, aws_region
)
SELECT totals.recipient_account_id, totals.aws_region,
       totals.first_event_time, totals.last_event_time,
       totals.days_with_events,
       CAST(date_part('epoch', date_trunc('day', totals.last_event_time)) - date_part('epoch', date_trunc('day', totals.first_event_time)) AS BIGINT) / 86400 + 1 AS days,
       CAST(totals.events AS BIGINT) AS events,
       CAST(coalesce(attributed.events, 0) AS BIGINT) AS attributed,
       CAST(coalesce(attributed.workload_unknown, 0) AS BIGINT) AS workload_unknown,
       CAST(totals.session_older_than_store AS BIGINT) AS session_older_than_store,
       coalesce(totals.data_events, false) AS data_events
FROM totals
LEFT JOIN attributed
       ON (attributed.recipient_account_id IS NOT DISTINCT FROM totals.recipient_account_id)
      AND (attributed.aws_region IS NOT DISTINCT FROM totals.aws_region)
ORDER BY totals.recipient_account_id, totals.aws_region
