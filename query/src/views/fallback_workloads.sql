-- Calls with a node's role that a pod made, by the workload that the inventory tells: one row per cluster, node
-- role and workload; where none is told, per cluster, node role and program. An activity may be several rows: what is taken
-- of one of them is the same for all (times by the five minutes of an activity).
SELECT calls.cluster, calls.role_arn, split_part(calls.role_arn, ':', 5) AS account_id, min(calls.aws_region) AS aws_region,
       calls.namespace, calls.service_account, calls.workload, calls.program,
       max(calls.component) AS component,
       CASE WHEN bool_and(calls.confidence = 'exact') THEN 'exact'
            WHEN bool_and(calls.confidence IN ('exact', 'inferred')) THEN 'inferred'
            WHEN calls.service_account IS NOT NULL THEN 'candidate'
            ELSE 'unknown' END AS confidence,
       CAST(sum(calls.score * calls.calls) / sum(calls.calls) AS DOUBLE) AS score,
       candidates_told(last_value(calls.candidates ORDER BY calls.score, arrow_cast(calls.first_event_time, 'Int64') / 300000000, calls.activity_id) FILTER (WHERE calls.candidates IS NOT NULL)) AS candidates,
       min(calls.first_event_time) AS first_seen, max(calls.last_event_time) AS last_seen,
       CAST(sum(calls.calls) AS BIGINT) AS calls,
       CAST(sum(CASE WHEN is_denied(calls.error_code) THEN calls.calls ELSE 0 END) AS BIGINT) AS denied,
       array_to_string(array_sort(array_agg(DISTINCT concat(replace(calls.event_source, '.amazonaws.com', ''), ':', calls.event_name)) FILTER (WHERE concat(replace(calls.event_source, '.amazonaws.com', ''), ':', calls.event_name) IS NOT NULL)), ' ') AS actions,
       -- What it did with roles that it assumed is those roles' business.
       seen_calls(calls.event_source, calls.event_name, calls.error_code, calls.event_category, calls.aws_region, calls.recipient_account_id, calls.resource) FILTER (WHERE calls.hops = 0) AS seen_calls,
       array_to_string(array_sort(array_agg(DISTINCT calls.node) FILTER (WHERE calls.node IS NOT NULL)), ' ') AS nodes,
       array_to_string(array_sort(array_agg(DISTINCT calls.pod) FILTER (WHERE calls.pod IS NOT NULL)), ' ') AS pods,
       array_to_string(array_sort(array_agg(DISTINCT user_agent_program(calls.user_agent)) FILTER (WHERE user_agent_program(calls.user_agent) IS NOT NULL)), chr(10)) AS user_agents,
       min(calls.event_id) AS event_id
FROM fallback_activities AS calls
GROUP BY calls.cluster, calls.role_arn, calls.namespace, calls.service_account, calls.workload, calls.program
