-- Log files of the trail's bucket, by the account and region in their keys, and how many of them the digests prove
-- (podtrail ingest --verify). Other names are no log files.
SELECT place[1] AS account_id, place[2] AS region, count(*) AS log_files,
       count(CASE WHEN digest_status = 'valid' THEN 1 END) AS proven_log_files
FROM (SELECT regexp_match(key, '^.*/AWSLogs/(?:o-[a-z0-9]+/)?([0-9]{12})/CloudTrail/([a-z0-9-]+)/.*$') AS place, digest_status
      FROM ingested_objects WHERE status <> 'unreadable')
WHERE place IS NOT NULL
GROUP BY place[1], place[2]
