-- Roles that one service account alone can hold, by mechanism: a session of such a role is its. No other may ever have been
-- seen to be able to: what a role was bound to before is as likely for an older session.
WITH earlier AS (
    SELECT 'irsa' AS mechanism, role_arn, unnest(trusted_service_accounts(json_text(attributes, 'trust_policy'))) AS trust
    FROM seen_roles
    WHERE json_text(attributes, 'trust_policy') IS NOT NULL
),
ever AS (
    SELECT mechanism, role_arn, cluster, namespace, service_account, wildcard, proof FROM role_bindings
    UNION ALL
    SELECT mechanism, role_arn, coalesce(issuer_clusters.cluster, json_text(trust, 'issuer')),
           json_text(trust, 'namespace'), json_text(trust, 'service_account'), json_text(trust, 'wildcard') = 'true', NULL
    FROM earlier
    LEFT JOIN issuer_clusters ON issuer_clusters.issuer = json_text(trust, 'issuer')
    UNION ALL
    -- Of which of several clusters of one name it is, is not known.
    SELECT 'irsa', role_arn, cluster, namespace, service_account, false, NULL
    FROM service_accounts
    WHERE cluster IS NULL AND role_arn IS NOT NULL AND role_arn NOT IN (SELECT role_arn FROM earlier WHERE role_arn IS NOT NULL)
    UNION ALL
    SELECT 'pod_identity', role_arn, cluster, namespace, service_account, false, NULL
    FROM seen_associations
    WHERE role_arn IS NOT NULL AND service_account IS NOT NULL
    UNION ALL
    SELECT 'pod_identity', target_role_arn, cluster, namespace, service_account, false, NULL
    FROM seen_associations
    WHERE target_role_arn IS NOT NULL AND service_account IS NOT NULL
)
SELECT mechanism, role_arn, min(cluster) AS cluster, min(namespace) AS namespace, min(service_account) AS service_account,
       min(proof) AS proof
FROM ever
GROUP BY mechanism, role_arn
HAVING count(DISTINCT concat_ws('/', cluster, namespace, service_account)) = 1 AND NOT bool_or(wildcard)
   AND min(namespace) IS NOT NULL AND min(service_account) IS NOT NULL AND min(proof) IS NOT NULL
