use proptest::prelude::*;

use super::*;

fn call<'a>(source: &'a str, event_name: &'a str, parameters: &'a str) -> Call<'a> {
    Call {
        event_source: source,
        event_name,
        region: "eu-west-1",
        account_id: "111122223333",
        request_parameters_json: (!parameters.is_empty()).then_some(parameters),
        management_event: Some(true),
        calls: 1,
        ..Call::default()
    }
}

fn made(calls: &[Call<'_>]) -> Policy {
    policy(calls.iter().copied(), Options::default()).unwrap()
}

fn has(policy: &Policy, code: NoteCode, text: &str) -> bool {
    policy
        .notes
        .iter()
        .any(|note| note.code == code && note.text.contains(text))
}

/// Gives the resources that a policy grants an action on.
fn granted(policy: &Policy, action: &str) -> Vec<String> {
    let mut resources: Vec<String> = policy
        .documents
        .iter()
        .flat_map(|document| document["Statement"].as_array().unwrap())
        .filter(|statement| {
            statement["Action"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one == action)
        })
        .flat_map(|statement| statement["Resource"].as_array().unwrap())
        .map(|resource| resource.as_str().unwrap().to_owned())
        .collect();
    resources.sort();
    resources
}

#[test]
fn calls_of_a_workload() {
    let calls = [
        call("s3.amazonaws.com", "ListBuckets", "{}"),
        Call {
            management_event: Some(false),
            ..call(
                "s3.amazonaws.com",
                "GetObject",
                r#"{"bucketName":"reports","key":"2026/a.csv"}"#,
            )
        },
        Call {
            management_event: Some(false),
            ..call(
                "s3.amazonaws.com",
                "HeadObject",
                r#"{"bucketName":"reports","key":"2026/b.csv"}"#,
            )
        },
        call(
            "sqs.amazonaws.com",
            "GetQueueAttributes",
            r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"}"#,
        ),
        call("kms.amazonaws.com", "Decrypt", ""),
        call("sts.amazonaws.com", "GetCallerIdentity", ""),
        call("ec2.amazonaws.com", "DescribeInstances", "{}"),
        call("newservice.amazonaws.com", "DoThing", "{}"),
        Call {
            calls: 3,
            ..call("odd.name.amazonaws.com", "DoThing", "{}")
        },
        Call {
            error_code: Some("AccessDenied"),
            ..call(
                "dynamodb.amazonaws.com",
                "DescribeTable",
                r#"{"tableName":"orders"}"#,
            )
        },
    ];
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(made(&calls));
    });
}

#[test]
fn nothing_called_needs_no_policy() {
    let policy = made(&[]);
    assert_eq!(policy.documents.len(), 0);
    assert_eq!(policy.notes.len(), 0);
}

#[test]
fn denied_calls_are_granted_only_when_asked_for() {
    let denied = Call {
        error_code: Some("Client.UnauthorizedOperation"),
        ..call("ec2.amazonaws.com", "DescribeVolumes", "{}")
    };
    let refused = made(&[denied]);
    assert_eq!(refused.documents.len(), 0);
    assert!(has(
        &refused,
        NoteCode::Denied,
        "ec2:DescribeVolumes was refused, and is not granted"
    ));

    let options = Options {
        include_denied: true,
    };
    let wanted = policy([denied], options).unwrap();
    assert_eq!(granted(&wanted, "ec2:DescribeVolumes"), ["*"]);
    assert!(has(&wanted, NoteCode::Denied, "and is granted"));

    // Refused once and allowed later, as after a change of the policy.
    let both = made(&[denied, call("ec2.amazonaws.com", "DescribeVolumes", "{}")]);
    assert_eq!(granted(&both, "ec2:DescribeVolumes"), ["*"]);
    assert!(!both.notes.iter().any(|note| note.code == NoteCode::Denied));
}

#[test]
fn errors_that_mean_a_missing_permission() {
    for code in [
        "AccessDenied",
        "AccessDeniedException",
        "Client.UnauthorizedOperation",
        "UnauthorizedOperation",
        "AuthorizationErrorException",
    ] {
        assert!(is_denied(code), "{code}");
    }
    for code in [
        "NoSuchKey",
        "ThrottlingException",
        "Client.DryRunOperation",
        "ExpiredToken",
        "",
    ] {
        assert!(!is_denied(code), "{code}");
    }
}

