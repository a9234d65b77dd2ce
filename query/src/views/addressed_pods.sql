-- Calls with a workload's own credentials whose private source address was a pod's of the same service account:
-- the pod, where only one fits. An activity may be several rows; the pod must have been there for all of them.
WITH fitting AS (
    SELECT grounds.activity_id, address.pod, address.pod_uid, address.instance_id,
           min(grounds.source_ip_address) AS source_ip_address
    FROM held_grounds AS grounds
    JOIN pod_addresses AS address
      ON address.pod_ip = grounds.source_ip_address AND address.cluster = grounds.cluster
     AND address.namespace = grounds.namespace AND address.service_account = grounds.service_account
    WHERE grounds.actor = 'workload' AND grounds.access_path IN ('irsa', 'pod_identity') AND grounds.pod_uid IS NULL
    GROUP BY grounds.activity_id, address.pod, address.pod_uid, address.instance_id, address.valid_from, address.certain_to
    HAVING min(grounds.first_event_time) >= address.valid_from AND max(grounds.last_event_time) <= address.certain_to
)
SELECT activity_id,
       min(pod) AS pod, min(pod_uid) AS pod_uid, min(instance_id) AS node,
       min(source_ip_address) AS source_ip_address
FROM fitting
GROUP BY activity_id
HAVING count(DISTINCT pod_uid) = 1
