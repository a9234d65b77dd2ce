-- Names that several clusters have, one row per name, with the ARNs of these clusters, one a line. The name of an EKS cluster is
-- its own in one account and region only: views call each cluster of such a name by its ARN (`cluster_identity`), and give what
-- does not say of which of them it is to none. A place that is known in part counts where it fits no other; its ARN
-- lacks what is not known.
WITH whole AS (
    SELECT name, account_id, region FROM cluster_places WHERE account_id IS NOT NULL AND region IS NOT NULL
),
by_account AS (
    SELECT places.name, places.account_id
    FROM cluster_places AS places
    LEFT JOIN whole ON whole.name = places.name AND whole.account_id = places.account_id
    WHERE places.account_id IS NOT NULL AND places.region IS NULL AND whole.name IS NULL
),
by_region AS (
    SELECT places.name, places.region
    FROM cluster_places AS places
    LEFT JOIN whole ON whole.name = places.name AND whole.region = places.region
    LEFT JOIN by_account ON by_account.name = places.name
    WHERE places.region IS NOT NULL AND places.account_id IS NULL AND whole.name IS NULL AND by_account.name IS NULL
),
known AS (
    SELECT name, cluster_arn(name, account_id, region) AS arn FROM whole
    UNION ALL
    SELECT name, cluster_arn(name, account_id, '') FROM by_account
    UNION ALL
    SELECT name, cluster_arn(name, '', region) FROM by_region
)
SELECT name, array_to_string(array_sort(array_agg(DISTINCT arn) FILTER (WHERE arn IS NOT NULL)), chr(10)) AS arns
FROM known
GROUP BY name
HAVING count(DISTINCT arn) > 1
