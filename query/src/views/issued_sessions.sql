-- Credentials that a cluster's identities hold: those issued to them, and those they obtained by
-- assuming further roles, to any depth and across accounts. One row per issuing record.
WITH RECURSIVE node_role AS (
    SELECT role_arn, min(confidence) AS confidence,
           CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster
    FROM node_roles GROUP BY role_arn
),
start AS (
    SELECT event_id, mechanism, cluster, namespace, service_account, pod, pod_uid, node, actor, component,
           confidence, inventory_fact, CAST(NULL AS VARCHAR) AS parent_event_id, CAST(0 AS BIGINT) AS hops, event_id AS root_event_id,
           -- Why the first session of the chain is not known: the record that issued it is not in the store, or several fit.
           CAST(NULL AS VARCHAR) AS gap
    FROM usable_issuances AS usable
    WHERE mechanism IS NOT NULL
    UNION ALL
    -- A chain that begins with a node's session whose delivery the trail does not hold.
    SELECT usable.event_id, coalesce(usable.proxied, 'node_role') AS mechanism, coalesce(node_clusters.cluster, node_role.cluster) AS cluster,
           proxied_pods.namespace, proxied_pods.service_account, proxied_pods.pod, proxied_pods.pod_uid,
           -- kube2iam runs beside the pod, kiam on other nodes.
           CASE WHEN usable.proxied IS DISTINCT FROM 'kiam' THEN usable.holder_session_name END AS node, 'workload' AS actor, NULL AS component,
           CASE WHEN proxied_pods.service_account IS NULL THEN 'unknown' ELSE 'inferred' END AS confidence,
           proxied_pods.proof AS inventory_fact, NULL AS parent_event_id, CAST(CASE WHEN usable.proxied IS NULL THEN 1 ELSE 0 END AS BIGINT) AS hops, usable.event_id AS root_event_id,
           CAST(NULL AS VARCHAR) AS gap
    FROM usable_issuances AS usable
    JOIN node_role ON node_role.role_arn = usable.holder_role_arn
    LEFT JOIN node_clusters ON node_clusters.role_arn = usable.holder_role_arn
                           AND node_clusters.node = usable.holder_session_name
    LEFT JOIN chain_links AS link ON link.event_id = usable.event_id
    LEFT JOIN proxied_pods ON proxied_pods.event_id = usable.event_id AND usable.proxied IS NOT NULL
    WHERE usable.mechanism IS NULL AND link.parent_event_id IS NULL AND is_instance_id(usable.holder_session_name) AND usable.holder_provider IS NULL
    UNION ALL
    -- A chain that begins with an IRSA session whose issuing record the trail does not hold.
    SELECT usable.event_id, 'irsa' AS mechanism, coalesce(issuer_clusters.cluster, oidc_issuer(usable.holder_provider)) AS cluster,
           sole.namespace, sole.service_account, NULL AS pod, NULL AS pod_uid,
           NULL AS node, 'workload' AS actor, NULL AS component,
           CASE WHEN sole.service_account IS NULL THEN 'unknown' ELSE 'inferred' END AS confidence,
           CASE WHEN sole.service_account IS NOT NULL THEN concat('only one service account may hold ', usable.holder_role_arn, ': ', sole.proof) END AS inventory_fact,
           NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops, usable.event_id AS root_event_id, CASE WHEN link.event_id IS NULL THEN 'unissued' ELSE 'several' END AS gap
    FROM usable_issuances AS usable
    LEFT JOIN chain_links AS link ON link.event_id = usable.event_id
    LEFT JOIN issuer_clusters ON issuer_clusters.issuer = oidc_issuer(usable.holder_provider)
    -- A role that one service account alone may assume is its; not where sessions of several are known.
    LEFT JOIN sole_bindings AS sole ON sole.mechanism = 'irsa' AND sole.role_arn = usable.holder_role_arn AND link.event_id IS NULL
                                   AND sole.cluster = coalesce(issuer_clusters.cluster, oidc_issuer(usable.holder_provider))
    WHERE usable.mechanism IS NULL AND link.parent_event_id IS NULL AND is_eks_issuer(oidc_issuer(usable.holder_provider))
    UNION ALL
    -- A chain that begins with a Pod Identity session whose issuing record the trail does not hold: its
    -- transitive tags name the pod again. Others could set such tags, so that it is not exact.
    SELECT usable.event_id, 'pod_identity' AS mechanism, passed_cluster AS cluster, passed_namespace AS namespace,
           passed_service_account AS service_account, passed_pod AS pod, passed_pod_uid AS pod_uid,
           NULL AS node, 'workload' AS actor, NULL AS component, 'inferred' AS confidence,
           NULL AS inventory_fact, NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops, usable.event_id AS root_event_id, CASE WHEN link.event_id IS NULL THEN 'unissued' ELSE 'several' END AS gap
    FROM usable_issuances AS usable
    LEFT JOIN chain_links AS link ON link.event_id = usable.event_id
    WHERE usable.mechanism IS NULL AND link.parent_event_id IS NULL AND passed_service_account IS NOT NULL
      AND usable.holder_session_name LIKE 'eks-%' AND usable.holder_provider IS NULL
    UNION ALL
    -- The same without such tags: the role and the form of the session's name tell that it is of EKS Pod Identity.
    SELECT usable.event_id, 'pod_identity' AS mechanism, CASE WHEN sole.service_account IS NULL THEN pod_role.cluster ELSE sole.cluster END AS cluster,
           sole.namespace, sole.service_account, NULL AS pod, NULL AS pod_uid, NULL AS node, 'workload' AS actor, NULL AS component,
           CASE WHEN sole.service_account IS NULL THEN 'unknown' ELSE 'inferred' END AS confidence,
           CASE WHEN sole.service_account IS NOT NULL THEN concat('only one service account may hold ', usable.holder_role_arn, ': ', sole.proof) END AS inventory_fact,
           NULL AS parent_event_id, CAST(1 AS BIGINT) AS hops, usable.event_id AS root_event_id, CASE WHEN link.event_id IS NULL THEN 'unissued' ELSE 'several' END AS gap
    FROM usable_issuances AS usable
    JOIN pod_identity_roles AS pod_role ON pod_role.role_arn = usable.holder_role_arn
    LEFT JOIN chain_links AS link ON link.event_id = usable.event_id
    LEFT JOIN sole_bindings AS sole ON sole.mechanism = 'pod_identity' AND sole.role_arn = usable.holder_role_arn AND link.event_id IS NULL
    WHERE usable.mechanism IS NULL AND link.parent_event_id IS NULL AND passed_service_account IS NULL
      AND is_pod_identity_session(usable.holder_session_name) AND usable.holder_provider IS NULL
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
           CASE WHEN chain.mechanism = 'node_role' AND chain.hops = 0 THEN link.event_id ELSE chain.root_event_id END,
           chain.gap
    FROM chain
    JOIN chain_links AS link ON link.parent_event_id = chain.event_id
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
       chain.parent_event_id, chain.root_event_id, chain.gap,
       usable.lone_arn IS NOT NULL AS by_principal,
       parent.issued_access_key_id AS parent_access_key_id,
       chain.hops,
       usable.shared_event_id,
       usable.caller_arn,
       concat_ws('|', chain.mechanism, chain.cluster, chain.namespace, chain.service_account, chain.pod_uid,
                 chain.node, usable.issued_role_arn, chain.hops) AS identity
FROM chain
JOIN usable_issuances AS usable ON usable.event_id = chain.event_id
LEFT JOIN issuances AS parent ON parent.event_id = chain.parent_event_id
