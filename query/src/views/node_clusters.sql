-- The cluster of a node role's instance: what the instance itself has shown, its tags at launch, and the
-- inventory of nodes. One row per instance; none is taken where they contradict each other.
SELECT role_arn, node,
       CASE WHEN count(DISTINCT cluster) = 1 THEN min(cluster) END AS cluster,
       min(event_id) AS event_id
FROM (
    SELECT role_arn, session_name AS node, cluster, event_id
    FROM daily_signs
    WHERE role_arn IS NOT NULL AND is_instance_id(session_name) AND cluster IS NOT NULL
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
