-- What a day's copies of AssumeRole in the account of the role are copies of, and what is known of those without an original.
SELECT records.event_date, records.event_id AS record, copied.event_id, copied.caller_arn IS NOT NULL AS has_caller,
       copied.mechanism, copied.cluster, copied.namespace, copied.service_account, copied.pod, copied.pod_uid, copied.node,
       copied.actor, copied.component, copied.confidence, copied.hops
FROM issuing_records AS records
JOIN issued_sessions AS copied ON copied.shared_event_id = records.shared_event_id
WHERE records.event_date IS NOT NULL AND records.identity_type = 'AWSAccount'
UNION ALL
SELECT records.event_date, records.event_id AS record, copied.event_id, copied.caller_arn IS NOT NULL AS has_caller,
       copied.mechanism, copied.cluster, copied.namespace, copied.service_account, copied.pod, copied.pod_uid, copied.node,
       copied.actor, copied.component, copied.confidence, copied.hops
FROM issuing_records AS records
JOIN issued_sessions AS copied ON copied.event_id = records.event_id
WHERE records.event_date IS NOT NULL AND records.identity_type = 'AWSAccount'
