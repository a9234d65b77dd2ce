-- Calls per hour, by who made them and what they were: sums of `activity_attribution`, which lists read where their
-- times are full hours. It grows with what is done in an hour, not with calls.
SELECT {hour} AS hour,
       recipient_account_id, aws_region, event_source, event_name, error_code, role_arn, access_path, actor, component,
       cluster, namespace, service_account, pod, pod_uid, node, hops, confidence,
       CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       min(event_id) AS event_id
FROM held_attribution
GROUP BY 1,
         recipient_account_id, aws_region, event_source, event_name, error_code, role_arn, access_path, actor, component,
         cluster, namespace, service_account, pod, pod_uid, node, hops, confidence
