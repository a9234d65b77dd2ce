-- EC2 instances with the metadata options that were seen last: what describe-instances showed, and what the trail
-- tells of launches and changes. One row per instance; its cluster is the name that its tags say, which several may have.
-- Sources: EC2 API reference, RunInstances and ModifyInstanceMetadataOptions; EKS user guide, tags of nodes.
WITH launched AS (
    SELECT first_event_time, event_id, recipient_account_id, aws_region,
           unnest(json_list(inventory_facts, 'response', 'instancesSet', 'items')) AS item
    FROM telling_records WHERE event_name = 'RunInstances'
),
tags AS (
    SELECT json_text(item, 'instanceId') AS instance_id, unnest(json_list(item, 'tagSet', 'items')) AS tag
    FROM launched
),
tagged AS (
    SELECT instance_id,
           max(CASE WHEN json_text(tag, 'key') IN ('eks:cluster-name', 'eks:eks-cluster-name', 'alpha.eksctl.io/cluster-name', 'aws:eks:cluster-name') THEN json_text(tag, 'value') END) AS cluster_name,
           max(CASE WHEN json_text(tag, 'key') LIKE 'kubernetes.io/cluster/%' THEN substr(json_text(tag, 'key'), 23) END) AS owned_by,
           max(CASE WHEN json_text(tag, 'key') IN ('eks:nodegroup-name', 'alpha.eksctl.io/nodegroup-name') THEN json_text(tag, 'value') END) AS nodegroup,
           max(CASE WHEN json_text(tag, 'key') = 'karpenter.sh/nodepool' THEN json_text(tag, 'value') END) AS nodepool
    FROM tags GROUP BY instance_id
),
seen AS (
    SELECT name AS instance_id, account_id, region, first_seen AS seen_at, last_seen,
           coalesce(json_text(attributes, 'cluster'), cluster) AS cluster,
           json_text(attributes, 'nodegroup') AS nodegroup,
           json_text(attributes, 'nodepool') AS nodepool,
           json_text(attributes, 'http_tokens') AS http_tokens,
           try_cast(json_text(attributes, 'hop_limit') AS BIGINT) AS hop_limit,
           json_text(attributes, 'http_endpoint') AS http_endpoint,
           json_text(attributes, 'private_ip') AS private_ip,
           json_text(attributes, 'private_dns') AS private_dns,
           json_text(attributes, 'instance_profile_arn') AS instance_profile_arn,
           json_text(attributes, 'managed_by') AS managed_by,
           valid_from AS launched_at, valid_to AS ended_at, 'inventory' AS source
    FROM (
        SELECT name, cluster, account_id, region, attributes, min(observed_at) AS first_seen, max(observed_at) AS last_seen,
               min(valid_from) AS valid_from, min(valid_to) AS valid_to
        FROM inventory WHERE kind = 'instance'
        GROUP BY name, cluster, account_id, region, attributes
    )
    UNION ALL
    SELECT json_text(item, 'instanceId') AS instance_id, recipient_account_id AS account_id, aws_region AS region,
           first_event_time AS seen_at, first_event_time AS last_seen,
           coalesce(cluster_name, owned_by) AS cluster, tagged.nodegroup, tagged.nodepool,
           json_text(item, 'metadataOptions', 'httpTokens') AS http_tokens,
           try_cast(json_text(item, 'metadataOptions', 'httpPutResponseHopLimit') AS BIGINT) AS hop_limit,
           json_text(item, 'metadataOptions', 'httpEndpoint') AS http_endpoint,
           json_text(item, 'privateIpAddress') AS private_ip, json_text(item, 'privateDnsName') AS private_dns,
           json_text(item, 'iamInstanceProfile', 'arn') AS instance_profile_arn,
           json_text(item, 'operator', 'principal') AS managed_by,
           first_event_time AS launched_at, json_time('') AS ended_at, event_id AS source
    FROM launched JOIN tagged ON tagged.instance_id = json_text(item, 'instanceId')
    UNION ALL
    SELECT coalesce(json_text(inventory_facts, 'request', 'ModifyInstanceMetadataOptionsRequest', 'InstanceId'),
                    json_text(inventory_facts, 'request', 'instanceId')) AS instance_id,
           recipient_account_id AS account_id, aws_region AS region, first_event_time AS seen_at, first_event_time AS last_seen,
           NULL AS cluster, NULL AS nodegroup, NULL AS nodepool,
           coalesce(json_text(inventory_facts, 'request', 'ModifyInstanceMetadataOptionsRequest', 'HttpTokens'),
                    json_text(inventory_facts, 'request', 'httpTokens')) AS http_tokens,
           try_cast(coalesce(json_text(inventory_facts, 'request', 'ModifyInstanceMetadataOptionsRequest', 'HttpPutResponseHopLimit'),
                         json_text(inventory_facts, 'request', 'httpPutResponseHopLimit')) AS BIGINT) AS hop_limit,
           coalesce(json_text(inventory_facts, 'request', 'ModifyInstanceMetadataOptionsRequest', 'HttpEndpoint'),
                    json_text(inventory_facts, 'request', 'httpEndpoint')) AS http_endpoint,
           NULL AS private_ip, NULL AS private_dns, NULL AS instance_profile_arn, NULL AS managed_by,
           json_time('') AS launched_at, json_time('') AS ended_at, event_id AS source
    FROM telling_records WHERE event_name = 'ModifyInstanceMetadataOptions'
),
ended AS (
    SELECT json_text(item, 'instanceId') AS instance_id, min(first_event_time) AS ended_at
    FROM (
        SELECT first_event_time, unnest(json_list(inventory_facts, 'response', 'instancesSet', 'items')) AS item
        FROM telling_records WHERE event_name = 'TerminateInstances'
    )
    GROUP BY json_text(item, 'instanceId')
)
SELECT seen.instance_id,
       max(account_id) AS account_id, max(region) AS region,
       CASE WHEN count(DISTINCT cluster) = 1 THEN max(cluster) END AS cluster,
       max(nodegroup) AS nodegroup, max(nodepool) AS nodepool,
       last_value(http_tokens ORDER BY last_seen) FILTER (WHERE http_tokens IS NOT NULL) AS http_tokens,
       last_value(hop_limit ORDER BY last_seen) FILTER (WHERE hop_limit IS NOT NULL) AS hop_limit,
       last_value(http_endpoint ORDER BY last_seen) FILTER (WHERE http_endpoint IS NOT NULL) AS http_endpoint,
       max(hop_limit) AS most_hops,
       max(private_ip) AS private_ip, max(private_dns) AS private_dns,
       max(instance_profile_arn) AS instance_profile_arn, max(managed_by) AS managed_by,
       coalesce(min(launched_at), min(seen_at)) AS valid_from,
       coalesce(min(seen.ended_at), min(ended.ended_at)) AS valid_to,
       max(last_seen) AS observed_at,
       array_to_string(array_sort(array_agg(DISTINCT source) FILTER (WHERE source IS NOT NULL)), ', ') AS source
FROM seen
LEFT JOIN ended ON ended.instance_id = seen.instance_id
WHERE seen.instance_id IS NOT NULL
GROUP BY seen.instance_id
