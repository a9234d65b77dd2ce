-- Bindings of roles to service accounts that nobody used, that several share, or that let anybody in.
WITH used AS (
    SELECT DISTINCT access_path, role_arn, cluster, namespace, service_account
    FROM {attribution}
    WHERE access_path IN ('irsa', 'pod_identity') AND service_account IS NOT NULL
),
shared AS (
    SELECT role_arn, count(DISTINCT concat_ws('/', cluster, namespace, service_account)) AS sharers
    FROM role_bindings WHERE service_account IS NOT NULL GROUP BY role_arn
),
-- Of a role, the trail of its account shows who used it.
span AS (
    SELECT recipient_account_id AS account_id, min(first_event_time) AS observed_from, max(last_event_time) AS observed_to
    FROM trail_days GROUP BY recipient_account_id
)
SELECT CASE WHEN binding.wildcard THEN 'wildcard_trust'
            WHEN used.role_arn IS NULL THEN 'unused'
            ELSE 'shared' END AS finding,
       binding.mechanism, binding.role_arn, binding.cluster, binding.namespace, binding.service_account, binding.proof,
       coalesce(shared.sharers, 0) AS service_accounts_of_role, observed_from, observed_to
FROM role_bindings AS binding
LEFT JOIN span ON span.account_id = split_part(binding.role_arn, ':', 5)
LEFT JOIN used ON used.access_path = binding.mechanism AND used.role_arn = binding.role_arn AND used.cluster = binding.cluster
              AND used.namespace = binding.namespace AND used.service_account = binding.service_account
LEFT JOIN shared ON shared.role_arn = binding.role_arn
WHERE (used.role_arn IS NULL OR binding.wildcard OR shared.sharers > 1)
  AND ($cluster IS NULL OR binding.cluster = $cluster OR binding.cluster LIKE 'arn:%' AND cluster_name(binding.cluster) = $cluster) AND ($namespace IS NULL OR binding.namespace = $namespace)
  AND ($service_account IS NULL OR binding.service_account = $service_account) AND ($role_arn IS NULL OR binding.role_arn = $role_arn)
ORDER BY finding, binding.role_arn, binding.cluster, binding.namespace, binding.service_account, binding.mechanism, binding.proof
