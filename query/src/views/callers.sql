-- With which credentials calls were made: one row per caller, which is all that a record says of them. They grow with
-- sessions, not with calls, so that what is known of a caller is worked out here once, and not for each of its calls. imds_v1: its credentials were delivered
-- by version 1 of the instance metadata service.
SELECT caller_id(access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by) AS caller_id,
       access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by,
       calls, first_event_time, last_event_time, event_id, imds_v1
FROM (
    SELECT access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by,
           CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
           min(event_id) AS event_id, bool_or(imds_v1) AS imds_v1
    FROM daily_callers
    GROUP BY access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by
)
