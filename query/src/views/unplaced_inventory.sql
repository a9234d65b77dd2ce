-- What was seen of a cluster by a name that several clusters have, without what tells which of them it is: account, region or
-- ARN. It is taken for none of them, since a call would be given to a pod of another cluster. One row per name and kind.
SELECT inventory.cluster AS name, kind, namesakes.arns,
       count(*) AS observations, min(observed_at) AS first_seen, max(observed_at) AS last_seen
FROM inventory
JOIN cluster_namesakes AS namesakes ON namesakes.name = inventory.cluster
WHERE cluster_identity(inventory.cluster, account_id, region, namesakes.arns) IS NULL
GROUP BY inventory.cluster, kind, namesakes.arns
