-- Credentials that a cluster's identities hold: those issued to them, and those they obtained by
-- assuming further roles, to any depth and across accounts. One row per issuing record.
WITH RECURSIVE usable AS (
    SELECT issuances.*,
           CASE WHEN ambiguous_keys.access_key_id IS NULL THEN issued_access_key_id END AS own_key
    FROM issuances
    LEFT JOIN ambiguous_keys ON ambiguous_keys.access_key_id = issuances.issued_access_key_id
),
-- Which earlier record issued the credentials that an AssumeRole was made with: by access key id, else
-- by session ARN and creation date. Where two different identities fit, neither is taken.
parents AS (
    SELECT child.event_id, parent.event_id AS parent_event_id, 1 AS rank,
           concat_ws('|', parent.mechanism, parent.issuer, parent.cluster, parent.namespace,
                     parent.service_account, parent.pod_uid, parent.node, parent.issued_role_arn,
                     parent.caller_arn) AS identity
    FROM usable child
    JOIN usable parent ON parent.own_key = child.caller_access_key_id
                      AND parent.issued_arn = child.caller_arn
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id AND parent.error_code IS NULL
    UNION ALL
    SELECT child.event_id, parent.event_id, 2,
           concat_ws('|', parent.mechanism, parent.issuer, parent.cluster, parent.namespace,
                     parent.service_account, parent.pod_uid, parent.node, parent.issued_role_arn,
                     parent.caller_arn)
    FROM usable child
    JOIN usable parent ON parent.issued_arn = child.caller_arn
                      AND parent.issued_at = child.caller_created_at
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id AND parent.error_code IS NULL
),
link AS (
    SELECT event_id, min(parent_event_id) AS parent_event_id
    FROM (SELECT *, min(rank) OVER (PARTITION BY event_id) AS best FROM parents)
    WHERE rank = best
    GROUP BY event_id
    HAVING count(DISTINCT identity) = 1
),
node_role AS (
    SELECT role_arn, min(confidence) AS confidence,
           CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
    FROM node_roles GROUP BY role_arn
),
start AS (
    SELECT event_id, mechanism, cluster, namespace, service_account, pod, pod_uid, node, actor, component,
           confidence, CAST(NULL AS VARCHAR) AS parent_event_id, CAST(0 AS BIGINT) AS hops
    FROM usable
    WHERE mechanism IS NOT NULL
    UNION ALL
    -- A chain that begins with a node's session whose delivery the trail does not hold.
    SELECT usable.event_id, 'node_role' AS mechanism, coalesce(node_clusters.cluster, node_role.cluster) AS cluster,
           NULL AS namespace, NULL AS service_account, NULL AS pod, NULL AS pod_uid,
           usable.caller_session_name AS node, 'workload' AS actor, NULL AS component, 'unknown' AS confidence,
           NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops
    FROM usable
    JOIN node_role ON node_role.role_arn = usable.caller_role_arn
    LEFT JOIN node_clusters ON node_clusters.role_arn = usable.caller_role_arn
                           AND node_clusters.node = usable.caller_session_name
    LEFT JOIN link ON link.event_id = usable.event_id
    WHERE usable.mechanism IS NULL AND link.event_id IS NULL AND is_instance_id(usable.caller_session_name)
    UNION ALL
    -- A chain that begins with an IRSA session whose issuing record the trail does not hold.
    SELECT usable.event_id, 'irsa' AS mechanism, oidc_issuer(usable.caller_provider) AS cluster,
           NULL AS namespace, NULL AS service_account, NULL AS pod, NULL AS pod_uid,
           NULL AS node, 'workload' AS actor, NULL AS component, 'unknown' AS confidence,
           NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops
    FROM usable
    LEFT JOIN link ON link.event_id = usable.event_id
    WHERE usable.mechanism IS NULL AND link.event_id IS NULL AND is_eks_issuer(oidc_issuer(usable.caller_provider))
),
chain AS (
    SELECT * FROM start
    UNION ALL
    SELECT link.event_id, chain.mechanism, chain.cluster, chain.namespace, chain.service_account, chain.pod,
           chain.pod_uid, chain.node,
           -- What is obtained with a node's own credentials is not proven to be the node's own work.
           CASE WHEN chain.mechanism = 'node_role' THEN 'workload' ELSE chain.actor END,
           CASE WHEN chain.mechanism = 'node_role' THEN NULL ELSE chain.component END,
           CASE WHEN chain.mechanism = 'node_role' THEN 'unknown' ELSE chain.confidence END,
           link.parent_event_id, chain.hops + 1
    FROM chain
    JOIN link ON link.parent_event_id = chain.event_id
    WHERE chain.hops < 64
)
SELECT usable.event_id,
       usable.own_key AS access_key_id,
       usable.issued_arn,
       usable.issued_at,
       usable.expires_at,
       usable.error_code,
       -- kube2iam names a session <8 hex digits>-<role>, kiam kiam-<text>; both assume roles for pods
       -- with the node role.
       CASE WHEN chain.mechanism = 'node_role' AND chain.hops = 1 AND is_kube2iam_session(usable.issued_session_name) THEN 'kube2iam'
            WHEN chain.mechanism = 'node_role' AND chain.hops = 1 AND usable.issued_session_name LIKE 'kiam-%' THEN 'kiam'
            ELSE chain.mechanism
       END AS mechanism,
       usable.issued_role_arn AS role_arn,
       usable.issued_session_name AS session_name,
       chain.cluster, chain.namespace, chain.service_account, chain.pod, chain.pod_uid, chain.node,
       chain.actor, chain.component, chain.confidence,
       chain.parent_event_id,
       parent.issued_access_key_id AS parent_access_key_id,
       chain.hops,
       usable.shared_event_id,
       concat_ws('|', chain.mechanism, chain.cluster, chain.namespace, chain.service_account, chain.pod_uid,
                 chain.node, usable.issued_role_arn, chain.hops) AS identity
FROM chain
JOIN usable ON usable.event_id = chain.event_id
LEFT JOIN usable parent ON parent.event_id = chain.parent_event_id
