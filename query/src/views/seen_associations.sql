-- Every look of an EKS Pod Identity association: as AWS listed it, and as the trail's records of its making and changing show it.
-- Source: EKS API reference, PodIdentityAssociation.
SELECT cluster, account_id, namespace, name AS service_account, uid AS association_id, first_seen, last_seen,
       json_text(attributes, 'role_arn') AS role_arn,
       json_text(attributes, 'target_role_arn') AS target_role_arn,
       json_text(attributes, 'disable_session_tags') = 'true' AS disable_session_tags,
       coalesce(json_time(json_text(attributes, 'created_at')), valid_from) AS created_at,
       'inventory' AS source
FROM inventory_states WHERE kind = 'pod_identity_association'
UNION ALL
SELECT cluster,
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
FROM told_records
WHERE event_name IN ('CreatePodIdentityAssociation', 'UpdatePodIdentityAssociation')
