-- Which workload used which role for which service. Names are null where the workload is not known.
SELECT cluster, namespace, service_account, access_path, role_arn, event_source,
       CAST(sum(calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied
FROM {attribution}
WHERE actor = 'workload'
  AND ($from IS NULL OR first_event_time >= $from) AND ($to IS NULL OR first_event_time < $to)
  AND ($account IS NULL OR recipient_account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster)
  AND ($namespace IS NULL OR namespace = $namespace) AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($access_path IS NULL OR access_path = $access_path)
  AND ($confidence IS NULL OR confidence = $confidence) AND ($event_source IS NULL OR event_source = $event_source)
GROUP BY cluster, namespace, service_account, access_path, role_arn, event_source
ORDER BY calls DESC, cluster, namespace, service_account, access_path, role_arn, event_source
