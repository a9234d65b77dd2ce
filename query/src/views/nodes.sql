-- Kubernetes nodes and the instance behind each: by its provider id, else by the session that its kubelet
-- showed in the audit log, else by the instance whose private DNS name it has. A hybrid node that has no id of its own stands
-- there by its name, as its sessions do.
WITH named AS (
    SELECT cluster, account_id, region, name AS node, first_seen, last_seen, valid_from, valid_to,
           coalesce(json_text(attributes, 'instance_id'), CASE WHEN json_text(attributes, 'compute') = 'hybrid' THEN name END) AS instance_id,
           json_text(attributes, 'internal_ip') AS internal_ip,
           json_text(attributes, 'compute') AS compute,
           json_text(attributes, 'nodegroup') AS nodegroup,
           json_text(attributes, 'nodepool') AS nodepool,
           json_text(attributes, 'instance_type') AS instance_type,
           json_text(attributes, 'zone') AS zone
    FROM inventory_states WHERE kind = 'node' AND cluster IS NOT NULL
    UNION ALL
    SELECT cluster, account_id, region, name AS node, first_seen, last_seen, json_time('') AS valid_from, json_time('') AS valid_to,
           json_text(attributes, 'instance_id') AS instance_id, NULL AS internal_ip, NULL AS compute, NULL AS nodegroup, NULL AS nodepool,
           NULL AS instance_type, NULL AS zone
    FROM inventory_states WHERE kind = 'node_session' AND cluster IS NOT NULL
    UNION ALL
    SELECT cluster, account_id, region, private_dns AS node, valid_from AS first_seen, observed_at AS last_seen, valid_from, valid_to,
           instance_id, private_ip AS internal_ip, NULL AS compute, nodegroup, nodepool, NULL AS instance_type, NULL AS zone
    FROM instances WHERE private_dns IS NOT NULL AND private_dns <> '' AND cluster IS NOT NULL
)
SELECT named.cluster, max(account_id) AS account_id, max(region) AS region, node,
       CASE WHEN count(DISTINCT instance_id) <= 1 THEN max(instance_id)
            ELSE last_value(instance_id ORDER BY last_seen) FILTER (WHERE instance_id IS NOT NULL) END AS instance_id,
       max(internal_ip) AS internal_ip, max(compute) AS compute,
       max(nodegroup) AS nodegroup, max(nodepool) AS nodepool,
       max(instance_type) AS instance_type, max(zone) AS zone,
       coalesce(min(valid_from), min(first_seen)) AS valid_from,
       coalesce(min(valid_to), min(next_look)) AS valid_to,
       max(last_seen) AS observed_at
FROM named
LEFT JOIN (SELECT * FROM inventory_looks WHERE kind = 'node' AND place = '') AS looks
       ON looks.cluster = named.cluster AND looks.observed_at = named.last_seen
GROUP BY named.cluster, node
