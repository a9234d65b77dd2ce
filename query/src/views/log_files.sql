-- Log files of the trail's bucket, by the account and region in their keys: how many were read and, of these, how many the
-- digests prove (podtrail ingest --verify). missing_log_files: listed by a digest, and not there; altered_log_files: altered,
-- moved or added; unreadable: log files that could not be read when last tried, and folders that could not be listed; rejected:
-- values refused. Other names are no log files. What was altered or missing stays so until digests prove it: that nothing was known
-- of it later undoes nothing (ingest: findings/order.rs).
WITH told AS (
    SELECT key AS object, status, rejected, digest_status, ingested_at AS told_at FROM ingested_objects
    UNION ALL
    SELECT object, CAST(NULL AS VARCHAR) AS status, CAST(NULL AS BIGINT) AS rejected, status AS digest_status, observed_at AS told_at
    FROM digest_findings WHERE subject = 'log'
),
newest AS (
    SELECT object,
           last_value(status ORDER BY told_at) FILTER (WHERE status IS NOT NULL) AS status,
           last_value(rejected ORDER BY told_at) FILTER (WHERE rejected IS NOT NULL) AS rejected,
           last_value(digest_status ORDER BY told_at) FILTER (WHERE digest_status IS NOT NULL) AS digest_status,
           last_value(digest_status ORDER BY told_at) FILTER (WHERE digest_status = 'valid' OR starts_with(digest_status, 'log_'))
               AS judged
    FROM told
    GROUP BY object
),
objects AS (
    SELECT object, status, rejected, CASE WHEN judged <> 'valid' THEN judged ELSE digest_status END AS digest_status
    FROM newest
),
placed AS (
    SELECT place[1] AS account_id, place[2] AS region, status, rejected, digest_status
    FROM (SELECT regexp_match(object, '^.*/AWSLogs/(?:o-[a-z0-9]+/)?([0-9]{12})/CloudTrail(?:-NetworkActivity)?/([a-z0-9-]+)/.*$') AS place,
                 status, rejected, digest_status
          FROM objects)
    WHERE place IS NOT NULL
    UNION ALL
    -- A folder above those of regions has no region.
    SELECT coalesce(account_id, place[1]) AS account_id, region, 'unreadable' AS status, CAST(NULL AS BIGINT) AS rejected,
           CAST(NULL AS VARCHAR) AS digest_status
    FROM (SELECT regexp_match(object, '/AWSLogs/(?:o-[a-z0-9]+/)?([0-9]{12})(?:/.*)?$') AS place, account_id, region
          FROM digest_statuses WHERE subject = 'folder' AND status = 'unreadable')
)
SELECT account_id, region,
       count(CASE WHEN status <> 'unreadable' THEN 1 END) AS log_files,
       count(CASE WHEN status <> 'unreadable' AND digest_status = 'valid' THEN 1 END) AS proven_log_files,
       count(CASE WHEN digest_status = 'log_missing' THEN 1 END) AS missing_log_files,
       count(CASE WHEN digest_status IN ('log_altered', 'log_moved', 'log_unlisted') THEN 1 END) AS altered_log_files,
       count(CASE WHEN status = 'unreadable' THEN 1 END) AS unreadable,
       CAST(coalesce(sum(rejected), 0) AS BIGINT) AS rejected
FROM placed
GROUP BY account_id, region
