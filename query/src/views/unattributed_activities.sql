-- Activities that no identity of a cluster made, with what is known of who made them.
SELECT CASE
           WHEN activities.identity_type = 'AWSService' THEN 'aws_service'
           WHEN activities.identity_type = 'Root' THEN 'root_user'
           WHEN activities.identity_type = 'IAMUser' THEN 'iam_user'
           WHEN activities.identity_type = 'WebIdentityUser' OR activities.event_name = 'AssumeRoleWithWebIdentity' THEN 'other_web_identity'
           WHEN activities.identity_type = 'SAMLUser' OR activities.event_name = 'AssumeRoleWithSAML' THEN 'saml_user'
           WHEN activities.identity_type = 'AssumedRole' AND is_instance_id(activities.session_name) THEN 'instance_of_no_known_cluster'
           WHEN activities.identity_type = 'AssumedRole' AND activities.session_created_at < span.begin_time THEN 'session_older_than_store'
           WHEN activities.identity_type = 'AssumedRole' THEN 'role_session_of_no_known_workload'
           WHEN activities.identity_type IS NULL THEN 'no_identity'
           ELSE 'other_identity'
       END AS reason,
       activities.recipient_account_id, activities.aws_region, activities.calls, activities.first_event_time, activities.last_event_time,
       activities.event_id
FROM activities
CROSS JOIN (SELECT min(first_event_time) AS begin_time FROM trail_days) AS span
LEFT JOIN (SELECT DISTINCT activity_id FROM activity_attribution) AS attributed ON attributed.activity_id = activities.activity_id
WHERE attributed.activity_id IS NULL
