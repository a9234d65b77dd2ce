-- Access key id → the session it was issued to.
SELECT access_key_id, issued_arn, min(event_id) AS event_id
FROM issued_sessions
WHERE access_key_id IS NOT NULL AND error_code IS NULL
GROUP BY access_key_id, issued_arn
HAVING count(DISTINCT identity) = 1
