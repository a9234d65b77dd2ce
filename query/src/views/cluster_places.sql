-- Where clusters of each name are known to be: account and region, either of them null where what names the cluster does not tell it.
-- Sources: EKS API reference, CreateCluster (a name is unique in a Region and account); EKS user guide, tags of EKS Pod Identity and
-- external ids of target roles.
WITH made AS (
    SELECT tag_cluster, tag_arn, external_id, identity_type, issued_role_arn
    FROM issuing_records
    -- What EKS says of a session; others could set such tags.
    WHERE event_name = 'AssumeRole' AND invoked_by = 'pods.eks.amazonaws.com'
),
said AS (
    SELECT cluster AS name, account_id, region FROM inventory WHERE cluster IS NOT NULL
    UNION ALL
    SELECT cluster, account_id, region FROM seen_instances
    UNION ALL
    SELECT cluster, account_id, region FROM daily_signs
    UNION ALL
    SELECT cluster_name, recipient_account_id, aws_region FROM cluster_records
    UNION ALL
    SELECT coalesce(tag_cluster, external_id_part(external_id, 'cluster')),
           coalesce(split_part(tag_arn, ':', 5), external_id_part(external_id, 'account'),
                    -- The role of an association is of the cluster's account, its target role may be of another.
                    CASE WHEN identity_type = 'AWSService' THEN split_part(issued_role_arn, ':', 5) END),
           coalesce(split_part(tag_arn, ':', 4), external_id_part(external_id, 'region'))
    FROM made
)
SELECT DISTINCT name, CASE WHEN account_id <> '' THEN account_id END AS account_id,
       -- The label of a node that is not in AWS may say anything.
       CASE WHEN regexp_like(region, '^[a-z]+(-[a-z]+)+-[0-9]+$') THEN region END AS region
FROM said
WHERE name IS NOT NULL AND name <> ''
