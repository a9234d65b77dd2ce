-- What the store covers, by account and region: events, how many are attributed, for how many the
-- workload stays unknown, and how many were made with credentials that were issued before the store's
-- first event, so that the record that names them cannot be in it. missing_days: without any event, up to the
-- store's last day, as FROM..TO; a trail that is whole has events every day in a region in use. log_files: of the trail's
-- bucket, by the account and region in their keys, and how many of them the digests prove (podtrail ingest --verify).
WITH days AS (
    SELECT recipient_account_id, aws_region, event_date,
           coalesce(lead(event_date) OVER (PARTITION BY recipient_account_id, aws_region ORDER BY event_date),
                    CAST(last_day + INTERVAL '1 day' AS DATE)) AS next_date
    FROM trail_days
    CROSS JOIN (SELECT max(event_date) AS last_day FROM trail_days)
),
gaps AS (
    SELECT recipient_account_id, aws_region,
           array_to_string(array_agg(concat(CAST(CAST(event_date + INTERVAL '1 day' AS DATE) AS VARCHAR), '..',
                                            CAST(CAST(next_date - INTERVAL '1 day' AS DATE) AS VARCHAR)) ORDER BY event_date), ' ') AS missing_days
    FROM days
    WHERE next_date > CAST(event_date + INTERVAL '1 day' AS DATE)
    GROUP BY recipient_account_id, aws_region
),
totals AS (
    SELECT recipient_account_id, aws_region,
           min(first_event_time) AS first_event_time,
           max(last_event_time) AS last_event_time,
           count(DISTINCT event_date) AS days_with_events,
           sum(events) AS events,
           sum(session_older_than_store) AS session_older_than_store,
           bool_or(data_events) AS data_events
    FROM trail_days
    GROUP BY recipient_account_id, aws_region
),
attributed AS (
    SELECT recipient_account_id, aws_region, sum(calls) AS events,
           sum(CASE WHEN actor = 'workload' AND service_account IS NULL THEN calls ELSE 0 END) AS workload_unknown
    FROM {attribution}
    GROUP BY recipient_account_id, aws_region
)
SELECT totals.recipient_account_id, totals.aws_region,
       totals.first_event_time, totals.last_event_time,
       totals.days_with_events,
       CAST(floor(arrow_cast(totals.last_event_time, 'Int64') / 86400000000.0) - floor(arrow_cast(totals.first_event_time, 'Int64') / 86400000000.0) AS BIGINT) + 1 AS days,
       gaps.missing_days,
       CAST(totals.events AS BIGINT) AS events,
       CAST(coalesce(attributed.events, 0) AS BIGINT) AS attributed,
       CAST(coalesce(attributed.workload_unknown, 0) AS BIGINT) AS workload_unknown,
       CAST(totals.session_older_than_store AS BIGINT) AS session_older_than_store,
       coalesce(totals.data_events, false) AS data_events,
       objects.log_files, objects.proven_log_files
FROM totals
LEFT JOIN gaps
       ON (gaps.recipient_account_id IS NOT DISTINCT FROM totals.recipient_account_id)
      AND (gaps.aws_region IS NOT DISTINCT FROM totals.aws_region)
LEFT JOIN log_files AS objects ON objects.account_id = totals.recipient_account_id AND objects.region = totals.aws_region
LEFT JOIN attributed
       ON (attributed.recipient_account_id IS NOT DISTINCT FROM totals.recipient_account_id)
      AND (attributed.aws_region IS NOT DISTINCT FROM totals.aws_region)
WHERE ($account IS NULL OR totals.recipient_account_id = $account) AND ($region IS NULL OR totals.aws_region = $region)
ORDER BY totals.recipient_account_id, totals.aws_region
