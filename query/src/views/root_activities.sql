-- Records that issued credentials, each with the activity it is.
SELECT event_id, min(activity_id) AS activity_id
FROM activities
WHERE issued_role_arn IS NOT NULL OR issued_access_key_id IS NOT NULL
GROUP BY event_id
