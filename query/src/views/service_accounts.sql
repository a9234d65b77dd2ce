-- Service accounts and the role each is annotated with (IRSA), one row per spell with the same role. What an
-- annotation was before the first look is not known; `valid_from` is then the first look.
WITH seen AS (
    SELECT cluster, account_id, namespace, name AS service_account, observed_at,
           json_text(attributes, 'role_arn') AS role_arn,
           json_text(attributes, 'audience') AS audience,
           json_time(json_text(attributes, 'created_at')) AS created_at
    FROM placed_inventory WHERE kind = 'service_account'
),
changes AS (
    SELECT seen.*,
           CASE WHEN lag(observed_at) OVER spell IS NULL OR lag(role_arn) OVER spell IS DISTINCT FROM role_arn THEN 1 ELSE 0 END AS changed
    FROM seen
    WINDOW spell AS (PARTITION BY cluster, namespace, service_account ORDER BY observed_at)
),
spells AS (
    SELECT changes.*, sum(changed) OVER (PARTITION BY cluster, namespace, service_account ORDER BY observed_at
                                         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS spell
    FROM changes
),
rows AS (
    SELECT cluster, max(account_id) AS account_id, namespace, service_account, spell, role_arn, max(audience) AS audience,
           min(created_at) AS created_at, min(observed_at) AS first_seen, max(observed_at) AS last_seen
    FROM spells GROUP BY cluster, namespace, service_account, spell, role_arn
)
SELECT rows.cluster, account_id, namespace, service_account, role_arn, audience, created_at,
       first_seen AS valid_from,
       -- The look before the role appeared: it was annotated after that.
       lag(last_seen) OVER (PARTITION BY rows.cluster, namespace, service_account ORDER BY first_seen) AS not_before,
       coalesce(lead(first_seen) OVER (PARTITION BY rows.cluster, namespace, service_account ORDER BY first_seen), looks.next_look) AS valid_to,
       last_seen AS observed_at
FROM rows
LEFT JOIN inventory_looks AS looks
       ON looks.kind = 'service_account' AND looks.cluster = rows.cluster AND looks.place = rows.namespace AND looks.observed_at = rows.last_seen
