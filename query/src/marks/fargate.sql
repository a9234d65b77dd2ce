-- What a day's sessions of Fargate's pods show of their roles.
SELECT records.event_date, records.event_id, fargate.plain_arn, fargate.cluster
FROM issuing_records AS records
JOIN fargate_roles AS fargate ON fargate.plain_arn = plain_role_arn(records.issued_role_arn)
WHERE records.event_date IS NOT NULL AND records.invoked_by = 'eks-fargate-pods.amazonaws.com'
