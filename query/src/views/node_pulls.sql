-- Quarters of an hour in which a node pulled images: the registry calls are made by ECR itself with the
-- node's identity. A bare GetAuthorizationToken in the same quarter belongs to the pull. Numbered from 1970 on.
SELECT DISTINCT session_issuer_arn AS role_arn, session_name AS node,
       arrow_cast(first_event_time, 'Int64') / 900000000 AS quarter
FROM activities
WHERE event_source = 'ecr.amazonaws.com'
  AND event_name IN ('BatchGetImage', 'GetDownloadUrlForLayer', 'BatchCheckLayerAvailability')
  AND user_agent = 'AWS Internal'
  AND is_instance_id(session_name)
