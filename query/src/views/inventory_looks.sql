-- For every time something was seen of a kind in a cluster and namespace: the next complete listing, which
-- tells that what it lacks had gone by then.
WITH places AS (
    SELECT DISTINCT kind, cluster, coalesce(namespace, '') AS place FROM placed_inventory WHERE kind <> 'listing'
),
looks AS (
    SELECT places.kind, places.cluster, places.place, listing.observed_at
    FROM placed_inventory AS listing
    JOIN places ON places.kind = listing.name AND places.cluster = listing.cluster
    WHERE listing.kind = 'listing' AND (listing.namespace IS NULL OR listing.namespace = places.place)
),
times AS (
    SELECT kind, cluster, place, observed_at, bool_or(look) AS look
    FROM (
        SELECT kind, cluster, place, observed_at, true AS look FROM looks
        UNION ALL
        SELECT DISTINCT kind, cluster, coalesce(namespace, '') AS place, observed_at, false AS look
        FROM placed_inventory WHERE kind <> 'listing' AND cluster IS NOT NULL
    )
    GROUP BY kind, cluster, place, observed_at
)
SELECT kind, cluster, place, observed_at,
       min(CASE WHEN look THEN observed_at END)
           OVER (PARTITION BY kind, cluster, place ORDER BY observed_at ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_look
FROM times
