-- Unique id of a role (AROA…) → its ARN, as calls with its sessions show it, and the inventory of roles. A role that is made anew
-- under the same name has another id. Where an id is shown for several roles, as in edited trails, none is taken.
SELECT role_id, min(seen.role_arn) AS role_arn
FROM (
    SELECT role_id, session_issuer_arn AS role_arn FROM daily_callers
    UNION ALL
    SELECT role_id, role_arn FROM seen_roles
) AS seen
WHERE role_id LIKE 'AROA%' AND seen.role_arn LIKE 'arn:%'
GROUP BY role_id
HAVING count(DISTINCT seen.role_arn) = 1