#[test]
fn partitions_come_from_regions() {
    for (region, wanted) in [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("", "aws"),
    ] {
        assert_eq!(partition(region), wanted, "{region}");
    }
    let china = made(&[Call {
        region: "cn-north-1",
        ..call("s3.amazonaws.com", "ListObjects", r#"{"bucketName":"b"}"#)
    }]);
    assert_eq!(granted(&china, "s3:ListBucket"), ["arn:aws-cn:s3:::b"]);
}

#[test]
fn many_resources_of_a_kind_become_the_kind() {
    let objects = |count: usize| -> Policy {
        let parameters: Vec<String> = (0..count)
            .map(|at| format!(r#"{{"bucketName":"b","key":"dir/{at}"}}"#))
            .collect();
        let calls: Vec<Call<'_>> = parameters
            .iter()
            .map(|parameters| call("s3.amazonaws.com", "GetObject", parameters))
            .collect();
        made(&calls)
    };
    assert_eq!(
        granted(&objects(MAX_OBJECT_KEYS), "s3:GetObject").len(),
        MAX_OBJECT_KEYS
    );
    let many = objects(MAX_OBJECT_KEYS + 1);
    assert_eq!(granted(&many, "s3:GetObject"), ["arn:aws:s3:::b/*"]);
    assert!(has(&many, NoteCode::Generalised, "9 of arn:aws:s3:::b/*"));

    let ids: Vec<String> = (0..=MAX_RESOURCES)
        .map(|at| format!(r#"{{"instancesSet":{{"items":[{{"instanceId":"i-{at}"}}]}}}}"#))
        .collect();
    let calls: Vec<Call<'_>> = ids
        .iter()
        .map(|parameters| call("ec2.amazonaws.com", "TerminateInstances", parameters))
        .collect();
    assert_eq!(
        granted(&made(&calls), "ec2:TerminateInstances"),
        ["arn:aws:ec2:eu-west-1:111122223333:instance/*"]
    );

    let buckets: Vec<String> = (0..30)
        .map(|at| format!(r#"{{"bucketName":"b{at}"}}"#))
        .collect();
    let calls: Vec<Call<'_>> = buckets
        .iter()
        .map(|parameters| call("s3.amazonaws.com", "ListObjects", parameters))
        .collect();
    assert_eq!(
        granted(&made(&calls), "s3:ListBucket").len(),
        30,
        "buckets are not put together"
    );
}

#[test]
fn a_long_policy_is_split() {
    let names: Vec<String> = (0..300)
        .map(|at| format!(r#"{{"bucketName":"a-bucket-with-quite-a-long-name-{at:04}"}}"#))
        .collect();
    let calls: Vec<Call<'_>> = names
        .iter()
        .map(|parameters| call("s3.amazonaws.com", "ListObjects", parameters))
        .collect();
    let policy = made(&calls);
    assert!(policy.documents.len() > 1);
    assert_eq!(granted(&policy, "s3:ListBucket").len(), 300);
    assert!(has(&policy, NoteCode::Split, "split into"));
    let mut sids = BTreeSet::new();
    for document in &policy.documents {
        assert!(document.to_string().len() <= document::MAX_POLICY_CHARS);
        for statement in document["Statement"].as_array().unwrap() {
            assert!(sids.insert(statement["Sid"].as_str().unwrap().to_owned()));
        }
    }
}

#[test]
fn notes_tell_what_a_trail_does_not_show() {
    let without = made(&[call(
        "s3.amazonaws.com",
        "GetBucketLocation",
        r#"{"bucketName":"b"}"#,
    )]);
    assert!(has(&without, NoteCode::DataEventsMissing, "s3 is used"));
    assert!(has(&without, NoteCode::NoDataEvents, "dynamodb"));
    let with = made(&[Call {
        management_event: Some(false),
        ..call(
            "s3.amazonaws.com",
            "GetObject",
            r#"{"bucketName":"b","key":"k"}"#,
        )
    }]);
    assert!(
        !with
            .notes
            .iter()
            .any(|note| note.code == NoteCode::DataEventsMissing)
    );
    assert!(
        !with
            .notes
            .iter()
            .any(|note| note.code == NoteCode::NoDataEvents)
    );
    assert!(has(
        &made(&[call("kms.amazonaws.com", "Decrypt", "")]),
        NoteCode::ResourceNotNamed,
        "kms:Decrypt"
    ));
    assert!(has(
        &made(&[call("ec2.amazonaws.com", "RunInstances", "")]),
        NoteCode::ResourceUnknown,
        "ec2:RunInstances"
    ));
}

#[test]
fn the_same_calls_make_the_same_policy_in_any_order() {
    let mut calls = vec![
        call("s3.amazonaws.com", "ListObjects", r#"{"bucketName":"b"}"#),
        call(
            "s3.amazonaws.com",
            "GetBucketLocation",
            r#"{"bucketName":"b"}"#,
        ),
        call("sqs.amazonaws.com", "ListQueues", "{}"),
        call("kms.amazonaws.com", "ListKeys", "{}"),
    ];
    let forward = made(&calls);
    calls.reverse();
    assert_eq!(forward, made(&calls));
    let statements = forward.documents[0]["Statement"].as_array().unwrap();
    assert_eq!(
        statements.len(),
        2,
        "actions on the same resources stand together"
    );
}

proptest! {
    #[test]
    fn nothing_in_a_record_widens_a_policy(
        source in "(s3|sqs|dynamodb|kms|ssm|lambda|\\PC{0,8})\\.amazonaws\\.com",
        event in "(GetObject|SendMessage|Query|Decrypt|GetParameter|Invoke|\\PC{0,12})",
        parameters in "\\PC{0,40}",
        value in "\\PC{0,24}",
    ) {
        let object = serde_json::json!({
            "bucketName": &value, "key": &value, "queueUrl": &value, "tableName": &value,
            "keyId": &value, "name": &value, "functionName": &value,
        })
        .to_string();
        for text in [&parameters, &object] {
            let policy = made(&[call(&source, &event, text)]);
            for document in &policy.documents {
                for statement in document["Statement"].as_array().unwrap() {
                    for resource in statement["Resource"].as_array().unwrap() {
                        let plain = resource.as_str().unwrap().replace("${*}", "").replace("${?}", "");
                        let allowed = plain == "*" || !plain.contains('*') || plain.ends_with("/*");
                        prop_assert!(allowed, "{}", resource);
                    }
                }
            }
        }
    }
}
