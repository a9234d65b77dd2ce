-- Roles that one service account alone can hold, by mechanism: a session of such a role is its.
SELECT mechanism, role_arn, min(cluster) AS cluster, min(namespace) AS namespace, min(service_account) AS service_account,
       min(proof) AS proof
FROM role_bindings
GROUP BY mechanism, role_arn
HAVING count(DISTINCT concat_ws('/', cluster, namespace, service_account)) = 1 AND NOT bool_or(wildcard)
   AND min(namespace) IS NOT NULL AND min(service_account) IS NOT NULL
