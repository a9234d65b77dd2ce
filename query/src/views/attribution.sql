-- Who made each call of a cluster's identities: its ground, and the pod that the inventory tells of it. Read over the grounds of
-- events (view attribution, one row per event), of activities (view activity_attribution, one row per activity), and of
-- activities as kept views read them (view held_attribution, without evidence): braces stand for what differs.
SELECT event_id,
       grounds.activity_id,
       event_time,
       recipient_account_id, aws_region, event_source, event_name, error_code, source_ip_address, user_agent,
       access_key_id,
       role_arn, access_path, actor, component, cluster,
       CASE WHEN ground IN ('node', 'named') THEN coalesce(grounds.namespace, told.namespace) ELSE grounds.namespace END AS namespace,
       CASE WHEN ground IN ('node', 'named') THEN coalesce(grounds.service_account, told.service_account) ELSE grounds.service_account END AS service_account,
       CASE WHEN ground IN ('node', 'named') THEN coalesce(grounds.pod, told.pod) END AS pod,
       CASE WHEN ground IN ('node', 'named') THEN coalesce(grounds.pod_uid, told.pod_uid) END AS pod_uid,
       CASE WHEN ground = 'named' THEN coalesce(grounds.node, told.node) ELSE grounds.node END AS node,
       hops,
       CASE
           WHEN ground = 'node' AND actor IS DISTINCT FROM 'node_agent' THEN coalesce(told.confidence, 'unknown')
           WHEN ground = 'named' AND grounds.service_account IS NULL AND told.service_account IS NOT NULL THEN told.confidence
           ELSE grounds.confidence
       END AS confidence,
       CASE
           WHEN ground = 'node' AND actor IS DISTINCT FROM 'node_agent' THEN coalesce(told.score, 0.0)
           WHEN ground = 'named' AND grounds.service_account IS NULL AND told.service_account IS NOT NULL THEN told.score
           WHEN ground = 'fitting' THEN 1.0 / fitting
           WHEN grounds.confidence = 'exact' THEN 1.0
           WHEN grounds.confidence = 'inferred' THEN 0.9
           ELSE 0.0
       END AS score{evidence}{more}
FROM {grounds} AS grounds
LEFT JOIN activity_identities AS told ON told.activity_id = coalesce(grounds.root_activity_id, grounds.activity_id)
WHERE ground IS NOT NULL
