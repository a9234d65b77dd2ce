-- EKS Pod Identity session names end in a random UUID, so that the session ARN alone names the session.
-- `hops_back` is 1 where a record names it that was made with the session, not the one that issued it.
WITH issued AS (
    SELECT issued_arn, min(event_id) AS event_id
    FROM issued_sessions
    WHERE mechanism = 'pod_identity' AND hops = 0 AND session_name LIKE 'eks-%' AND error_code IS NULL
      AND issued_arn IS NOT NULL
    GROUP BY issued_arn
    HAVING count(DISTINCT identity) = 1
)
SELECT issued_arn, event_id, CAST(0 AS BIGINT) AS hops_back FROM issued
UNION ALL
SELECT caller_arn AS issued_arn, min(event_id) AS event_id, CAST(1 AS BIGINT) AS hops_back
FROM issued_sessions
WHERE mechanism = 'pod_identity' AND hops = 1 AND parent_event_id IS NULL AND caller_arn IS NOT NULL
  -- By its tags: what the role alone tells, it tells of any session.
  AND service_account IS NOT NULL AND inventory_fact IS NULL
  AND caller_arn NOT IN (SELECT issued_arn FROM issued)
GROUP BY caller_arn
HAVING count(DISTINCT concat_ws('|', cluster, namespace, service_account, pod_uid)) = 1
