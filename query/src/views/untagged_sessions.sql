-- EKS Pod Identity sessions whose tags are disabled: the service account by the associations of the role, and
-- the pod by the session's name, `eks-CLUSTER-POD-UUID` with cluster and pod cut to 10 characters.
-- Source: EKS user guide, "Grant Pods access to AWS resources based on tags" (disabling session tags).
WITH issued AS (
    SELECT event_id, first_event_time, issued_role_arn, issued_session_name
    FROM issuing_records
    WHERE event_name = 'AssumeRole' AND invoked_by = 'pods.eks.amazonaws.com'
      AND json_text(session_tags, 'tags', 'kubernetes-service-account') IS NULL
),
fitting AS (
    SELECT issued.event_id, issued.issued_role_arn, binding.cluster, binding.namespace, binding.service_account, pods.pod, pods.pod_uid
    FROM issued
    JOIN role_bindings AS binding ON binding.mechanism = 'pod_identity' AND binding.role_arn = issued.issued_role_arn
    LEFT JOIN pods ON pods.cluster = binding.cluster AND pods.namespace = binding.namespace AND pods.service_account = binding.service_account
                  AND starts_with(issued.issued_session_name, concat('eks-', left(pods.cluster, 10), '-', left(pods.pod, 10), '-'))
                  AND issued.first_event_time >= pods.valid_from
                  AND (pods.valid_to IS NULL OR issued.first_event_time <= pods.valid_to)
    WHERE starts_with(issued.issued_session_name, concat('eks-', left(binding.cluster, 10), '-'))
),
-- Where the pods of some bindings fit and those of others do not, the pods decide.
counted AS (
    SELECT fitting.*, bool_or(pod_uid IS NOT NULL) OVER (PARTITION BY event_id) AS by_pod FROM fitting
)
SELECT event_id, min(cluster) AS cluster, min(namespace) AS namespace, min(service_account) AS service_account,
       CASE WHEN count(DISTINCT pod_uid) = 1 THEN min(pod) END AS pod,
       CASE WHEN count(DISTINCT pod_uid) = 1 THEN min(pod_uid) END AS pod_uid,
       concat('association of ', min(issued_role_arn), ' with ', min(namespace), '/', min(service_account), ' in ', min(cluster),
              CASE WHEN count(DISTINCT pod_uid) = 1 THEN concat(', and the session''s name is cut from that of pod ', min(pod)) ELSE '' END) AS proof
FROM counted
WHERE NOT by_pod OR pod_uid IS NOT NULL
GROUP BY event_id
HAVING count(DISTINCT concat_ws('/', cluster, namespace, service_account)) = 1
