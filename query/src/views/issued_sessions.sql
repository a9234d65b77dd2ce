-- Credentials that a cluster's identities hold: those issued to them, and those they obtained by
-- assuming further roles, to any depth and across accounts. One row per issuing record.
WITH RECURSIVE usable AS (
    SELECT issuances.*,
           CASE WHEN ambiguous_keys.access_key_id IS NULL THEN issued_access_key_id END AS own_key,
           -- A service that calls on behalf of a session has a key of its own; so has a direct call
           -- only where it is another session.
           invoked_by IS NOT NULL OR caller_access_key_id IS NULL OR caller_keys.access_key_id IS NOT NULL AS keyless,
           -- kube2iam names a session <8 hex digits>-<role>, kiam kiam-<text>; both assume roles for
           -- pods with the node role.
           CASE WHEN is_kube2iam_session(issued_session_name, issued_role_arn) THEN 'kube2iam'
                WHEN issued_session_name LIKE 'kiam-%' THEN 'kiam'
           END AS proxied,
           -- Whom a record names that other records are chained to.
           CASE WHEN mechanism IS NULL
                THEN concat_ws('|', caller_arn, caller_access_key_id, CAST(caller_created_at AS VARCHAR), issued_role_arn)
                ELSE concat_ws('|', mechanism, issuer, cluster, namespace, service_account, pod_uid, node, issued_role_arn)
           END AS identity
    FROM issuances
    LEFT JOIN ambiguous_keys ON ambiguous_keys.access_key_id = issuances.issued_access_key_id
    LEFT JOIN ambiguous_keys AS caller_keys ON caller_keys.access_key_id = issuances.caller_access_key_id
),
-- The copy of a chained AssumeRole in the account of the role knows its caller's account only.
possible_parents AS (
    SELECT event_id, own_key, issued_arn, issued_at, identity FROM usable
    WHERE error_code IS NULL AND (mechanism IS NOT NULL OR identity_type IS DISTINCT FROM 'AWSAccount')
),
-- Which earlier record issued the credentials that an AssumeRole was made with: by access key id, else
-- by session ARN and creation date. Where two different identities fit, neither is taken.
parents AS (
    SELECT child.event_id, child.proxied, parent.event_id AS parent_event_id, 1 AS rank, true AS proven, parent.identity
    FROM usable child
    JOIN possible_parents parent ON parent.own_key = child.caller_access_key_id
                      AND parent.issued_arn = child.caller_arn
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id
    UNION ALL
    SELECT child.event_id, child.proxied, parent.event_id, 2, child.keyless, parent.identity
    FROM usable child
    JOIN possible_parents parent ON parent.issued_arn = child.caller_arn
                      AND parent.issued_at = child.caller_created_at
    WHERE child.mechanism IS NULL AND child.event_id <> parent.event_id
),
link AS (
    SELECT event_id, min(proxied) AS proxied, bool_and(proven) AS proven, min(parent_event_id) AS parent_event_id
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
           confidence, inventory_fact, CAST(NULL AS VARCHAR) AS parent_event_id, CAST(0 AS BIGINT) AS hops, event_id AS root_event_id
    FROM usable
    WHERE mechanism IS NOT NULL
    UNION ALL
    -- A chain that begins with a node's session whose delivery the trail does not hold.
    SELECT usable.event_id, coalesce(usable.proxied, 'node_role') AS mechanism, coalesce(node_clusters.cluster, node_role.cluster) AS cluster,
           proxied_pods.namespace, proxied_pods.service_account, proxied_pods.pod, proxied_pods.pod_uid,
           -- kube2iam runs beside the pod, kiam on other nodes.
           CASE WHEN usable.proxied IS DISTINCT FROM 'kiam' THEN usable.caller_session_name END AS node, 'workload' AS actor, NULL AS component,
           CASE WHEN proxied_pods.service_account IS NULL THEN 'unknown' ELSE 'inferred' END AS confidence,
           proxied_pods.proof AS inventory_fact, NULL AS parent_event_id, CAST(CASE WHEN usable.proxied IS NULL THEN 1 ELSE 0 END AS BIGINT) AS hops, usable.event_id AS root_event_id
    FROM usable
    JOIN node_role ON node_role.role_arn = usable.caller_role_arn
    LEFT JOIN node_clusters ON node_clusters.role_arn = usable.caller_role_arn
                           AND node_clusters.node = usable.caller_session_name
    LEFT JOIN link ON link.event_id = usable.event_id
    LEFT JOIN proxied_pods ON proxied_pods.event_id = usable.event_id AND usable.proxied IS NOT NULL
    WHERE usable.mechanism IS NULL AND link.event_id IS NULL AND is_instance_id(usable.caller_session_name)
    UNION ALL
    -- A chain that begins with an IRSA session whose issuing record the trail does not hold.
    SELECT usable.event_id, 'irsa' AS mechanism, coalesce(issuer_clusters.cluster, oidc_issuer(usable.caller_provider)) AS cluster,
           sole.namespace, sole.service_account, NULL AS pod, NULL AS pod_uid,
           NULL AS node, 'workload' AS actor, NULL AS component,
           CASE WHEN sole.service_account IS NULL THEN 'unknown' ELSE 'inferred' END AS confidence,
           CASE WHEN sole.service_account IS NOT NULL THEN concat('only one service account may hold ', usable.caller_role_arn, ': ', sole.proof) END AS inventory_fact,
           NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops, usable.event_id AS root_event_id
    FROM usable
    LEFT JOIN link ON link.event_id = usable.event_id
    LEFT JOIN issuer_clusters ON issuer_clusters.issuer = oidc_issuer(usable.caller_provider)
    -- A role that one service account alone may assume is its.
    LEFT JOIN sole_bindings AS sole ON sole.mechanism = 'irsa' AND sole.role_arn = usable.caller_role_arn
                                   AND sole.cluster = coalesce(issuer_clusters.cluster, oidc_issuer(usable.caller_provider))
    WHERE usable.mechanism IS NULL AND link.event_id IS NULL AND is_eks_issuer(oidc_issuer(usable.caller_provider))
    UNION ALL
    -- A chain that begins with a Pod Identity session whose issuing record the trail does not hold: its
    -- transitive tags name the pod again. Others could set such tags, so that it is not exact.
    SELECT usable.event_id, 'pod_identity' AS mechanism, passed_cluster AS cluster, passed_namespace AS namespace,
           passed_service_account AS service_account, passed_pod AS pod, passed_pod_uid AS pod_uid,
           NULL AS node, 'workload' AS actor, NULL AS component, 'inferred' AS confidence,
           NULL AS inventory_fact, NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops, usable.event_id AS root_event_id
    FROM usable
    LEFT JOIN link ON link.event_id = usable.event_id
    WHERE usable.mechanism IS NULL AND link.event_id IS NULL AND passed_service_account IS NOT NULL
      AND usable.caller_session_name LIKE 'eks-%'
),
chain AS (
    SELECT * FROM start
    UNION ALL
    SELECT link.event_id,
           CASE WHEN chain.mechanism = 'node_role' AND chain.hops = 0 THEN coalesce(link.proxied, 'node_role') ELSE chain.mechanism END,
           chain.cluster, coalesce(chain.namespace, proxied_pods.namespace), coalesce(chain.service_account, proxied_pods.service_account),
           coalesce(chain.pod, proxied_pods.pod), coalesce(chain.pod_uid, proxied_pods.pod_uid),
           CASE WHEN chain.mechanism = 'node_role' AND chain.hops = 0 AND link.proxied = 'kiam' THEN NULL ELSE chain.node END,
           -- What is obtained with a node's own credentials is not proven to be the node's own work.
           CASE WHEN chain.mechanism = 'node_role' THEN 'workload' ELSE chain.actor END,
           CASE WHEN chain.mechanism = 'node_role' THEN NULL ELSE chain.component END,
           CASE WHEN chain.mechanism = 'node_role' THEN CASE WHEN proxied_pods.service_account IS NULL THEN 'unknown' ELSE 'inferred' END
                WHEN chain.confidence = 'exact' AND NOT link.proven THEN 'inferred'
                ELSE chain.confidence
           END,
           coalesce(proxied_pods.proof, chain.inventory_fact),
           link.parent_event_id,
           -- What kube2iam and kiam obtain is the pod's own session.
           CASE WHEN chain.mechanism = 'node_role' AND chain.hops = 0 AND link.proxied IS NOT NULL THEN chain.hops ELSE chain.hops + 1 END,
           -- Who used the node's session is decided for the first record made with it.
           CASE WHEN chain.mechanism = 'node_role' AND chain.hops = 0 THEN link.event_id ELSE chain.root_event_id END
    FROM chain
    JOIN link ON link.parent_event_id = chain.event_id
    LEFT JOIN proxied_pods ON proxied_pods.event_id = link.event_id AND link.proxied IS NOT NULL
                          AND chain.mechanism = 'node_role' AND chain.hops = 0
    WHERE chain.hops < 64
)
SELECT usable.event_id,
       usable.own_key AS access_key_id,
       usable.issued_arn,
       usable.issued_at,
       usable.expires_at,
       usable.error_code,
       chain.mechanism,
       usable.issued_role_arn AS role_arn,
       usable.issued_session_name AS session_name,
       chain.cluster, chain.namespace, chain.service_account, chain.pod, chain.pod_uid, chain.node,
       chain.actor, chain.component, chain.confidence, chain.inventory_fact,
       chain.parent_event_id, chain.root_event_id,
       parent.issued_access_key_id AS parent_access_key_id,
       chain.hops,
       usable.shared_event_id,
       usable.caller_arn,
       concat_ws('|', chain.mechanism, chain.cluster, chain.namespace, chain.service_account, chain.pod_uid,
                 chain.node, usable.issued_role_arn, chain.hops) AS identity
FROM chain
JOIN usable ON usable.event_id = chain.event_id
LEFT JOIN usable parent ON parent.event_id = chain.parent_event_id
