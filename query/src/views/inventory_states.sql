-- Each distinct look of an object, first and last time it was seen so: what the other inventory views read.
SELECT kind, cluster, account_id, region, namespace, name, uid, attributes,
       min(observed_at) AS first_seen, max(observed_at) AS last_seen,
       min(valid_from) AS valid_from, min(valid_to) AS valid_to
FROM placed_inventory
WHERE kind <> 'listing'
GROUP BY kind, cluster, account_id, region, namespace, name, uid, attributes
