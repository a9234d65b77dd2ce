-- Quarters of an hour in which a node pulled images. A bare GetAuthorizationToken in the same quarter belongs to the pull.
SELECT DISTINCT role_arn, session_name AS node, quarter
FROM daily_signs
WHERE sign = 'image_pull'
