-- Pods that fall back to their node's role: who, why, and what to do.
SELECT cluster, namespace, service_account, coalesce(workload, component, '(unknown pod)') AS workload,
       -- The first of many; the view has all.
       CASE WHEN array_length(string_to_array(pods, ' ')) > 3
            THEN concat(array_to_string(array_slice(string_to_array(pods, ' '), 1, 3), ' '), ' and ', CAST(array_length(string_to_array(pods, ' ')) - 3 AS VARCHAR), ' more')
            ELSE pods END AS pods,
       confidence,
       CAST(round(score, 2) AS DOUBLE) AS score, candidates_text(candidates) AS candidates, cause, calls, denied, actions, role_arn,
       array_length(string_to_array(nodes, ' ')) AS nodes, first_seen, last_seen,
       json_text(fix, 'summary') AS fix, id
FROM fallbacks
WHERE ($from IS NULL OR last_seen >= $from) AND ($to IS NULL OR first_seen < $to)
  AND ($account IS NULL OR account_id = $account) AND ($region IS NULL OR aws_region = $region) AND ($cluster IS NULL OR cluster = $cluster OR cluster LIKE 'arn:%' AND cluster_name(cluster) = $cluster) AND ($namespace IS NULL OR namespace = $namespace)
  AND ($service_account IS NULL OR service_account = $service_account) AND ($role_arn IS NULL OR role_arn = $role_arn) AND ($confidence IS NULL OR confidence = $confidence) AND ($id IS NULL OR id = $id)
ORDER BY cluster, calls DESC, namespace, workload, id
