-- Activities that no identity of a cluster made, with what is known of who made them. Read over all their grounds (view
-- unattributed_activities), and as kept views read them (view held_unattributed).
SELECT CASE
           WHEN identity_type = 'AWSService' THEN 'aws_service'
           WHEN identity_type = 'Root' THEN 'root_user'
           WHEN identity_type = 'IAMUser' THEN 'iam_user'
           WHEN identity_type = 'WebIdentityUser' OR event_name = 'AssumeRoleWithWebIdentity' THEN 'other_web_identity'
           WHEN identity_type = 'SAMLUser' OR event_name = 'AssumeRoleWithSAML' THEN 'saml_user'
           WHEN identity_type = 'AssumedRole' AND is_instance_id(session_name) THEN 'instance_of_no_known_cluster'
           WHEN identity_type = 'AssumedRole' AND session_created_at < span.begin_time THEN 'session_older_than_store'
           WHEN identity_type = 'AssumedRole' THEN 'role_session_of_no_known_workload'
           WHEN identity_type IS NULL THEN 'no_identity'
           ELSE 'other_identity'
       END AS reason,
       recipient_account_id, aws_region, calls, first_event_time, last_event_time, event_id
FROM {grounds}
LEFT JOIN (SELECT recipient_account_id AS account_id, min(first_event_time) AS begin_time FROM trail_days GROUP BY recipient_account_id) AS span
       ON span.account_id = recipient_account_id
WHERE ground IS NULL
