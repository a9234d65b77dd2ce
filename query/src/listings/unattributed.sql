-- Calls that no identity of a cluster made, by what is known of who made them.
SELECT reason, CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen, min(event_id) AS event_id
FROM {unattributed}
WHERE ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region)
GROUP BY reason
ORDER BY calls DESC, reason
