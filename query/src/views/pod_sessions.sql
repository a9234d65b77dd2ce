-- EKS Pod Identity session names end in a random UUID, so that the session ARN alone names the session.
SELECT issued_arn, min(event_id) AS event_id
FROM issued_sessions
WHERE mechanism = 'pod_identity' AND hops = 0 AND session_name LIKE 'eks-%' AND error_code IS NULL
GROUP BY issued_arn
HAVING count(DISTINCT identity) = 1
