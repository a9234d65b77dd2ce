-- EKS Pod Identity associations: service account → role, by what AWS listed and by the trail's records of
-- their making. Source: EKS API reference, PodIdentityAssociation.
WITH seen AS (
    SELECT cluster, account_id, namespace, name AS service_account, uid AS association_id, first_seen, last_seen,
           json_text(attributes, 'role_arn') AS role_arn,
           json_text(attributes, 'target_role_arn') AS target_role_arn,
           json_text(attributes, 'disable_session_tags') = 'true' AS disable_session_tags,
           coalesce(json_time(json_text(attributes, 'created_at')), valid_from) AS created_at,
           'inventory' AS source
    FROM inventory_states WHERE kind = 'pod_identity_association'
    UNION ALL
    SELECT coalesce(json_text(inventory_facts, 'response', 'association', 'clusterName'), json_text(inventory_facts, 'request', 'name'), json_text(inventory_facts, 'request', 'clusterName')) AS cluster,
           recipient_account_id AS account_id,
           coalesce(json_text(inventory_facts, 'response', 'association', 'namespace'), json_text(inventory_facts, 'request', 'namespace')) AS namespace,
           coalesce(json_text(inventory_facts, 'response', 'association', 'serviceAccount'), json_text(inventory_facts, 'request', 'serviceAccount')) AS service_account,
           coalesce(json_text(inventory_facts, 'response', 'association', 'associationId'), json_text(inventory_facts, 'request', 'associationId')) AS association_id,
           first_event_time AS first_seen, first_event_time AS last_seen,
           coalesce(json_text(inventory_facts, 'response', 'association', 'roleArn'), json_text(inventory_facts, 'request', 'roleArn')) AS role_arn,
           json_text(inventory_facts, 'request', 'targetRoleArn') AS target_role_arn,
           json_text(inventory_facts, 'request', 'disableSessionTags') = 'true' AS disable_session_tags,
           CASE WHEN event_name = 'CreatePodIdentityAssociation' THEN first_event_time END AS created_at,
           event_id AS source
    FROM telling_records
    WHERE event_name IN ('CreatePodIdentityAssociation', 'UpdatePodIdentityAssociation')
),
deleted AS (
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
    FROM seen
    WHERE cluster IS NOT NULL AND service_account IS NOT NULL
    GROUP BY cluster, namespace, service_account, association_id
)
SELECT merged.cluster, account_id, namespace, service_account, merged.association_id, role_arn, target_role_arn,
       disable_session_tags, valid_from, coalesce(deleted.deleted_at, gone.next_look) AS valid_to,
       merged.observed_at, source
FROM merged
LEFT JOIN deleted ON deleted.association_id = merged.association_id
LEFT JOIN gone ON gone.cluster = merged.cluster AND gone.place = merged.namespace AND gone.observed_at = merged.observed_at
