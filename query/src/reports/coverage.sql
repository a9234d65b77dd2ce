-- What the store covers, by account and region: events, how many are attributed, for how many the
-- workload stays unknown, and how many were made with credentials that were issued before the store's
-- first event, so that the record that names them cannot be in it. missing_days: without any event, up to the
-- store's last day, as FROM..TO; a trail that is whole has events every day in a region in use. log_files: of the trail's
-- bucket, by the account and region in their keys, and how many of them the digests prove (podtrail ingest --verify);
-- missing_log_files: listed by a digest, and not there; altered_log_files: altered, moved or added; unreadable: log files that
-- could not be read, and folders that could not be listed; rejected: values refused. proven_time: time whose log files are all
-- known, there and unaltered, by the digests of any trail; unproven_time: time of which a trail does not prove that. An account
-- and region without events is here too, where anything else is known of it.
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
),
proven AS (
    SELECT account_id, region,
           array_to_string(array_sort(array_agg(DISTINCT span) FILTER (WHERE status = 'valid')), ' ') AS proven_time,
           array_to_string(array_sort(array_agg(DISTINCT span) FILTER (WHERE status = 'gap')), ' ') AS unproven_time
    FROM (SELECT account_id, region, status, concat(CAST(from_time AS VARCHAR), '..', CAST(to_time AS VARCHAR)) AS span
          FROM digest_times)
    GROUP BY account_id, region
),
places AS (
    SELECT recipient_account_id AS account_id, aws_region AS region FROM totals
    UNION SELECT account_id, region FROM log_files
    UNION SELECT account_id, region FROM proven
)
SELECT places.account_id AS recipient_account_id, places.region AS aws_region,
       totals.first_event_time, totals.last_event_time,
       CAST(coalesce(totals.days_with_events, 0) AS BIGINT) AS days_with_events,
       CAST(floor(arrow_cast(totals.last_event_time, 'Int64') / 86400000000.0) - floor(arrow_cast(totals.first_event_time, 'Int64') / 86400000000.0) AS BIGINT) + 1 AS days,
       gaps.missing_days,
       CAST(coalesce(totals.events, 0) AS BIGINT) AS events,
       CAST(coalesce(attributed.events, 0) AS BIGINT) AS attributed,
       CAST(coalesce(attributed.workload_unknown, 0) AS BIGINT) AS workload_unknown,
       CAST(coalesce(totals.session_older_than_store, 0) AS BIGINT) AS session_older_than_store,
       coalesce(totals.data_events, false) AS data_events,
       objects.log_files, objects.proven_log_files, objects.missing_log_files, objects.altered_log_files,
       objects.unreadable, objects.rejected,
       nullif(proven.proven_time, '') AS proven_time, nullif(proven.unproven_time, '') AS unproven_time
FROM places
LEFT JOIN totals
       ON (totals.recipient_account_id IS NOT DISTINCT FROM places.account_id)
      AND (totals.aws_region IS NOT DISTINCT FROM places.region)
LEFT JOIN gaps
       ON (gaps.recipient_account_id IS NOT DISTINCT FROM places.account_id)
      AND (gaps.aws_region IS NOT DISTINCT FROM places.region)
LEFT JOIN log_files AS objects
       ON (objects.account_id IS NOT DISTINCT FROM places.account_id)
      AND (objects.region IS NOT DISTINCT FROM places.region)
LEFT JOIN attributed
       ON (attributed.recipient_account_id IS NOT DISTINCT FROM places.account_id)
      AND (attributed.aws_region IS NOT DISTINCT FROM places.region)
LEFT JOIN proven
       ON (proven.account_id IS NOT DISTINCT FROM places.account_id)
      AND (proven.region IS NOT DISTINCT FROM places.region)
WHERE ($account IS NULL OR places.account_id = $account) AND ($region IS NULL OR places.region = $region)
ORDER BY 1, 2
