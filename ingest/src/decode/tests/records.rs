//! The columns of whole records.

use super::*;

fn shown(json: &str) -> String {
    let (_, found) = run(json);
    assert_eq!(
        (found.ids.len(), found.rejects.len()),
        (1, 0),
        "{:?}",
        found.rejects
    );
    found.shown[0].clone()
}

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

#[test]
fn irsa_mint() {
    insta::assert_snapshot!(shown(&format!(r#"{{"eventVersion":"1.08","userIdentity":{{"type":"WebIdentityUser","principalId":"{PROVIDER}:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"{PROVIDER}"}},"eventTime":"2026-03-13T08:35:33Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-sdk-go/1.44.322 (go1.19.12; linux; amd64)","requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/eks/cart","roleSessionName":"1710318933000000000","durationSeconds":3600}},"responseElements":{{"credentials":{{"accessKeyId":"ASIAEXAMPLE1","sessionToken":"REDACTED","expiration":"Mar 13, 2026, 9:35:33 AM"}},"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","assumedRoleUser":{{"assumedRoleId":"AROAEXAMPLE:1710318933000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1710318933000000000"}},"provider":"{PROVIDER}","audience":"sts.amazonaws.com"}},"requestID":"r1","eventID":"e1","readOnly":true,"resources":[{{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/eks/cart"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3"}}}}"#)), @r##"
    event_id: e1
    event_time: 1773390933000000
    event_version: 1.08
    event_source: sts.amazonaws.com
    event_name: AssumeRoleWithWebIdentity
    event_type: AwsApiCall
    event_category: Management
    aws_region: eu-west-1
    recipient_account_id: 111122223333
    source_ip_address: 192.0.2.7
    user_agent: aws-sdk-go/1.44.322 (go1.19.12; linux; amd64)
    read_only: true
    management_event: true
    request_id: r1
    identity_type: WebIdentityUser
    principal_id: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sts.amazonaws.com:system:serviceaccount:shop:cart
    user_name: system:serviceaccount:shop:cart
    identity_provider: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF
    issued_access_key_id: ASIAEXAMPLE1
    issued_role_arn: arn:aws:iam::111122223333:role/eks/cart
    issued_session_name: 1710318933000000000
    issued_arn: arn:aws:sts::111122223333:assumed-role/cart/1710318933000000000
    issued_expires_at: 1773394533000000
    subject: system:serviceaccount:shop:cart
    audience: sts.amazonaws.com
    resources: [{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/eks/cart"}]
    request_parameters: {"roleArn":"arn:aws:iam::111122223333:role/eks/cart","roleSessionName":"1710318933000000000","durationSeconds":3600}
    response_elements: {"credentials":{"accessKeyId":"ASIAEXAMPLE1","expiration":"Mar 13, 2026, 9:35:33 AM"},"subjectFromWebIdentityToken":"system:serviceaccount:shop:cart","assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:1710318933000000000","arn":"arn:aws:sts::111122223333:assumed-role/cart/1710318933000000000"},"provider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF","audience":"sts.amazonaws.com"}
    extra: {"tlsDetails":{"tlsVersion":"TLSv1.3"}}
    duration_seconds: 3600
    requested_role_arn: arn:aws:iam::111122223333:role/eks/cart
    requested_session_name: 1710318933000000000
    "##);
}

#[test]
fn irsa_denied() {
    insta::assert_snapshot!(shown(&format!(r#"{{"eventVersion":"1.08","userIdentity":{{"type":"WebIdentityUser","principalId":"{PROVIDER}:sts.amazonaws.com:system:serviceaccount:shop:cart","userName":"system:serviceaccount:shop:cart","identityProvider":"{PROVIDER}"}},"eventTime":"2026-03-13T08:35:33Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","errorCode":"AccessDenied","errorMessage":"An unknown error occurred","requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"s"}},"responseElements":null,"eventID":"e2"}}"#)), @r##"
    event_id: e2
    event_time: 1773390933000000
    event_version: 1.08
    event_source: sts.amazonaws.com
    event_name: AssumeRoleWithWebIdentity
    error_code: AccessDenied
    error_message: An unknown error occurred
    identity_type: WebIdentityUser
    principal_id: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sts.amazonaws.com:system:serviceaccount:shop:cart
    user_name: system:serviceaccount:shop:cart
    identity_provider: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF
    issued_role_arn: arn:aws:iam::111122223333:role/cart
    issued_session_name: s
    subject: system:serviceaccount:shop:cart
    audience: sts.amazonaws.com
    request_parameters: {"roleArn":"arn:aws:iam::111122223333:role/cart","roleSessionName":"s"}
    requested_role_arn: arn:aws:iam::111122223333:role/cart
    requested_session_name: s
    "##);
}

#[test]
fn pod_identity_pair() {
    insta::assert_snapshot!(shown(r#"{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROANODE:i-0abc","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0abc","accountId":"111122223333","accessKeyId":"ASIANODE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROANODE","arn":"arn:aws:iam::111122223333:role/node","accountId":"111122223333","userName":"node"},"attributes":{"creationDate":"2026-03-13T08:00:00Z","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"}},"eventTime":"2026-03-13T08:35:33Z","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","requestParameters":{"clusterName":"prod","token":"HIDDEN_DUE_TO_SECURITY_REASONS"},"responseElements":null,"eventID":"e3"}"#), @r##"
    event_id: e3
    event_time: 1773390933000000
    event_version: 1.09
    event_source: eks-auth.amazonaws.com
    event_name: AssumeRoleForPodIdentity
    identity_type: AssumedRole
    principal_id: AROANODE:i-0abc
    identity_arn: arn:aws:sts::111122223333:assumed-role/node/i-0abc
    account_id: 111122223333
    access_key_id: ASIANODE
    session_issuer_arn: arn:aws:iam::111122223333:role/node
    session_issuer_id: AROANODE
    session_name: i-0abc
    session_created_at: 1773388800000000
    ec2_role_delivery: 2.0
    request_parameters: {"clusterName":"prod","token":"HIDDEN_DUE_TO_SECURITY_REASONS"}
    user_identity_extra: {"sessionContext":{"sessionIssuer":{"type":"Role","accountId":"111122223333","userName":"node"},"attributes":{"mfaAuthenticated":"false"}}}
    cluster_hint: prod
    "##);
    insta::assert_snapshot!(shown(r#"{"eventVersion":"1.08","userIdentity":{"type":"AWSService","invokedBy":"pods.eks.amazonaws.com"},"eventTime":"2026-03-13T08:35:33Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","sourceIPAddress":"pods.eks.amazonaws.com","userAgent":"pods.eks.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/app","roleSessionName":"eks-prod-app-1-d1861451-6ee5-4069-ae5d-741cbb99692a","durationSeconds":21600,"externalId":"eu-west-1/111122223333/prod/shop/cart","tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/prod"},{"value":"prod","key":"eks-cluster-name"},{"key":"kubernetes-namespace","value":"shop"}],"transitiveTagKeys":["eks-cluster-name"]},"responseElements":{"credentials":{"accessKeyId":"ASIAPOD","sessionToken":"x","expiration":"Mar 13, 2026 2:35:33 PM"},"assumedRoleUser":{"assumedRoleId":"AROAAPP:eks-prod","arn":"arn:aws:sts::111122223333:assumed-role/app/eks-prod"},"packedPolicySize":61},"sharedEventID":"s4","eventID":"e4"}"#), @r##"
    event_id: e4
    event_time: 1773390933000000
    event_version: 1.08
    event_source: sts.amazonaws.com
    event_name: AssumeRole
    source_ip_address: pods.eks.amazonaws.com
    user_agent: pods.eks.amazonaws.com
    shared_event_id: s4
    identity_type: AWSService
    invoked_by: pods.eks.amazonaws.com
    issued_access_key_id: ASIAPOD
    issued_role_arn: arn:aws:iam::111122223333:role/app
    issued_session_name: eks-prod-app-1-d1861451-6ee5-4069-ae5d-741cbb99692a
    issued_arn: arn:aws:sts::111122223333:assumed-role/app/eks-prod
    issued_expires_at: 1773412533000000
    session_tags: {"tags":{"eks-cluster-arn":"arn:aws:eks:eu-west-1:111122223333:cluster/prod","eks-cluster-name":"prod","kubernetes-namespace":"shop"},"external_id":"eu-west-1/111122223333/prod/shop/cart"}
    request_parameters: {"roleArn":"arn:aws:iam::111122223333:role/app","roleSessionName":"eks-prod-app-1-d1861451-6ee5-4069-ae5d-741cbb99692a","durationSeconds":21600,"externalId":"eu-west-1/111122223333/prod/shop/cart","tags":[{"key":"eks-cluster-arn","value":"arn:aws:eks:eu-west-1:111122223333:cluster/prod"},{"value":"prod","key":"eks-cluster-name"},{"key":"kubernetes-namespace","value":"shop"}],"transitiveTagKeys":["eks-cluster-name"]}
    response_elements: {"credentials":{"accessKeyId":"ASIAPOD","expiration":"Mar 13, 2026 2:35:33 PM"},"assumedRoleUser":{"assumedRoleId":"AROAAPP:eks-prod","arn":"arn:aws:sts::111122223333:assumed-role/app/eks-prod"},"packedPolicySize":61}
    external_id: eu-west-1/111122223333/prod/shop/cart
    duration_seconds: 21600
    cluster_hint: prod
    requested_role_arn: arn:aws:iam::111122223333:role/app
    requested_session_name: eks-prod-app-1-d1861451-6ee5-4069-ae5d-741cbb99692a
    "##);
}

#[test]
fn chained_tags_and_a_forwarded_call() {
    insta::assert_snapshot!(shown(r#"{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROA1:eks-x","arn":"arn:aws:sts::111122223333:assumed-role/app/eks-x","accessKeyId":"","sessionContext":{"sessionIssuer":{},"webIdFederationData":{},"attributes":{},"sourceIdentity":"ann"}},"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/far","roleSessionName":"hop","incomingTransitiveTags":{"eks-cluster-arn":"arn:aws:eks:eu-west-1:111122223333:cluster/prod"},"principalTags":{"team":"shop"}},"eventID":"e5"}"#), @r##"
    event_id: e5
    event_version: 1.09
    event_source: sts.amazonaws.com
    event_name: AssumeRole
    identity_type: AssumedRole
    principal_id: AROA1:eks-x
    identity_arn: arn:aws:sts::111122223333:assumed-role/app/eks-x
    session_name: eks-x
    source_identity: ann
    issued_role_arn: arn:aws:iam::444455556666:role/far
    issued_session_name: hop
    session_tags: {"incoming_transitive_tags":{"eks-cluster-arn":"arn:aws:eks:eu-west-1:111122223333:cluster/prod"},"principal_tags":{"team":"shop"}}
    request_parameters: {"roleArn":"arn:aws:iam::444455556666:role/far","roleSessionName":"hop","incomingTransitiveTags":{"eks-cluster-arn":"arn:aws:eks:eu-west-1:111122223333:cluster/prod"},"principalTags":{"team":"shop"}}
    cluster_hint: prod
    requested_role_arn: arn:aws:iam::444455556666:role/far
    requested_session_name: hop
    "##);
    insta::assert_snapshot!(shown(&format!(r#"{{"eventVersion":"1.08","userIdentity":{{"type":"AssumedRole","principalId":"AROA1:17","arn":"arn:aws:sts::111122223333:assumed-role/cart/17","accountId":"111122223333","accessKeyId":"ASIAFAS","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::111122223333:role/eks/cart","accountId":"111122223333","userName":"cart"}},"webIdFederationData":{{"federatedProvider":"{PROVIDER}","attributes":{{}}}},"attributes":{{"creationDate":"2026-03-13T08:35:33Z","mfaAuthenticated":"false"}}}},"invokedBy":"secretsmanager.amazonaws.com","inScopeOf":{{"issuerType":"AWS::EC2::Instance"}}}},"eventTime":"2026-03-13T08:36:00.250Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","sourceIPAddress":"secretsmanager.amazonaws.com","requestParameters":{{"encryptionContext":{{"SecretARN":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"}}}},"vpcEndpointId":"AWS Internal","eventID":"e6"}}"#)), @r##"
    event_id: e6
    event_time: 1773390960250000
    event_version: 1.08
    event_source: kms.amazonaws.com
    event_name: Decrypt
    source_ip_address: secretsmanager.amazonaws.com
    vpc_endpoint_id: AWS Internal
    identity_type: AssumedRole
    principal_id: AROA1:17
    identity_arn: arn:aws:sts::111122223333:assumed-role/cart/17
    account_id: 111122223333
    access_key_id: ASIAFAS
    invoked_by: secretsmanager.amazonaws.com
    session_issuer_arn: arn:aws:iam::111122223333:role/eks/cart
    session_issuer_id: AROA1
    session_name: 17
    session_created_at: 1773390933000000
    federated_provider: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF
    request_parameters: {"encryptionContext":{"SecretARN":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"}}
    user_identity_extra: {"sessionContext":{"sessionIssuer":{"type":"Role","accountId":"111122223333","userName":"cart"},"attributes":{"mfaAuthenticated":"false"}},"inScopeOf":{"issuerType":"AWS::EC2::Instance"}}
    "##);
}

#[test]
fn insight_and_network_interfaces() {
    insta::assert_snapshot!(shown(r#"{"eventVersion":"1.08","eventTime":"2026-04-12T16:10:00Z","awsRegion":"eu-west-1","eventID":"e7","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"s7","insightDetails":{"state":"Start","eventSource":"autoscaling.amazonaws.com","insightContext":{"statistics":{"baseline":{"average":0.0000882145}}}},"eventCategory":"Insight"}"#), @r##"
    event_id: e7
    event_time: 1776010200000000
    event_version: 1.08
    event_type: AwsCloudTrailInsight
    event_category: Insight
    aws_region: eu-west-1
    recipient_account_id: 111122223333
    shared_event_id: s7
    extra: {"insightDetails":{"state":"Start","eventSource":"autoscaling.amazonaws.com","insightContext":{"statistics":{"baseline":{"average":0.0000882145}}}}}
    "##);
    insta::assert_snapshot!(shown(r#"{"eventVersion":"1.09","userIdentity":null,"eventSource":"ec2.amazonaws.com","eventName":"DescribeNetworkInterfaces","requestParameters":{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"status","valueSet":{"items":[{"value":"available"}]}},{"name":"tag:cluster.k8s.amazonaws.com/name","valueSet":{"items":[{"value":"prod"}]}}]}},"eventID":"e8"}"#), @r##"
    event_id: e8
    event_version: 1.09
    event_source: ec2.amazonaws.com
    event_name: DescribeNetworkInterfaces
    request_parameters: {"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"status","valueSet":{"items":[{"value":"available"}]}},{"name":"tag:cluster.k8s.amazonaws.com/name","valueSet":{"items":[{"value":"prod"}]}}]}}
    cluster_hint: prod
    "##);
}

#[test]
fn odd_types_are_kept() {
    insta::assert_snapshot!(shown(r#"{"eventVersion":1.08,"userIdentity":{"arn":"","accountId":111122223333,"type":null,"sessionContext":"none","new":{"a":[1]}},"eventTime":"yesterday","eventSource":"x.amazonaws.com","eventName":"X","userAgent":["a","b"],"requestParameters":"null","readOnly":"TRUE","managementEvent":"maybe","sourceIPAddress":"","requestID":"","errorMessage":"한글 \ud83d\ude00 \ud83d","apiVersion":{"v":1.50},"sessionCredentialFromConsole":true,"eventName":"again","resources":null,"eventID":"e9"}"#), @r##"
    event_id: e9
    event_version: 1.08
    event_source: x.amazonaws.com
    event_name: X
    source_ip_address: 
    user_agent: ["a","b"]
    error_message: 한글 😀 �
    read_only: true
    account_id: 111122223333
    request_parameters: "null"
    user_identity_extra: {"sessionContext":"none","new":{"a":[1]}}
    extra: {"eventTime":"yesterday","managementEvent":"maybe","apiVersion":{"v":1.50},"sessionCredentialFromConsole":true,"eventName":"again"}
    "##);
}

#[test]
fn derived_ids_do_not_depend_on_the_writing() {
    let one = r#"{"eventName":"X","userIdentity":{"type":"Root","a":"\u0041"},"eventVersion":"1.08","n":1,"sessionToken":"s"}"#;
    let other = "{ \"n\" : 1 ,\n \"eventVersion\":\"1.08\", \"userIdentity\": {\"a\":\"A\", \"type\":\"Root\"}, \"eventName\":\"X\", \"eventID\":\"\" }";
    let id = |text: &str| run(text).1.ids[0].clone();
    assert_eq!(id(one), id(&other.replace(", \"eventID\":\"\"", "")));
    assert_eq!(id(one), id(&format!("[{{\"detail\":{one}}}]")));
    assert_ne!(id(one), id(&one.replace(":1,", ":2,")));
}

#[test]
fn compact_input_is_borrowed() {
    struct Borrowed;
    impl Sink for Borrowed {
        type Error = Infallible;
        fn record(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
            use std::borrow::Cow::Borrowed as B;
            assert!(matches!(record.request_parameters, Some(B(_))));
            assert!(matches!(
                (&record.event_id, &record.event_name, &record.identity_arn),
                (B(_), Some(B(_)), Some(B(_)))
            ));
            Ok(())
        }
        fn reject(&mut self, _: Reject) -> Result<(), Infallible> {
            panic!("nothing to reject")
        }
    }
    decode(event(1).as_bytes(), &Limits::default(), &mut Borrowed).unwrap();
}
