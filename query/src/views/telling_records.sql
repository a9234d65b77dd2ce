-- Records that tell what exists, and since when: launches, associations and the like.
SELECT event_date, event_id, first_event_time, recipient_account_id, aws_region, event_name, session_issuer_arn, inventory_facts
FROM activities
WHERE inventory_facts IS NOT NULL
