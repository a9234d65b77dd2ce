-- EC2 instances with the metadata options that were seen last, one row per instance, and the cluster that their tags name: its
-- ARN where several have its name.
SELECT instance_id, account_id, region,
       CASE WHEN namesakes.arns IS NULL THEN seen.cluster
            ELSE cluster_identity(seen.cluster, account_id, region, namesakes.arns) END AS cluster,
       nodegroup, nodepool, http_tokens, hop_limit, http_endpoint, most_hops, private_ip, private_dns, instance_profile_arn, managed_by,
       valid_from, valid_to, observed_at, source
FROM seen_instances AS seen
LEFT JOIN cluster_namesakes AS namesakes ON namesakes.name = seen.cluster
