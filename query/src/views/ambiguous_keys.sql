-- Access key ids shown under several session ARNs, or issued by several acts (anonymised or edited
-- trails): no identity. The copies of one act in two accounts have one shared_event_id.
SELECT access_key_id
FROM (
    SELECT access_key_id, identity_arn AS arn, CAST(NULL AS VARCHAR) AS act FROM callers
    WHERE access_key_id IN (SELECT issued_access_key_id FROM issuances)
    UNION ALL
    SELECT issued_access_key_id, issued_arn, coalesce(shared_event_id, event_id) FROM issuances
    WHERE issued_access_key_id IS NOT NULL
)
GROUP BY access_key_id
HAVING count(DISTINCT arn) > 1 OR count(DISTINCT act) > 1
