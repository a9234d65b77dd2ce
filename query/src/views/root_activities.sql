-- Records that issued credentials, each with the activity it is.
SELECT event_id, min(activity_id) AS activity_id
FROM issuing_records
GROUP BY event_id
