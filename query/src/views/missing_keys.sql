-- Access keys of IRSA and EKS Pod Identity sessions whose issuing record the store lacks: what `podtrail ingest
-- lookup://REGION --backfill` asks LookupEvents for.
SELECT calls.access_key_id, calls.recipient_account_id, calls.aws_region, calls.session_issuer_arn AS role_arn,
       min(calls.session_created_at) AS issued_at, min(calls.first_event_time) AS first_seen, max(calls.last_event_time) AS last_seen,
       CAST(sum(calls.calls) AS BIGINT) AS calls
FROM daily_callers AS calls
LEFT JOIN (SELECT DISTINCT issued_access_key_id FROM issuances WHERE issued_access_key_id IS NOT NULL) AS issued
       ON issued.issued_access_key_id = calls.access_key_id
WHERE calls.access_key_id LIKE 'ASIA%' AND calls.invoked_by IS NULL AND calls.session_issuer_arn IS NOT NULL
  AND (is_eks_issuer(oidc_issuer(calls.federated_provider)) OR is_pod_identity_session(calls.session_name))
  AND issued.issued_access_key_id IS NULL
GROUP BY calls.access_key_id, calls.recipient_account_id, calls.aws_region, calls.session_issuer_arn
