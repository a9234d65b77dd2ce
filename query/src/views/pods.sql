-- Pods: one row per pod uid. A pod is certain to have existed from `valid_from` (its own start time, or the
-- first look) to `certain_to` (its own end, or the last look that showed it). It had gone by `valid_to`, the
-- next complete listing; null where there is none.
WITH looks_of_pods AS (
    SELECT cluster, namespace, name AS pod, coalesce(uid, concat(namespace, '/', name)) AS pod_uid, account_id,
           first_seen, last_seen, valid_from, valid_to,
           json_text(attributes, 'service_account') AS service_account,
           json_text(attributes, 'node') AS node,
           json_text(attributes, 'pod_ip') AS pod_ip,
           json_text(attributes, 'host_network') = 'true' AS host_network,
           json_time(json_text(attributes, 'created_at')) AS created_at,
           json_text(attributes, 'injected') AS injected,
           json_text(attributes, 'injected_role_arn') AS injected_role_arn,
           json_text(attributes, 'skip_containers') AS skip_containers,
           json_text(attributes, 'containers') AS containers,
           json_text(attributes, 'images') AS images,
           json_text(attributes, 'owner_kind') AS owner_kind,
           json_text(attributes, 'owner_name') AS owner_name,
           json_text(attributes, 'iam_role') AS iam_role,
           json_text(attributes, 'labels') AS labels
    FROM inventory_states WHERE kind = 'pod' AND cluster IS NOT NULL
),
merged AS (
    SELECT cluster, namespace, pod, pod_uid, max(account_id) AS account_id,
           min(first_seen) AS first_seen, max(last_seen) AS last_seen,
           min(valid_from) AS started_at, min(valid_to) AS ended_at, min(created_at) AS created_at,
           max(service_account) AS service_account, max(node) AS node, max(pod_ip) AS pod_ip,
           bool_or(host_network) AS host_network, max(injected) AS injected,
           max(injected_role_arn) AS injected_role_arn, max(skip_containers) AS skip_containers,
           last_value(containers ORDER BY last_seen) AS containers, max(images) AS images, max(owner_kind) AS owner_kind,
           max(owner_name) AS owner_name, max(iam_role) AS iam_role, max(labels) AS labels
    FROM looks_of_pods
    GROUP BY cluster, namespace, pod, pod_uid
)
SELECT merged.cluster, coalesce(merged.account_id, nodes.account_id) AS account_id, namespace, pod, pod_uid, service_account, merged.node,
       nodes.instance_id, pod_ip,
       -- Where the pod itself was not seen, only its status, it may share the address of its node.
       coalesce(host_network, pod_ip = nodes.internal_ip) AS host_network, started_at, created_at,
       injected, injected_role_arn, skip_containers, containers, images, owner_kind, owner_name, iam_role, labels,
       -- What a person would name: its controller. A CronJob names its Jobs by the minute of their time.
       CASE WHEN owner_kind IS NULL OR owner_name IS NULL THEN concat('Pod/', pod)
            WHEN owner_kind = 'Job' AND regexp_like(owner_name, '-[0-9]{8}$') THEN concat('CronJob/', regexp_replace(owner_name, '-[0-9]{8}$', ''))
            ELSE concat(owner_kind, '/', owner_name) END AS workload,
       coalesce(started_at, created_at, first_seen) AS valid_from,
       coalesce(ended_at, next_look) AS valid_to,
       coalesce(ended_at, last_seen) AS certain_to,
       last_seen AS observed_at
FROM merged
LEFT JOIN nodes ON nodes.cluster = merged.cluster AND nodes.node = merged.node
LEFT JOIN inventory_looks AS looks
       ON looks.kind = 'pod' AND looks.cluster = merged.cluster AND looks.place = merged.namespace AND looks.observed_at = merged.last_seen
