-- What shows that a role is that of nodes, with the cluster: its ARN where several have its name.
SELECT role_arn, session_name, sign, event_id,
       CASE WHEN namesakes.arns IS NULL THEN signs.cluster
            ELSE cluster_identity(signs.cluster, signs.account_id, signs.region, namesakes.arns) END AS cluster
FROM daily_signs AS signs
LEFT JOIN cluster_namesakes AS namesakes ON namesakes.name = signs.cluster
