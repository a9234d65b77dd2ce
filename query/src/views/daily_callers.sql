-- Callers (see `callers`) and their calls by day, account and region. role_id: the unique id of the role (AROA…), which copies of
-- records in other accounts name.
SELECT event_date, recipient_account_id, aws_region,
       access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by,
       CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       min(event_id) AS event_id,
       min(CASE WHEN identity_type = 'AssumedRole' THEN split_part(principal_id, ':', 1) END) AS role_id,
       bool_or(event_category = 'Data') AS data_events, bool_or(ec2_role_delivery = '1.0') AS imds_v1
FROM activities
GROUP BY event_date, recipient_account_id, aws_region,
         access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by
