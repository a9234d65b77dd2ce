-- What roles may do, as last seen: a row for each policy of a role (`inline`, `managed`, or `boundary`, which grants nothing but
-- limits the others). `document` is null where the text of a managed policy was not seen.
WITH seen AS (
    SELECT role_arn, max(last_seen) AS observed_at, last_value(attributes ORDER BY last_seen) AS attributes
    FROM seen_roles
    WHERE json_text(attributes, 'attached_policies') IS NOT NULL
    GROUP BY role_arn
),
named AS (
    SELECT role_arn, 'managed' AS kind, unnest(json_list(attributes, 'attached_policies')) AS policy_arn, observed_at FROM seen
    UNION ALL
    SELECT role_arn, 'boundary' AS kind, json_text(attributes, 'permissions_boundary') AS policy_arn, observed_at
    FROM seen WHERE json_text(attributes, 'permissions_boundary') IS NOT NULL
),
texts AS (
    SELECT json_text(attributes, 'arn') AS policy_arn, last_value(json_text(attributes, 'document') ORDER BY last_seen) AS document
    FROM inventory_states
    WHERE kind = 'managed_policy' AND json_text(attributes, 'document') IS NOT NULL
    GROUP BY json_text(attributes, 'arn')
)
SELECT role_arn, kind, regexp_replace(named.policy_arn, '^.*/', '') AS policy_name, named.policy_arn, document, observed_at
FROM named
LEFT JOIN texts ON texts.policy_arn = named.policy_arn
UNION ALL
SELECT role_arn, 'inline' AS kind, json_text(policy, 'name') AS policy_name, NULL AS policy_arn,
       json_text(policy, 'document') AS document, observed_at
FROM (SELECT role_arn, unnest(json_list(attributes, 'inline_policies')) AS policy, observed_at FROM seen)
