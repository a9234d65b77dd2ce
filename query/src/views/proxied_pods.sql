-- For which service account kube2iam or kiam assumed a role with a node's session: the one whose pods are
-- annotated with that role, where there is only one; kube2iam serves pods of its own node only, so that there
-- it is enough to be the only one on the node while the session lasts. The credentials are kept for all pods
-- of the role on a node, so that they do not tell the pod. Sources: kube2iam and kiam, READMEs: annotation
-- iam.amazonaws.com/role; kube2iam iam/iam.go: cache by role.
WITH assumed AS (
    SELECT event_id, first_event_time AS issued_at, coalesce(issued_expires_at, first_event_time + INTERVAL '1 hour') AS expires_at,
           session_name AS node, issued_role_arn, is_kube2iam_session(issued_session_name, issued_role_arn) AS on_node
    FROM issuing_records
    WHERE event_name = 'AssumeRole' AND is_instance_id(session_name)
      AND (is_kube2iam_session(issued_session_name, issued_role_arn) OR issued_session_name LIKE 'kiam-%')
),
annotated AS (
    SELECT cluster, instance_id, namespace, service_account, regexp_replace(iam_role, '^.*/', '') AS role_name,
           CASE WHEN iam_role LIKE 'arn:%' THEN plain_role_arn(iam_role) END AS plain_arn, valid_from, valid_to
    FROM pods WHERE iam_role IS NOT NULL
),
fitting AS (
    SELECT assumed.event_id, annotated.cluster, annotated.namespace, annotated.service_account, annotated.role_name,
           on_node AND annotated.instance_id = assumed.node
               AND annotated.valid_from <= assumed.expires_at
               AND (annotated.valid_to IS NULL OR annotated.valid_to >= assumed.issued_at) AS beside
    FROM assumed
    JOIN nodes ON nodes.instance_id = assumed.node
    JOIN annotated ON annotated.cluster = nodes.cluster AND annotated.role_name = role_name(assumed.issued_role_arn)
                  -- A whole ARN names the role of one account.
                  AND (annotated.plain_arn IS NULL OR annotated.plain_arn = plain_role_arn(assumed.issued_role_arn))
),
-- Where pods on the node fit, they decide.
counted AS (
    SELECT fitting.*, bool_or(beside) OVER (PARTITION BY event_id) AS by_node FROM fitting
)
SELECT event_id, min(cluster) AS cluster, min(namespace) AS namespace, min(service_account) AS service_account,
       CAST(NULL AS VARCHAR) AS pod, CAST(NULL AS VARCHAR) AS pod_uid,
       concat(CASE WHEN bool_or(beside) THEN 'on the node at that time' ELSE concat('in ', min(cluster)) END,
              ' only pods of ', min(namespace), '/', min(service_account), ' are annotated iam.amazonaws.com/role: ', min(role_name)) AS proof
FROM counted
WHERE beside IS TRUE OR by_node IS NOT TRUE
GROUP BY event_id
HAVING count(DISTINCT concat_ws('/', cluster, namespace, service_account)) = 1
