-- What was rejected, by reason; object: one example.
SELECT source, reason, count(*) AS rejected, min(object) AS object, min(detail) AS detail,
       min(ingested_at) AS first_ingested_at, max(ingested_at) AS last_ingested_at
FROM rejects
GROUP BY source, reason
ORDER BY rejected DESC, source, reason
