-- EKS Pod Identity associations: service account → role, as last seen.
WITH deleted AS (
    SELECT coalesce(json_text(inventory_facts, 'response', 'association', 'associationId'), json_text(inventory_facts, 'request', 'associationId')) AS association_id,
           min(first_event_time) AS deleted_at
    FROM telling_records
    WHERE event_name = 'DeletePodIdentityAssociation'
    GROUP BY 1
),
gone AS (
    SELECT cluster, place, observed_at, next_look FROM inventory_looks WHERE kind = 'pod_identity_association'
),
merged AS (
    SELECT cluster, max(account_id) AS account_id, namespace, service_account, association_id,
           last_value(role_arn ORDER BY last_seen) FILTER (WHERE role_arn IS NOT NULL) AS role_arn,
           last_value(target_role_arn ORDER BY last_seen) FILTER (WHERE target_role_arn IS NOT NULL) AS target_role_arn,
           bool_or(disable_session_tags) AS disable_session_tags,
           coalesce(min(created_at), min(first_seen)) AS valid_from,
           max(last_seen) AS observed_at,
           array_to_string(array_sort(array_agg(DISTINCT source) FILTER (WHERE source IS NOT NULL)), ', ') AS source
    FROM seen_associations
    WHERE cluster IS NOT NULL AND service_account IS NOT NULL
    GROUP BY cluster, namespace, service_account, association_id
)
SELECT merged.cluster, account_id, namespace, service_account, merged.association_id, role_arn, target_role_arn,
       disable_session_tags, valid_from, coalesce(deleted.deleted_at, gone.next_look) AS valid_to,
       merged.observed_at, source
FROM merged
LEFT JOIN deleted ON deleted.association_id = merged.association_id
LEFT JOIN gone ON gone.cluster = merged.cluster AND gone.place = merged.namespace AND gone.observed_at = merged.observed_at
