-- Log files of the trail's bucket, by the account and region in their keys, and how many of them the digests prove
-- (podtrail ingest --verify).
SELECT account_id, region, count(*) AS log_files,
       count(CASE WHEN digest_status = 'valid' THEN 1 END) AS proven_log_files
FROM (SELECT regexp_replace(key, '^.*/AWSLogs/(?:o-[a-z0-9]+/)?([0-9]{12})/CloudTrail/([a-z0-9-]+)/.*$', '\1') AS account_id,
             regexp_replace(key, '^.*/AWSLogs/(?:o-[a-z0-9]+/)?([0-9]{12})/CloudTrail/([a-z0-9-]+)/.*$', '\2') AS region,
             digest_status
      FROM ingested_objects
      -- Other names are no log files, and would each be a row.
      WHERE status <> 'unreadable' AND regexp_like(key, '/AWSLogs/(?:o-[a-z0-9]+/)?[0-9]{12}/CloudTrail/[a-z0-9-]+/'))
GROUP BY account_id, region
