-- IAM roles as last seen.
SELECT role_arn, max(role_name) AS role_name, max(account_id) AS account_id,
       last_value(role_id ORDER BY last_seen) AS role_id,
       last_value(json_text(attributes, 'trust_policy') ORDER BY last_seen) AS trust_policy,
       min(json_time(json_text(attributes, 'created_at'))) AS valid_from,
       json_time('') AS valid_to,
       max(json_time(json_text(attributes, 'last_used_at'))) AS last_used_at,
       max(last_seen) AS observed_at,
       -- When its permission policies were seen, which not every look shows.
       max(CASE WHEN json_text(attributes, 'attached_policies') IS NOT NULL THEN last_seen END) AS policies_observed_at
FROM seen_roles
GROUP BY role_arn
