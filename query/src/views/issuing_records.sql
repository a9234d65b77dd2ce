-- Records that issued credentials, or refused to.
SELECT event_date, activity_id, event_id, first_event_time, event_name, error_code, recipient_account_id, aws_region, shared_event_id,
       identity_type, invoked_by, principal_id, access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider,
       identity_provider, issued_access_key_id, issued_role_arn, issued_session_name, issued_arn, issued_expires_at,
       subject,
       -- What EKS Pod Identity says of its pod, read once here: to read JSON costs more than all else that is done with a record.
       json_text(session_tags, 'tags', 'eks-cluster-name') AS tag_cluster,
       json_text(session_tags, 'tags', 'eks-cluster-arn') AS tag_arn,
       json_text(session_tags, 'tags', 'kubernetes-namespace') AS tag_namespace,
       json_text(session_tags, 'tags', 'kubernetes-service-account') AS tag_service_account,
       json_text(session_tags, 'tags', 'kubernetes-pod-name') AS tag_pod,
       json_text(session_tags, 'tags', 'kubernetes-pod-uid') AS tag_pod_uid,
       json_text(session_tags, 'incoming_transitive_tags', 'eks-cluster-name') AS passed_name,
       json_text(session_tags, 'incoming_transitive_tags', 'eks-cluster-arn') AS passed_arn,
       json_text(session_tags, 'incoming_transitive_tags', 'kubernetes-namespace') AS passed_namespace,
       json_text(session_tags, 'incoming_transitive_tags', 'kubernetes-service-account') AS passed_service_account,
       json_text(session_tags, 'incoming_transitive_tags', 'kubernetes-pod-name') AS passed_pod,
       json_text(session_tags, 'incoming_transitive_tags', 'kubernetes-pod-uid') AS passed_pod_uid,
       json_text(session_tags, 'external_id') AS external_id
FROM activities
WHERE issued_role_arn IS NOT NULL OR issued_access_key_id IS NOT NULL
