-- Issuances, with what chains of them are followed by: keys that are identities, and with whose session each was made.
SELECT issuances.*,
       lone.session_arn AS lone_arn,
       -- With whose session the record was made.
       coalesce(issuances.caller_role_arn, lone.role_arn) AS holder_role_arn,
       coalesce(issuances.caller_session_name, lone.session_name) AS holder_session_name,
       coalesce(issuances.caller_provider, lone.federated_provider) AS holder_provider,
       CASE WHEN ambiguous_keys.access_key_id IS NULL THEN issued_access_key_id END AS own_key,
       -- A service that calls on behalf of a session has a key of its own; so has a direct call
       -- only where it is another session.
       invoked_by IS NOT NULL OR caller_access_key_id IS NULL OR caller_keys.access_key_id IS NOT NULL AS keyless,
       -- kube2iam names a session <8 hex digits>-<role>, kiam kiam-<text>; both assume roles for
       -- pods with the node role.
       CASE WHEN is_kube2iam_session(issued_session_name, issued_role_arn) THEN 'kube2iam'
            WHEN issued_session_name LIKE 'kiam-%' THEN 'kiam'
       END AS proxied,
       -- Whom a record names that other records are chained to.
       CASE WHEN mechanism IS NULL
            THEN concat_ws('|', coalesce(caller_arn, lone.session_arn), caller_access_key_id, CAST(caller_created_at AS VARCHAR), issued_role_arn)
            ELSE concat_ws('|', mechanism, issuer, cluster, namespace, service_account, pod_uid, node, issued_role_arn)
       END AS identity
FROM issuances
LEFT JOIN ambiguous_keys ON ambiguous_keys.access_key_id = issuances.issued_access_key_id
LEFT JOIN ambiguous_keys AS caller_keys ON caller_keys.access_key_id = issuances.caller_access_key_id
LEFT JOIN lone_copies AS lone ON lone.event_id = issuances.event_id
