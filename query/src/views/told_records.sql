-- Records that tell of something of a cluster, with the cluster: its ARN where several have its name.
SELECT records.*,
       CASE WHEN namesakes.arns IS NULL THEN cluster_name
            ELSE cluster_identity(cluster_name, recipient_account_id, aws_region, namesakes.arns) END AS cluster
FROM cluster_records AS records
LEFT JOIN cluster_namesakes AS namesakes ON namesakes.name = records.cluster_name
