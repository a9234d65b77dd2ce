-- Every look of an IAM role, first and last time it was seen so, with its ARN.
SELECT coalesce(json_text(attributes, 'arn'), name) AS role_arn, name AS role_name, uid AS role_id, account_id, attributes, first_seen, last_seen
FROM inventory_states
WHERE kind = 'role'
