use super::*;

fn filled(
    name: &'static str,
    source: Option<&'static str>,
    request: &'static str,
) -> Record<'static> {
    let mut record = Record {
        event_name: Some(name.into()),
        event_source: source.map(Cow::Borrowed),
        request_parameters: Some(Cow::Borrowed(request)),
        ..Record::default()
    };
    fill(&mut record);
    record
}

#[test]
fn only_issuing_events_issue() {
    let request = r#"{"roleArn":"arn:r","durationSeconds":"900"}"#;
    for (name, source, issues) in [
        ("AssumeRole", Some("sts.amazonaws.com"), true),
        (
            "AssumeRoleWithSAML",
            Some("sts.eu-west-1.amazonaws.com"),
            true,
        ),
        ("AssumeRole", None, true),
        ("GetSessionToken", Some("sts.amazonaws.com"), true),
        ("AssumeRole", Some("lakeformation.amazonaws.com"), false),
        ("PassRole", Some("iam.amazonaws.com"), false),
    ] {
        let record = filled(name, source, request);
        assert_eq!(
            (record.issued_role_arn.is_some(), record.duration_seconds),
            (issues, issues.then_some(900)),
            "{name}"
        );
    }
}

#[test]
fn tags_of_every_form() {
    let record = filled(
        "AssumeRole",
        None,
        r#"{"tags":[{"Key":"a","Value":"1"},{"key":"b"},{"x":1},3],"principalTags":[{"key":"c","value":"\""}],"incomingTransitiveTags":{"eks-cluster-name":"prod"},"externalId":"x"}"#,
    );
    assert_eq!(
        record.session_tags.as_deref(),
        Some(
            r#"{"tags":{"a":"1","b":null},"principal_tags":{"c":"\""},"incoming_transitive_tags":{"eks-cluster-name":"prod"},"external_id":"x"}"#
        )
    );
    assert_eq!(
        (
            record.cluster_hint.as_deref(),
            record.external_id.as_deref()
        ),
        (Some("prod"), Some("x"))
    );
    assert_eq!(
        filled("AssumeRole", None, r#"{"tags":[],"principalTags":"x"}"#).session_tags,
        None
    );
}

#[test]
fn a_search_over_clusters_is_no_hint() {
    let filter = r#"{"filterSet":{"items":[{"name":"tag:cluster.k8s.amazonaws.com/name","valueSet":{"items":[{"value":"a"},{"value":"b"}]}}]}}"#;
    assert_eq!(
        filled("DescribeNetworkInterfaces", None, filter).cluster_hint,
        None
    );
    assert_eq!(
        filled("DescribeNetworkInterfaces", None, "[]").cluster_hint,
        None
    );
}

#[test]
fn audience_of_a_principal() {
    let audience = |id: &'static str| {
        principal_audience(&Record {
            principal_id: Some(id.into()),
            identity_provider: Some("arn:p".into()),
            user_name: Some("system:serviceaccount:a:b".into()),
            ..Record::default()
        })
    };
    assert_eq!(
        audience("arn:p:sts.amazonaws.com:system:serviceaccount:a:b").as_deref(),
        Some("sts.amazonaws.com")
    );
    assert_eq!(
        audience("arn:p:https://a:8443:system:serviceaccount:a:b").as_deref(),
        Some("https://a:8443")
    );
    for id in [
        "",
        "arn:p",
        "arn:p:",
        "arn:p:system:serviceaccount:a:b",
        "arn:q:x:system:serviceaccount:a:b",
        "arn:p:x:other",
    ] {
        assert_eq!(audience(id), None, "{id}");
    }
}
