-- Between which times a page of the newest calls lies, by what the records themselves say; whether there are enough of
-- them for a whole page, and whether there are calls without a time, which come last.
SELECT min(event_time) AS begin_time, max(event_time) + INTERVAL '1 microsecond' AS end_time, count(*) >= {limit} AS enough,
       (SELECT count(*) FROM events WHERE event_time IS NULL) > 0 AS untimed, true AS agree
FROM (
    SELECT event_time
    FROM events
    WHERE event_time IS NOT NULL AND ($from IS NULL OR event_time >= $from) AND ($to IS NULL OR event_time < $to)
      AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region)
      AND ($event_source IS NULL OR event_source = $event_source) AND ($id IS NULL OR event_id = $id) {rest}
    ORDER BY event_time DESC
    LIMIT {limit}
)
