-- The inventory, with the cluster of each row: its ARN where several have its name, null where the row does not say of which of
-- them it is (see `unplaced_inventory`).
SELECT kind,
       CASE WHEN namesakes.arns IS NULL THEN inventory.cluster
            ELSE cluster_identity(inventory.cluster, account_id, region, namesakes.arns) END AS cluster,
       account_id, region, namespace, inventory.name, uid, observed_at, valid_from, valid_to, attributes
FROM inventory
LEFT JOIN cluster_namesakes AS namesakes ON namesakes.name = inventory.cluster
