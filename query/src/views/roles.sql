-- IAM roles as last seen.
SELECT coalesce(json_text(attributes, 'arn'), name) AS role_arn, max(name) AS role_name, max(account_id) AS account_id,
       last_value(uid ORDER BY last_seen) AS role_id,
       last_value(json_text(attributes, 'trust_policy') ORDER BY last_seen) AS trust_policy,
       min(json_time(json_text(attributes, 'created_at'))) AS valid_from,
       json_time('') AS valid_to,
       max(json_time(json_text(attributes, 'last_used_at'))) AS last_used_at,
       max(last_seen) AS observed_at,
       -- When its permission policies were seen, which not every look shows.
       max(CASE WHEN json_text(attributes, 'attached_policies') IS NOT NULL THEN last_seen END) AS policies_observed_at
FROM inventory_states
WHERE kind = 'role'
GROUP BY coalesce(json_text(attributes, 'arn'), name)
