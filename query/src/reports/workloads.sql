-- Which workload used which role, by which access path.
SELECT cluster, namespace, service_account, access_path, role_arn, max(hops) AS hops,
       CASE WHEN bool_and(confidence = 'exact') THEN 'exact'
            WHEN bool_or(confidence = 'unknown') THEN 'unknown'
            WHEN bool_or(confidence = 'candidate') THEN 'candidate'
            ELSE 'inferred' END AS confidence,
       count(DISTINCT pod_uid) AS pods,
       CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied,
       count(DISTINCT concat(event_source, ':', event_name)) AS actions,
       min(first_event_time) AS first_seen,
       max(last_event_time) AS last_seen
FROM activity_attribution
WHERE actor = 'workload' AND access_path <> 'node_role'
GROUP BY cluster, namespace, service_account, access_path, role_arn
ORDER BY cluster, namespace, service_account, access_path, role_arn
