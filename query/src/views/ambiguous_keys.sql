-- Access key ids shown under several session ARNs (anonymised or edited trails): no identity.
SELECT access_key_id
FROM (
    SELECT access_key_id, identity_arn AS arn FROM activities
    WHERE access_key_id IN (SELECT issued_access_key_id FROM issuances)
    UNION ALL
    SELECT issued_access_key_id, issued_arn FROM issuances WHERE issued_access_key_id IS NOT NULL
)
WHERE arn IS NOT NULL
GROUP BY access_key_id
HAVING count(DISTINCT arn) > 1
