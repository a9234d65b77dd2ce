-- Which service accounts a role is bound to, one row per role, cluster and service account: IRSA by the role's
-- trust policy where it names service accounts, else by their annotations; EKS Pod Identity by associations.
WITH trusted AS (
    SELECT role_arn, unnest(trusted_service_accounts(trust_policy)) AS trust, observed_at
    FROM roles WHERE trust_policy IS NOT NULL
)
SELECT 'irsa' AS mechanism, role_arn, coalesce(issuer_clusters.cluster, json_text(trust, 'issuer')) AS cluster,
       json_text(trust, 'namespace') AS namespace, json_text(trust, 'service_account') AS service_account,
       json_text(trust, 'wildcard') = 'true' AS wildcard, 'trust policy' AS proof
FROM trusted
LEFT JOIN issuer_clusters ON issuer_clusters.issuer = json_text(trust, 'issuer')
UNION
SELECT 'irsa', role_arn, cluster, namespace, service_account, false, 'service account annotation'
FROM service_accounts
WHERE cluster IS NOT NULL AND role_arn IS NOT NULL AND role_arn NOT IN (SELECT role_arn FROM trusted)
UNION
SELECT 'pod_identity', role_arn, cluster, namespace, service_account, false, 'Pod Identity association'
FROM pod_identity_associations
WHERE role_arn IS NOT NULL
UNION
SELECT 'pod_identity', target_role_arn, cluster, namespace, service_account, false, 'Pod Identity association (target role)'
FROM pod_identity_associations
WHERE target_role_arn IS NOT NULL
