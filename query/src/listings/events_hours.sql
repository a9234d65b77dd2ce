-- Between which hours a page of the newest calls lies, by what is known of who made them. Hours that are not whole within
-- the bounds are within, and count nothing; nor does one that ends with them: its last calls may be of the page before.
WITH hours AS (
    SELECT hour, CAST(sum(calls) AS BIGINT) AS calls
    FROM hourly_attribution
    WHERE (hour IS NULL OR ($from IS NULL OR hour + INTERVAL '1 hour' > $from) AND ($to IS NULL OR hour < $to))
      AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
      AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($access_path IS NULL OR access_path = $access_path)
      AND ($confidence IS NULL OR confidence = $confidence) AND ($actor IS NULL OR actor = $actor) AND ($node IS NULL OR node = $node) AND ($event_source IS NULL OR event_source = $event_source)
    GROUP BY hour
),
counted AS (
    SELECT hour,
           sum(CASE WHEN hour IS NULL OR $from > hour OR $to <= hour + INTERVAL '1 hour' THEN 0 ELSE calls END)
               OVER (ORDER BY hour DESC NULLS LAST) AS so_far
    FROM hours
)
SELECT coalesce(max(CASE WHEN so_far >= {limit} THEN hour END), min(hour)) AS begin_time, max(hour) + INTERVAL '1 hour' AS end_time,
       coalesce(max(so_far) >= {limit}, false) AS enough, count(*) > count(hour) AS untimed,
       (SELECT agree FROM sums_agree) AS agree
FROM counted
