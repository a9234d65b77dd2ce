-- What was read, by the batch that holds it: the newest thousand. A run of podtrail ingest makes one batch, several where there is
-- much, and none where nothing is new. object: one example. error: why one of the objects could not be read.
SELECT source, seq, max(ingested_at) AS ingested_at, count(*) AS objects, CAST(sum(size) AS BIGINT) AS bytes,
       CAST(sum(records) AS BIGINT) AS records, CAST(sum(new_events) AS BIGINT) AS new_events,
       CAST(sum(duplicates) AS BIGINT) AS duplicates, CAST(sum(rejected) AS BIGINT) AS rejected,
       count(CASE WHEN status = 'unreadable' THEN 1 END) AS unreadable, min(key) AS object, min(error) AS error
FROM ingested_objects
GROUP BY source, seq
ORDER BY ingested_at DESC, source, seq DESC
LIMIT 1000
