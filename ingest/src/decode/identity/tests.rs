use super::*;

fn name(text: &str) -> Option<String> {
    let mut record = Record::default();
    fill(&mut record, text);
    record.session_name.map(Cow::into_owned)
}

#[test]
fn session_names() {
    for (text, wanted) in [
        (
            r#"{"type":"AssumedRole","principalId":"AROA1:i-0abc"}"#,
            Some("i-0abc"),
        ),
        (
            r#"{"type":"AssumedRole","principalId":"111122223333:aws:ec2-infrastructure:i-0abc"}"#,
            Some("i-0abc"),
        ),
        (
            r#"{"type":"FederatedUser","principalId":"111122223333:ann"}"#,
            Some("ann"),
        ),
        (
            r#"{"type":"AssumedRole","principalId":"AROA1","arn":"arn:aws:sts::1:assumed-role/r/s"}"#,
            Some("s"),
        ),
        (r#"{"arn":"arn:aws-cn:sts::1:assumed-role/r/s"}"#, Some("s")),
        (
            r#"{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::1:user/a/b"}"#,
            None,
        ),
        (
            r#"{"type":"WebIdentityUser","principalId":"p:aud:system:serviceaccount:a:b"}"#,
            None,
        ),
        (r#"{"type":"AssumedRole","principalId":"AROA1:"}"#, None),
        ("{}", None),
    ] {
        assert_eq!(name(text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn what_has_no_column_keeps_its_nesting() {
    let mut record = Record::default();
    fill(
        &mut record,
        r#"{"type":"AssumedRole","type":"again","onBehalfOf":{"userId":"u"},"sessionContext":{"attributes":{"creationDate":"soon","mfaAuthenticated":"true"},"webIdFederationData":{"attributes":{"a":"b"}},"sessionIssuer":[1],"assumedRoot":"true"}}"#,
    );
    assert_eq!(
        record.user_identity_extra.as_deref(),
        Some(
            r#"{"type":"again","onBehalfOf":{"userId":"u"},"sessionContext":{"attributes":{"creationDate":"soon","mfaAuthenticated":"true"},"webIdFederationData":{"attributes":{"a":"b"}},"sessionIssuer":[1],"assumedRoot":"true"}}"#
        )
    );
}
