-- First credentials that EC2 delivered to an instance, where the trail shows time before it: the boot.
SELECT issued_role_arn AS role_arn, issued_session_name AS node, min(issued_at) AS booted_at
FROM issuances
WHERE mechanism = 'node_role'
GROUP BY issued_role_arn, issued_session_name
