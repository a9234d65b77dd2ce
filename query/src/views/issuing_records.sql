-- Records that issued credentials, or refused to.
SELECT event_date, activity_id, event_id, first_event_time, event_name, error_code, recipient_account_id, aws_region, shared_event_id,
       identity_type, invoked_by, access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider,
       identity_provider, issued_access_key_id, issued_role_arn, issued_session_name, issued_arn, issued_expires_at,
       subject, session_tags
FROM activities
WHERE issued_role_arn IS NOT NULL OR issued_access_key_id IS NOT NULL
