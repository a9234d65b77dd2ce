// Statements that answer questions which are asked often. "Now" is the newest call in the store.

export interface Example {
  question: string
  query: string
}

const NEWEST = '(SELECT max(last_event_time) FROM activities)'

export const EXAMPLES: readonly Example[] = [
  {
    question: 'Who used a node’s role in the last 24 hours?',
    query: `SELECT cluster, namespace, service_account, confidence, sum(calls) AS calls, max(last_event_time) AS last_seen
FROM activity_attribution
WHERE access_path = 'node_role' AND actor = 'workload'
  AND first_event_time >= ${NEWEST} - INTERVAL '24 hours'
GROUP BY ALL
ORDER BY calls DESC`,
  },
  {
    question: 'Which calls of which workload were denied?',
    query: `SELECT cluster, namespace, service_account, event_source, event_name, error_code,
       sum(calls) AS denied, max(last_event_time) AS last_seen
FROM activity_attribution
WHERE is_denied(error_code) AND actor = 'workload'
GROUP BY ALL
ORDER BY denied DESC`,
  },
  {
    question: 'Which access keys were used from two networks?',
    query: `-- Keys of nodes are left out: all pods of a node share them.
SELECT access_key_id, min(identity_arn) AS identity_arn, count(DISTINCT source_ip_address) AS addresses,
       string_agg(DISTINCT source_ip_address, ' ') AS source_ip_addresses, sum(calls) AS calls
FROM activities
WHERE access_key_id IS NOT NULL AND NOT coalesce(is_instance_id(session_name), false)
  AND source_ip_address ~ '^[0-9.]+$'
GROUP BY access_key_id
HAVING count(DISTINCT regexp_replace(source_ip_address, '[.][0-9]+[.][0-9]+$', '')) > 1
ORDER BY addresses DESC, calls DESC`,
  },
  {
    question: 'Who assumed a role, and from which session?',
    query: `SELECT s.role_arn, p.role_arn AS parent_role_arn, s.mechanism, s.cluster, s.namespace, s.service_account,
       count(*) AS sessions, min(s.issued_at) AS first_issued, max(s.issued_at) AS last_issued
FROM sessions s
LEFT JOIN sessions p ON p.access_key_id = s.parent_access_key_id
GROUP BY ALL
ORDER BY sessions DESC`,
  },
  {
    question: 'How many calls does each workload make to which service?',
    query: `SELECT namespace || '/' || service_account AS workload, event_source, sum(calls) AS calls
FROM activity_attribution
WHERE service_account IS NOT NULL
GROUP BY ALL
ORDER BY calls DESC`,
  },
  {
    question: 'How do calls go over time, by access path?',
    query: `SELECT date_trunc('hour', first_event_time) AS hour, access_path, sum(calls) AS calls
FROM activity_attribution
GROUP BY ALL
ORDER BY hour`,
  },
  {
    question: 'Which pods were on a node at a time?',
    query: `-- Put a node and a time of yours here.
WITH spot AS (
  SELECT node, max(last_event_time) AS moment
  FROM activity_attribution WHERE node IS NOT NULL
  GROUP BY node ORDER BY sum(calls) DESC LIMIT 1
)
SELECT instance_id, namespace, pod, service_account, workload, pod_ip, host_network, valid_from, valid_to
FROM pods JOIN spot ON pods.instance_id = spot.node
WHERE valid_from <= moment AND (valid_to IS NULL OR valid_to > moment)
ORDER BY namespace, pod`,
  },
  {
    question: 'Who uses up the quota of ec2:Describe*?',
    query: `SELECT date_trunc('hour', first_event_time) AS hour,
       coalesce(namespace || '/' || service_account, component, 'not known') AS caller, sum(calls) AS calls
FROM activity_attribution
WHERE event_source = 'ec2.amazonaws.com' AND event_name LIKE 'Describe%'
GROUP BY ALL
ORDER BY hour, calls DESC`,
  },
  {
    question: 'What happened in one session?',
    query: `-- Put the ARN of a session of yours here.
WITH one AS (
  SELECT identity_arn FROM activities
  WHERE identity_arn LIKE '%:assumed-role/%' AND NOT is_instance_id(session_name)
  GROUP BY identity_arn ORDER BY sum(calls) DESC LIMIT 1
)
SELECT event_time, event_source, event_name, error_code, aws_region, source_ip_address, access_key_id, event_id
FROM events JOIN one USING (identity_arn)
ORDER BY event_time`,
  },
  {
    question: 'Which calls are no cluster’s, and whose are they?',
    query: `SELECT e.identity_type, e.invoked_by, role_name(e.session_issuer_arn) AS role, count(*) AS calls,
       max(e.event_time) AS last_seen, min(e.event_id) AS event_id
FROM events e
LEFT JOIN attribution a USING (event_id)
WHERE a.event_id IS NULL
GROUP BY ALL
ORDER BY calls DESC`,
  },
  {
    question: 'When did a workload first use a role?',
    query: `SELECT role_arn, cluster, namespace, service_account, access_path, min(first_event_time) AS first_use, sum(calls) AS calls
FROM activity_attribution
WHERE role_arn IS NOT NULL AND actor = 'workload'
GROUP BY ALL
ORDER BY first_use DESC`,
  },
  {
    question: 'Which buckets does a workload use?',
    query: `SELECT a.cluster, a.namespace, a.service_account, e.request_parameters->>'bucketName' AS bucket, e.event_name, count(*) AS calls
FROM events e
JOIN attribution a USING (event_id)
WHERE e.event_source = 's3.amazonaws.com' AND e.request_parameters->>'bucketName' IS NOT NULL
GROUP BY ALL
ORDER BY calls DESC`,
  },
]
