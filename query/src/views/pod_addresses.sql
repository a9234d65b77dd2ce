-- Which pod had an address, from when to when. A pod that shares its node's address has none of its own. The
-- VPC CNI gives an address to another pod once it is free: a pod's time with it ends where another's begins.
SELECT cluster, account_id, pod_ip, namespace, service_account, pod, pod_uid, instance_id, valid_from, certain_to,
       least(coalesce(valid_to, next_from), coalesce(next_from, valid_to)) AS valid_to
FROM (
    SELECT pods.*,
           lead(valid_from) OVER (PARTITION BY cluster, account_id, pod_ip ORDER BY valid_from, pod_uid) AS next_from
    FROM pods
    WHERE pod_ip IS NOT NULL AND host_network IS NOT TRUE
)
