-- Copies of chained AssumeRoles in the account of the role, where the record of the caller's own account is not in the store, and
-- the session that each was made with. A copy knows of its caller the account and the principal id, ROLE-ID:SESSION; from which
-- provider the session came, its other calls show.
WITH originals AS (
    SELECT shared_event_id, issued_access_key_id FROM issuances WHERE identity_type IS DISTINCT FROM 'AWSAccount'
),
lone AS (
    SELECT issuances.event_id, role_ids.role_arn, split_part(caller_principal_id, ':', 2) AS session_name,
           assumed_role_arn(role_ids.role_arn, split_part(caller_principal_id, ':', 2)) AS session_arn
    FROM issuances
    JOIN role_ids ON role_ids.role_id = split_part(caller_principal_id, ':', 1)
    LEFT JOIN (SELECT DISTINCT shared_event_id FROM originals) AS acts ON acts.shared_event_id = issuances.shared_event_id
    LEFT JOIN (SELECT DISTINCT issued_access_key_id FROM originals) AS issued ON issued.issued_access_key_id = issuances.issued_access_key_id
    WHERE identity_type = 'AWSAccount' AND mechanism IS NULL AND split_part(caller_principal_id, ':', 2) <> ''
      AND acts.shared_event_id IS NULL AND issued.issued_access_key_id IS NULL
),
provided AS (
    SELECT identity_arn, min(callers.federated_provider) AS federated_provider
    FROM callers
    WHERE identity_arn IS NOT NULL AND callers.federated_provider IS NOT NULL
    GROUP BY identity_arn
    HAVING count(DISTINCT callers.federated_provider) = 1
)
SELECT lone.event_id, lone.role_arn, lone.session_name, lone.session_arn, provided.federated_provider
FROM lone
LEFT JOIN provided ON provided.identity_arn = lone.session_arn
