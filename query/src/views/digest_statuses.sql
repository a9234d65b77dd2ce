-- Log files, digests and folders as digests were last found to say they are: those that ingested_objects does not say it of.
-- A log file that was read again since is what ingested_objects says.
SELECT subject, object, last_value(account_id ORDER BY observed_at) AS account_id, last_value(region ORDER BY observed_at) AS region,
       last_value(trail ORDER BY observed_at) AS trail, last_value(status ORDER BY observed_at) AS status,
       last_value(detail ORDER BY observed_at) AS detail, max(observed_at) AS observed_at
FROM digest_findings
WHERE subject <> 'time'
GROUP BY subject, object
