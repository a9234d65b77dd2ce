-- For which service account kube2iam or kiam assumed a role with a node's session: the one whose pods are
-- annotated with that role, where there is only one in the cluster. The credentials are kept for all pods of
-- the role on a node, so that they do not tell the pod. Sources: kube2iam and kiam, READMEs: annotation
-- iam.amazonaws.com/role; kube2iam iam/iam.go: cache by role.
WITH assumed AS (
    SELECT event_id, first_event_time, session_name AS node, issued_role_arn
    FROM activities
    WHERE event_name = 'AssumeRole' AND is_instance_id(session_name)
      AND (is_kube2iam_session(issued_session_name, issued_role_arn) OR issued_session_name LIKE 'kiam-%')
),
annotated AS (
    SELECT cluster, regexp_replace(iam_role, '^.*/', '') AS role_name, min(namespace) AS namespace, min(service_account) AS service_account
    FROM pods WHERE iam_role IS NOT NULL
    GROUP BY cluster, regexp_replace(iam_role, '^.*/', '')
    HAVING count(DISTINCT concat_ws('/', namespace, service_account)) = 1
)
SELECT assumed.event_id, annotated.cluster, annotated.namespace, annotated.service_account,
       CAST(NULL AS VARCHAR) AS pod, CAST(NULL AS VARCHAR) AS pod_uid
FROM assumed
JOIN nodes ON nodes.instance_id = assumed.node
JOIN annotated ON annotated.cluster = nodes.cluster AND annotated.role_name = role_name(assumed.issued_role_arn)
