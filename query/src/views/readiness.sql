-- Whether a node role's instances can go to IMDS hop limit 1 with tokens required. One row per cluster and node
-- role. Ordinary pods lose the node's credentials then, pods on the host network keep them.
WITH pods_on_role AS (
    SELECT cluster, role_arn,
           count(*) AS fallbacks,
           count(CASE WHEN cause <> 'host_network' THEN 1 END) AS breaking,
           array_to_string(array_sort(array_agg(DISTINCT name) FILTER (WHERE cause <> 'host_network')), ', ') AS breaks,
           array_to_string(array_sort(array_agg(DISTINCT name) FILTER (WHERE cause = 'host_network')), ', ') AS keeps,
           sum(calls) AS calls
    FROM (SELECT fallbacks.*, CASE WHEN workload IS NOT NULL THEN concat(namespace, '/', workload) ELSE coalesce(component, 'an unknown pod') END AS name
          FROM fallbacks)
    GROUP BY cluster, role_arn
),
unknown_calls AS (
    SELECT cluster, role_arn, CAST(sum(calls) AS BIGINT) AS calls
    FROM hourly_attribution
    WHERE access_path = 'node_role' AND actor = 'unknown'
    GROUP BY cluster, role_arn
),
nodes_of_role AS (
    SELECT session_issuer_arn AS role_arn, session_name AS node, min(first_event_time) AS begin_time, max(CASE WHEN imds_v1 THEN last_event_time END) AS v1_time
    FROM callers
    -- Hybrid nodes (mi-…) have no instance metadata service.
    WHERE session_issuer_arn IS NOT NULL AND session_name LIKE 'i-%' AND is_instance_id(session_name)
    GROUP BY session_issuer_arn, session_name
),
last_days AS (
    SELECT recipient_account_id AS account_id, max(event_date) AS last_date FROM trail_days GROUP BY recipient_account_id
),
trail AS (
    SELECT recipient_account_id AS account_id, min(first_event_time) AS begin_time, max(last_event_time) AS end_time,
           bool_or(data_events) AS data_events,
           -- Days of the last seven and today that have a record.
           count(DISTINCT CASE WHEN arrow_cast(event_date, 'Int32') > arrow_cast(last_date, 'Int32') - 8 THEN event_date END) AS days
    FROM trail_days
    JOIN last_days ON last_days.account_id = recipient_account_id
    GROUP BY recipient_account_id
),
node_role AS (
    SELECT role_arn, CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
    FROM node_roles GROUP BY role_arn
),
options AS (
    -- The cluster that attribution gives to a node's calls: its own, else the only one of its role.
    SELECT nodes_of_role.role_arn, coalesce(node_clusters.cluster, node_role.cluster) AS cluster,
           min(nodes_of_role.begin_time) AS role_begin,
           count(DISTINCT nodes_of_role.node) AS instances,
           count(DISTINCT CASE WHEN v1_time >= trail.end_time - INTERVAL '7 days' THEN nodes_of_role.node END) AS with_v1,
           count(DISTINCT CASE WHEN instances.valid_to IS NULL THEN nodes_of_role.node END) AS running,
           count(DISTINCT CASE WHEN instances.hop_limit IS NOT NULL THEN nodes_of_role.node END) AS with_options,
           count(DISTINCT CASE WHEN instances.valid_to IS NULL AND instances.hop_limit = 1 AND instances.http_tokens = 'required' THEN nodes_of_role.node END) AS closed,
           array_to_string(array_sort(array_agg(DISTINCT instances.nodegroup) FILTER (WHERE instances.nodegroup IS NOT NULL)), ', ') AS nodegroups
    FROM nodes_of_role
    JOIN node_role ON node_role.role_arn = nodes_of_role.role_arn
    LEFT JOIN node_clusters ON node_clusters.role_arn = nodes_of_role.role_arn AND node_clusters.node = nodes_of_role.node
    LEFT JOIN instances ON instances.instance_id = nodes_of_role.node
    LEFT JOIN trail ON trail.account_id = split_part(nodes_of_role.role_arn, ':', 5)
    GROUP BY nodes_of_role.role_arn, coalesce(node_clusters.cluster, node_role.cluster)
    UNION ALL
    -- Of which no call was seen.
    SELECT DISTINCT role_arn, cluster, json_time('') AS role_begin, 0, 0, 0, 0, 0, '' AS nodegroups
    FROM node_roles
    WHERE role_arn IS NOT NULL AND proof NOT LIKE '%HYBRID_LINUX%'
      AND role_arn NOT IN (SELECT session_issuer_arn FROM callers WHERE session_issuer_arn IS NOT NULL AND is_instance_id(session_name))
),
known_clusters AS (
    SELECT cluster, max(observed_at) AS observed_at FROM pods GROUP BY cluster
),
judged AS (
    -- What a role's pods do is seen from its first call on.
    SELECT options.*, options.role_begin AS begin_time, trail.end_time, trail.data_events, trail.days,
           date_part('epoch', trail.end_time) - date_part('epoch', trail.begin_time) AS trail_seconds,
           coalesce(pods_on_role.breaking, 0) AS breaking, pods_on_role.breaks, pods_on_role.keeps,
           coalesce(unknown_calls.calls, 0) AS unknown_calls,
           known_clusters.cluster IS NOT NULL AS inventory, unplaced.name AS unplaced_name,
           date_part('epoch', trail.end_time) - date_part('epoch', options.role_begin) AS seconds
    FROM options
    LEFT JOIN pods_on_role ON pods_on_role.role_arn = options.role_arn AND pods_on_role.cluster IS NOT DISTINCT FROM options.cluster
    LEFT JOIN unknown_calls ON unknown_calls.role_arn = options.role_arn AND unknown_calls.cluster IS NOT DISTINCT FROM options.cluster
    LEFT JOIN known_clusters ON known_clusters.cluster = options.cluster
    LEFT JOIN (SELECT name FROM unplaced_inventory WHERE kind = 'pod') AS unplaced ON unplaced.name = cluster_name(options.cluster)
    LEFT JOIN trail ON trail.account_id = split_part(options.role_arn, ':', 5)
)
SELECT cluster, role_arn, nodegroups, instances, running AS running_instances, closed AS closed_instances,
       CASE
           WHEN breaking > 0 THEN 'breaks'
           -- What was not looked at long enough, or not at all, is not safe.
           WHEN NOT inventory OR unknown_calls > 0 OR seconds IS NULL OR seconds < 7 * 86400 OR days < 7 OR with_v1 > 0 OR data_events IS NOT TRUE THEN 'unknown'
           ELSE 'safe'
       END AS hop_limit_1,
       CAST(breaking AS BIGINT) AS workloads_that_break, breaks, keeps AS host_network_workloads,
       CAST(unknown_calls AS BIGINT) AS unknown_calls,
       concat_ws('; ',
           CASE WHEN NOT inventory AND unplaced_name IS NOT NULL THEN concat('the inventory of pods does not say of which cluster named ', unplaced_name, ' it is')
                WHEN NOT inventory THEN 'no inventory of the cluster''s pods' END,
           CASE WHEN begin_time IS NULL THEN 'no call of its nodes was seen'
                WHEN seconds IS NULL OR trail_seconds < 7 * 86400 THEN 'less than 7 days of trail: what runs weekly was not seen'
                WHEN seconds < 7 * 86400 THEN 'its nodes were seen for less than 7 days: what runs weekly was not seen'
                WHEN days < 7 THEN concat(CAST(8 - days AS VARCHAR), ' days without records among the last 8: what ran then was not seen') END,
           CASE WHEN data_events IS NOT TRUE THEN 'no data events: calls on S3 objects, DynamoDB items and the like do not show' END,
           CASE WHEN unknown_calls > 0 THEN 'calls that may be a pod''s or a node agent''s' END,
           CASE WHEN with_v1 > 0 THEN concat(CAST(with_v1 AS VARCHAR), ' instances that gave credentials by IMDSv1: what uses it fails once tokens are required') END,
           CASE WHEN with_options < instances THEN concat(CAST(instances - with_options AS VARCHAR), ' instances whose metadata options were not seen') END
       ) AS not_observed,
       begin_time AS observed_from, end_time AS observed_to
FROM judged
