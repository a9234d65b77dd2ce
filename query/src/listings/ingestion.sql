-- What was read, by folder and status. The folder of a trail's log file is that of its account and region. digest_status: what
-- the digests were last found to say, when it was read or since; what was altered stays so until they prove it.
SELECT source, regexp_replace(regexp_replace(key, '/[^/]*$', ''), '/[0-9]{4}/[0-9]{2}/[0-9]{2}$', '') AS prefix, status, digest_status,
       count(*) AS objects, CAST(sum(size) AS BIGINT) AS bytes, CAST(sum(inflated_bytes) AS BIGINT) AS inflated_bytes,
       CAST(sum(records) AS BIGINT) AS records, CAST(sum(new_events) AS BIGINT) AS new_events,
       CAST(sum(duplicates) AS BIGINT) AS duplicates, CAST(sum(rejected) AS BIGINT) AS rejected,
       min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       min(ingested_at) AS first_ingested_at, max(ingested_at) AS last_ingested_at, min(error) AS error
FROM (SELECT objects.source, objects.key, objects.status, objects.size, objects.inflated_bytes, objects.records, objects.new_events,
             objects.duplicates, objects.rejected, objects.first_event_time, objects.last_event_time, objects.ingested_at, objects.error,
             CASE WHEN found.observed_at > objects.ingested_at THEN found.status
                  WHEN starts_with(found.status, 'log_') AND coalesce(objects.digest_status, 'unproven') <> 'valid'
                       AND NOT starts_with(coalesce(objects.digest_status, 'unproven'), 'log_') THEN found.status
                  ELSE objects.digest_status END AS digest_status
      FROM ingested_objects AS objects
      LEFT JOIN (SELECT object, last_value(status ORDER BY observed_at) AS status, max(observed_at) AS observed_at
                 FROM digest_findings WHERE subject = 'log' GROUP BY object) AS found ON found.object = objects.key)
GROUP BY 1, 2, 3, 4
ORDER BY source, prefix, status, digest_status
