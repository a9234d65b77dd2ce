-- Roles that a workload assumed, each with the role whose session it was assumed from.
SELECT parent.role_arn AS parent_role_arn, session.role_arn, session.mechanism, session.hops, count(*) AS sessions,
       min(session.issued_at) AS first_seen, max(session.issued_at) AS last_seen
FROM issued_sessions AS session
LEFT JOIN issued_sessions AS parent ON parent.event_id = session.parent_event_id
LEFT JOIN root_activities AS root ON root.event_id = session.root_event_id
-- What was assumed with a node's session is whose that session's call was.
LEFT JOIN activity_identities AS told ON told.activity_id = root.activity_id AND session.mechanism = 'node_role' AND session.hops > 0
WHERE session.error_code IS NULL AND session.actor = 'workload'
  AND ($from IS NULL OR session.issued_at >= $from) AND ($to IS NULL OR session.issued_at < $to)
  AND ($cluster IS NULL OR session.cluster = $cluster OR session.cluster LIKE 'arn:%' AND cluster_name(session.cluster) = $cluster) AND ($namespace IS NULL OR coalesce(session.namespace, told.namespace) = $namespace) AND ($service_account IS NULL OR coalesce(session.service_account, told.service_account) = $service_account)
GROUP BY parent.role_arn, session.role_arn, session.mechanism, session.hops
ORDER BY hops, parent_role_arn, role_arn, mechanism
