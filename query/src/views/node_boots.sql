-- First credentials that EC2 delivered to an instance: its boot, where the trail shows an hour before it
-- without a sign of the node. A kubelet authenticates every quarter of an hour, so that a node that was up
-- already shows itself; else a mere refresh of the credentials would pass for a boot. The record of the
-- instance's launch shows as much.
WITH delivered AS (
    SELECT issued_role_arn AS role_arn, issued_session_name AS node, recipient_account_id, aws_region,
           min(issued_at) AS booted_at
    FROM issuances
    WHERE mechanism = 'node_role'
    GROUP BY issued_role_arn, issued_session_name, recipient_account_id, aws_region
),
trail AS (
    SELECT recipient_account_id, aws_region, min(first_event_time) AS begin_time
    FROM trail_days GROUP BY recipient_account_id, aws_region
),
launched AS (
    SELECT json_text(item, 'instanceId') AS node, min(first_event_time) AS launched_at
    FROM (SELECT first_event_time, unnest(json_list(inventory_facts, 'response', 'instancesSet', 'items')) AS item
          FROM telling_records WHERE event_name = 'RunInstances')
    GROUP BY json_text(item, 'instanceId')
),
shown AS (
    SELECT session_issuer_arn AS role_arn, session_name AS node,
           min(first_event_time) AS first_call, min(session_created_at) AS first_session
    FROM callers WHERE session_issuer_arn IS NOT NULL AND is_instance_id(session_name)
    GROUP BY session_issuer_arn, session_name
)
SELECT delivered.role_arn, delivered.node, min(booted_at) AS booted_at
FROM delivered
JOIN trail ON trail.recipient_account_id = delivered.recipient_account_id AND trail.aws_region = delivered.aws_region
LEFT JOIN launched ON launched.node = delivered.node
LEFT JOIN shown ON shown.role_arn = delivered.role_arn AND shown.node = delivered.node
WHERE (trail.begin_time <= booted_at - INTERVAL '1 hour'
       OR booted_at BETWEEN launched.launched_at AND launched.launched_at + INTERVAL '20 minutes')
  AND coalesce(arrow_cast(shown.first_call, 'Int64') >= arrow_cast(booted_at, 'Int64') / 300000000 * 300000000, true)
  AND coalesce(shown.first_session >= booted_at - INTERVAL '1 minute', true)
GROUP BY delivered.role_arn, delivered.node
