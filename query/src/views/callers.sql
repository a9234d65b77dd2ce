-- With which credentials calls were made: one row per caller, which is all that a record says of them. They grow with
-- sessions, not with calls, so that what is known of a caller is worked out here once, and not for each of its calls.
SELECT caller_id(access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by) AS caller_id,
       access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by,
       calls, first_event_time, last_event_time, event_id
FROM (
    SELECT access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by,
           CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
           min(event_id) AS event_id
    FROM daily_callers
    GROUP BY access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by
)
