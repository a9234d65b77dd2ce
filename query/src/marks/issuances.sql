-- Whom a day's records that issued credentials name by themselves.
SELECT records.event_date, naming.event_id, naming.mechanism, naming.cluster, naming.namespace, naming.service_account,
       naming.pod, naming.pod_uid, naming.node, naming.actor, naming.component, naming.confidence
FROM issuing_records AS records
JOIN issuances AS naming ON naming.event_id = records.event_id
WHERE records.event_date IS NOT NULL AND naming.mechanism IS NOT NULL
