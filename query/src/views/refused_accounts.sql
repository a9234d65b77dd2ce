-- Service accounts whose AssumeRoleWithWebIdentity was refused, by role and error: the subject was not trusted
-- (AccessDenied), or the account has no IAM OIDC provider for the cluster (InvalidIdentityToken).
SELECT cluster, namespace, service_account, issued_role_arn AS role_arn, error_code,
       min(event_id) AS event_id, min(issued_at) AS first_seen, max(issued_at) AS last_seen
FROM issuances
WHERE mechanism = 'irsa' AND error_code IS NOT NULL
GROUP BY cluster, namespace, service_account, issued_role_arn, error_code
