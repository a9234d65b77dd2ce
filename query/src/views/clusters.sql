-- Clusters, by the newest of what was seen of each; `source` says where. `cluster` is the name, or the ARN where several have that name.
WITH described AS (
    SELECT cluster, account_id, region, first_seen, last_seen,
           json_text(attributes, 'arn') AS arn,
           json_text(attributes, 'oidc_issuer') AS oidc_issuer,
           json_text(attributes, 'cluster_role_arn') AS cluster_role_arn,
           json_text(attributes, 'version') AS version,
           json_text(attributes, 'auto_mode') = 'true' AS auto_mode,
           json_text(attributes, 'auto_mode_node_role_arn') AS auto_mode_node_role_arn,
           json_time(json_text(attributes, 'created_at')) AS created_at,
           'inventory' AS source
    FROM inventory_states WHERE kind = 'cluster'
    UNION ALL
    SELECT cluster, recipient_account_id AS account_id, aws_region AS region,
           first_event_time AS first_seen, first_event_time AS last_seen,
           json_text(inventory_facts, 'response', 'cluster', 'arn') AS arn,
           oidc_issuer(json_text(inventory_facts, 'response', 'cluster', 'identity', 'oidc', 'issuer')) AS oidc_issuer,
           json_text(inventory_facts, 'request', 'roleArn') AS cluster_role_arn,
           json_text(inventory_facts, 'request', 'version') AS version,
           json_text(inventory_facts, 'request', 'computeConfig', 'enabled') = 'true' AS auto_mode,
           json_text(inventory_facts, 'request', 'computeConfig', 'nodeRoleArn') AS auto_mode_node_role_arn,
           first_event_time AS created_at, event_id AS source
    FROM told_records WHERE event_name = 'CreateCluster'
)
SELECT cluster, account_id, region,
       max(arn) AS arn,
       last_value(oidc_issuer ORDER BY last_seen) FILTER (WHERE oidc_issuer IS NOT NULL) AS oidc_issuer,
       last_value(cluster_role_arn ORDER BY last_seen) FILTER (WHERE cluster_role_arn IS NOT NULL) AS cluster_role_arn,
       last_value(version ORDER BY last_seen) FILTER (WHERE version IS NOT NULL) AS version,
       last_value(auto_mode ORDER BY last_seen) FILTER (WHERE auto_mode IS NOT NULL) AS auto_mode,
       last_value(auto_mode_node_role_arn ORDER BY last_seen) FILTER (WHERE auto_mode_node_role_arn IS NOT NULL) AS auto_mode_node_role_arn,
       coalesce(min(created_at), min(first_seen)) AS valid_from,
       json_time('') AS valid_to,
       max(last_seen) AS observed_at,
       array_to_string(array_sort(array_agg(DISTINCT source) FILTER (WHERE source IS NOT NULL)), ', ') AS source
FROM described
WHERE cluster IS NOT NULL
GROUP BY cluster, account_id, region
