-- Calls, the newest first, with who made them where an identity of a cluster did.
SELECT events.event_id, events.event_time, events.recipient_account_id, events.aws_region, events.event_source, events.event_name,
       events.error_code, events.read_only, events.source_ip_address, events.user_agent, events.identity_type, events.identity_arn,
       events.access_key_id, coalesce(attribution.role_arn, events.session_issuer_arn) AS role_arn,
       access_path, actor, component, cluster, namespace, service_account, pod, pod_uid, node, hops, confidence, score
FROM events
LEFT JOIN (
    -- The same calls, so that no other is attributed.
    SELECT * FROM attribution
    WHERE ($from IS NULL OR event_time >= $from) AND ($to IS NULL OR event_time < $to)
      AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region)
      AND ($event_source IS NULL OR event_source = $event_source) AND ($id IS NULL OR event_id = $id)
) AS attribution ON attribution.event_id = events.event_id
WHERE ($from IS NULL OR events.event_time >= $from) AND ($to IS NULL OR events.event_time < $to)
  AND ($account IS NULL OR events.recipient_account_id = $account) AND ($region IS NULL OR events.aws_region = $region)
  AND ($event_source IS NULL OR events.event_source = $event_source) AND ($id IS NULL OR events.event_id = $id)
  AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($access_path IS NULL OR access_path = $access_path) AND ($actor IS NULL OR actor = $actor)
  AND ($confidence IS NULL OR confidence = $confidence) AND ($node IS NULL OR node = $node) AND ($role_arn IS NULL OR coalesce(attribution.role_arn, events.session_issuer_arn) = $role_arn)
