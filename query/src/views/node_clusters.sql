-- The cluster of a node role's instance: what the instance itself has shown, its tags at launch, and the
-- inventory of nodes. One row per instance, or hybrid node; none is taken where they contradict each other.
SELECT role_arn, node,
       CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster,
       min(event_id) AS event_id
FROM (
    SELECT signs.role_arn, session_name AS node, cluster, event_id
    FROM placed_signs AS signs
    LEFT JOIN hybrid_sessions AS hybrid ON hybrid.role_arn = signs.role_arn AND hybrid.node = signs.session_name
    WHERE signs.role_arn IS NOT NULL AND cluster IS NOT NULL AND (is_instance_id(session_name) OR hybrid.node IS NOT NULL)
    UNION ALL
    -- The name of a node is its own in a cluster only.
    SELECT hybrid.role_arn, hybrid.node, nodes.cluster, NULL
    FROM hybrid_sessions AS hybrid
    JOIN node_roles ON node_roles.role_arn = hybrid.role_arn
    JOIN nodes ON nodes.cluster = node_roles.cluster AND nodes.instance_id = hybrid.node
    UNION ALL
    SELECT session_issuer_arn, session_name, known.cluster, NULL
    FROM (SELECT DISTINCT session_issuer_arn, session_name FROM callers
          WHERE session_issuer_arn IS NOT NULL AND is_instance_id(session_name)) AS acting
    JOIN (SELECT instance_id, cluster FROM instances WHERE cluster IS NOT NULL
          UNION ALL
          SELECT instance_id, cluster FROM nodes WHERE instance_id IS NOT NULL) AS known
      ON known.instance_id = acting.session_name
)
GROUP BY role_arn, node
