-- Who may use the Kubernetes API of a cluster, from when to when, and what makes them its administrators (`is_admin`). It counts until
-- a complete listing lacks it, or a later look at the policies of an access entry; `valid_from` is null where it is not known.
-- Sources: EKS user guide, "Review access policy permissions"; Kubernetes, "Using RBAC Authorization", system:masters.
WITH looks AS (
    SELECT kind, cluster, observed_at, next_look FROM inventory_looks WHERE kind IN ('access_entry', 'aws_auth') AND place = ''
),
entries AS (
    SELECT seen.cluster, seen.principal_arn, seen.valid_from, looks.next_look AS valid_to
    FROM (
        SELECT cluster, name AS principal_arn, min(valid_from) AS valid_from, max(last_seen) AS last_seen
        FROM inventory_states WHERE kind = 'access_entry'
        GROUP BY cluster, name
    ) AS seen
    LEFT JOIN looks ON looks.kind = 'access_entry' AND looks.cluster = seen.cluster AND looks.observed_at = seen.last_seen
),
-- The policies of an access entry are listed apart from what else it says.
policies AS (
    SELECT cluster, name AS principal_arn, attributes, observed_at
    FROM placed_inventory WHERE kind = 'access_entry' AND json_text(attributes, 'access_policies') IS NOT NULL
),
administering AS (
    SELECT cluster, principal_arn, max(observed_at) AS last_seen
    FROM (SELECT cluster, principal_arn, observed_at, unnest(json_list(attributes, 'access_policies')) AS policy FROM policies)
    WHERE json_text(policy, 'policy_arn') LIKE '%:cluster-access-policy/AmazonEKSClusterAdminPolicy' AND json_text(policy, 'scope') = 'cluster'
    GROUP BY cluster, principal_arn
),
withdrawn AS (
    SELECT policies.cluster, policies.principal_arn, min(policies.observed_at) AS withdrawn_at
    FROM policies
    JOIN administering ON administering.cluster = policies.cluster AND administering.principal_arn = policies.principal_arn
                      AND policies.observed_at > administering.last_seen
    GROUP BY policies.cluster, policies.principal_arn
),
mapped AS (
    SELECT cluster, name AS principal_arn, coalesce(json_text(attributes, 'groups'), 'no group') AS user_groups, max(last_seen) AS last_seen
    FROM inventory_states WHERE kind = 'aws_auth'
    GROUP BY cluster, name, coalesce(json_text(attributes, 'groups'), 'no group')
)
SELECT states.cluster, states.name AS principal_arn, false AS is_admin,
       concat('access entry of type ', json_text(attributes, 'type'), coalesce(', user ' || json_text(attributes, 'username'), '')) AS proof,
       entries.valid_from, entries.valid_to
FROM inventory_states AS states
JOIN entries ON entries.cluster = states.cluster AND entries.principal_arn = states.name
WHERE states.kind = 'access_entry' AND json_text(attributes, 'type') = 'STANDARD'
UNION ALL
SELECT administering.cluster, administering.principal_arn, true, 'access policy AmazonEKSClusterAdminPolicy', entries.valid_from,
       least(coalesce(withdrawn_at, entries.valid_to), coalesce(entries.valid_to, withdrawn_at))
FROM administering
JOIN entries ON entries.cluster = administering.cluster AND entries.principal_arn = administering.principal_arn
LEFT JOIN withdrawn ON withdrawn.cluster = administering.cluster AND withdrawn.principal_arn = administering.principal_arn
UNION ALL
SELECT mapped.cluster, principal_arn, user_groups LIKE '%"system:masters"%', concat('aws-auth maps it to ', user_groups),
       json_time('') AS valid_from, looks.next_look
FROM mapped
LEFT JOIN looks ON looks.kind = 'aws_auth' AND looks.cluster = mapped.cluster AND looks.observed_at = mapped.last_seen
WHERE user_groups NOT LIKE '%"system:nodes"%'
