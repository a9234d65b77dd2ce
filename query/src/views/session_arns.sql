-- Session ARN and creation date → the session, where only one identity fits; all that fit otherwise.
SELECT issued_arn, issued_at,
       count(DISTINCT identity) AS identities,
       CASE WHEN count(DISTINCT identity) = 1 THEN min(event_id) END AS event_id,
       min(event_id) AS first_event_id,
       CASE WHEN count(DISTINCT mechanism) = 1 THEN min(mechanism) END AS mechanism,
       CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster,
       CASE WHEN count(DISTINCT hops) = 1 THEN min(hops) END AS hops,
       string_agg(DISTINCT concat_ws('/', cluster, namespace, service_account, pod), ', ') AS candidates
FROM issued_sessions
WHERE issued_arn IS NOT NULL AND error_code IS NULL
GROUP BY issued_arn, issued_at
