-- Which earlier record issued the session that a chained AssumeRole was made with: one row per AssumeRole that has any such record.
-- `parent_event_id` is null where two different identities fit: neither is taken.
WITH possible_parents AS (
    SELECT event_id, own_key, issued_arn, issued_at, expires_at, identity FROM usable_issuances
    WHERE error_code IS NULL AND (mechanism IS NOT NULL OR lone_arn IS NOT NULL OR identity_type IS DISTINCT FROM 'AWSAccount')
),
-- By access key id, else by session ARN and creation date, else by the principal id of a copy: a session that was valid then.
parents AS (
    SELECT child.event_id, child.proxied, parent.event_id AS parent_event_id, 1 AS rank, true AS proven, parent.identity
    FROM usable_issuances child
    JOIN possible_parents parent ON parent.own_key = child.caller_access_key_id
                      AND parent.issued_arn = child.caller_arn
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id
    UNION ALL
    SELECT child.event_id, child.proxied, parent.event_id, 2, child.keyless, parent.identity
    FROM usable_issuances child
    JOIN possible_parents parent ON parent.issued_arn = child.caller_arn
                      AND parent.issued_at = child.caller_created_at
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id
    UNION ALL
    -- Another session may have the same name, but for those of EKS Pod Identity, which end in a random UUID. No session is
    -- longer than 12 hours.
    SELECT child.event_id, child.proxied, parent.event_id, 3, is_pod_identity_session(child.holder_session_name), parent.identity
    FROM usable_issuances child
    JOIN possible_parents parent ON parent.issued_arn = child.lone_arn
                      AND parent.issued_at <= child.issued_at
                      AND coalesce(arrow_cast(parent.expires_at, 'Int64'), arrow_cast(parent.issued_at, 'Int64') + 43200000000)
                          >= arrow_cast(child.issued_at, 'Int64')
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id
)
SELECT event_id, min(proxied) AS proxied, bool_and(proven) AS proven,
       CASE WHEN count(DISTINCT identity) = 1 THEN min(parent_event_id) END AS parent_event_id
FROM (SELECT *, min(rank) OVER (PARTITION BY event_id) AS best FROM parents)
WHERE rank = best
GROUP BY event_id
