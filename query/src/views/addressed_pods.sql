-- Calls with a workload's own credentials whose private source address was a pod's of the same service account:
-- the pod, where only one fits.
SELECT grounds.activity_id,
       min(address.pod) AS pod, min(address.pod_uid) AS pod_uid, min(address.instance_id) AS node,
       min(grounds.source_ip_address) AS source_ip_address
FROM activity_grounds AS grounds
JOIN pod_addresses AS address
  ON address.pod_ip = grounds.source_ip_address AND address.cluster = grounds.cluster
 AND address.namespace = grounds.namespace AND address.service_account = grounds.service_account
WHERE grounds.actor = 'workload' AND grounds.access_path IN ('irsa', 'pod_identity') AND grounds.pod_uid IS NULL
  AND grounds.event_time >= address.valid_from AND grounds.last_event_time <= address.certain_to
GROUP BY grounds.activity_id
HAVING count(DISTINCT address.pod_uid) = 1
