-- Which workload used which role, by which access path.
SELECT * FROM (
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
FROM {attribution}
WHERE actor = 'workload' AND access_path <> 'node_role'
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
  AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($access_path IS NULL OR access_path = $access_path)
GROUP BY cluster, namespace, service_account, access_path, role_arn
)
WHERE ($confidence IS NULL OR confidence = $confidence)
ORDER BY cluster, namespace, service_account, access_path, role_arn
