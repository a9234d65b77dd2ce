-- EKS Pod Identity sessions whose tags are disabled: the service account by the associations of the role, and
-- the pod by the session's name, `eks-CLUSTER-POD-UUID` with cluster and pod cut to 10 characters.
-- Source: EKS user guide, "Grant Pods access to AWS resources based on tags" (disabling session tags).
WITH issued AS (
    SELECT event_id, first_event_time, issued_role_arn, issued_session_name
    FROM issuing_records
    WHERE event_name = 'AssumeRole' AND invoked_by = 'pods.eks.amazonaws.com'
      AND tag_service_account IS NULL
),
-- Every association that was seen, as it was: of which role it is now says nothing of older sessions.
bound AS (
    SELECT role_arn, cluster, namespace, service_account FROM seen_associations
    WHERE role_arn IS NOT NULL AND service_account IS NOT NULL
    UNION
    SELECT target_role_arn, cluster, namespace, service_account FROM seen_associations
    WHERE target_role_arn IS NOT NULL AND service_account IS NOT NULL
),
fitting AS (
    SELECT issued.event_id, issued.issued_role_arn, binding.cluster, binding.namespace, binding.service_account, pods.pod, pods.pod_uid,
           looked_at.cluster IS NOT NULL AS is_looked_at
    FROM issued
    JOIN bound AS binding ON binding.role_arn = issued.issued_role_arn
    LEFT JOIN pods ON pods.cluster = binding.cluster AND pods.namespace = binding.namespace AND pods.service_account = binding.service_account
                  AND starts_with(issued.issued_session_name, concat('eks-', left(cluster_name(pods.cluster), 10), '-', left(pods.pod, 10), '-'))
                  AND issued.first_event_time >= pods.valid_from
                  AND (pods.valid_to IS NULL OR issued.first_event_time <= pods.valid_to)
    LEFT JOIN (SELECT DISTINCT cluster FROM pods) AS looked_at ON looked_at.cluster = binding.cluster
    -- Of an association of one of several clusters of a name, its own name is not known.
    WHERE binding.cluster IS NULL OR starts_with(issued.issued_session_name, concat('eks-', left(cluster_name(binding.cluster), 10), '-'))
),
-- Where the pods of some bindings fit and those of others do not, the pods decide: of clusters whose pods were never seen, any may fit.
counted AS (
    SELECT fitting.*,
           bool_or(pod_uid IS NOT NULL) OVER (PARTITION BY event_id) AND bool_and(is_looked_at) OVER (PARTITION BY event_id) AS by_pod,
           bool_or(cluster IS NULL) OVER (PARTITION BY event_id) AS is_of_unknown
    FROM fitting
)
SELECT event_id, min(cluster) AS cluster, min(namespace) AS namespace, min(service_account) AS service_account,
       CASE WHEN count(DISTINCT pod_uid) = 1 THEN min(pod) END AS pod,
       CASE WHEN count(DISTINCT pod_uid) = 1 THEN min(pod_uid) END AS pod_uid,
       concat('association of ', min(issued_role_arn), ' with ', min(namespace), '/', min(service_account), ' in ', min(cluster),
              CASE WHEN count(DISTINCT pod_uid) = 1 THEN concat(', and the session''s name is cut from that of pod ', min(pod)) ELSE '' END) AS proof
FROM counted
WHERE NOT is_of_unknown AND (NOT by_pod OR pod_uid IS NOT NULL)
GROUP BY event_id
HAVING count(DISTINCT concat_ws('/', cluster, namespace, service_account)) = 1
