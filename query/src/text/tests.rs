use proptest::prelude::*;

use super::*;

/// EKS issuers, with the region written into each: see `cloudtrail-facts`, issuer forms.
const EKS_ISSUERS: [&str; 7] = [
    "oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
    "oidc.eks.us-gov-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
    "oidc.eks.cn-northwest-1.amazonaws.com.cn/id/0123456789ABCDEF0123456789ABCDEF",
    "oidc-eks.eu-central-1.api.aws/id/0123456789ABCDEF0123456789ABCDEF",
    "oidc-eks.cn-north-1.api.amazonwebservices.com.cn/id/0123456789ABCDEF0123456789ABCDEF",
    "oidc-eks.eusc-de-east-1.api.amazonwebservices.eu/id/0123456789ABCDEF0123456789ABCDEF",
    "oidc.eks.ap-southeast-2.amazonaws.com/id/ABC123",
];

#[test]
fn every_pattern_compiles() {
    assert!(EKS_ISSUER.as_str().starts_with('^') && EKS_ISSUER.as_str().ends_with('$'));
    assert!(INSTANCE_ID.as_str().starts_with('^') && INSTANCE_ID.as_str().ends_with('$'));
    assert!(EVENT_ID.as_str().starts_with('^') && EVENT_ID.as_str().ends_with('$'));
}

#[test]
fn role_names_of_every_partition() {
    let table = [
        ("arn:aws:iam::111122223333:role/reader", Some("reader")),
        (
            "arn:aws:iam::111122223333:role/team/app/reader",
            Some("reader"),
        ),
        ("arn:aws-cn:iam::111122223333:role/reader", Some("reader")),
        (
            "arn:aws-us-gov:iam::111122223333:role/a/reader",
            Some("reader"),
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/reader/session",
            Some("reader"),
        ),
        (
            "arn:aws-cn:sts::111122223333:assumed-role/reader/i-0a1b2c3d",
            Some("reader"),
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0a1b2c3d",
            Some("aws:ec2-infrastructure"),
        ),
        (
            "arn:aws:iam::111122223333:role/aws:ec2-instance",
            Some("aws:ec2-instance"),
        ),
        (
            "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
            Some("AWSServiceRoleForAmazonEKS"),
        ),
        ("arn:aws:iam::111122223333:user/ann", None),
        ("arn:aws:iam::111122223333:root", None),
        ("arn:aws:iam::111122223333:role/", None),
        ("arn:aws:iam::111122223333:role/path/", None),
        ("arn:aws:sts::111122223333:assumed-role//session", None),
        ("arn:aws:iam", None),
        ("reader", None),
        ("", None),
    ];
    for (arn, name) in table {
        assert_eq!(role_name(arn), name, "{arn}");
    }
}

#[test]
fn session_arns_of_every_partition_drop_the_path() {
    let table = [
        (
            "arn:aws:iam::111122223333:role/reader",
            Some("arn:aws:sts::111122223333:assumed-role/reader/s"),
        ),
        (
            "arn:aws:iam::111122223333:role/team/app/reader",
            Some("arn:aws:sts::111122223333:assumed-role/reader/s"),
        ),
        (
            "arn:aws-cn:iam::111122223333:role/a/reader",
            Some("arn:aws-cn:sts::111122223333:assumed-role/reader/s"),
        ),
        (
            "arn:aws-us-gov:iam::111122223333:role/reader",
            Some("arn:aws-us-gov:sts::111122223333:assumed-role/reader/s"),
        ),
        ("arn:aws:iam::111122223333:user/ann", None),
        ("reader", None),
        ("", None),
    ];
    for (role, session) in table {
        assert_eq!(assumed_role_arn(role, "s").as_deref(), session, "{role}");
    }
}

#[test]
fn issuers_of_eks_in_every_form() {
    for issuer in EKS_ISSUERS {
        assert!(is_eks_issuer(issuer), "{issuer}");
        for provider in [
            format!("arn:aws:iam::111122223333:oidc-provider/{issuer}"),
            format!("arn:aws-cn:iam::111122223333:oidc-provider/{issuer}"),
            format!("https://{issuer}"),
            issuer.to_owned(),
        ] {
            assert_eq!(oidc_issuer(&provider), Some(issuer), "{provider}");
        }
    }
    for other in [
        "token.actions.githubusercontent.com",
        "accounts.google.com",
        "cognito-identity.amazonaws.com",
        "graph.facebook.com",
        "www.amazon.com",
        "kops-state.s3.us-east-1.amazonaws.com/prod",
        "rosa.openshiftapps.com/id/0123456789ABCDEF",
        "oidc.eks.us-west-2.amazonaws.com",
        "oidc.eks.us-west-2.amazonaws.com/id/",
        "oidc.eks.us-west-2.amazonaws.com/id/0123/more",
        "oidc.eks.us-west-2.amazonaws.com.example.com/id/0123456789ABCDEF",
        "evil.example.com/oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF",
        "oidc-eks.us-west-2.api.example/id/0123456789ABCDEF",
        "",
    ] {
        assert!(!is_eks_issuer(other), "{other}");
    }
    for none in ["", "https://", "arn:aws:iam::111122223333:oidc-provider/"] {
        assert_eq!(oidc_issuer(none), None, "{none}");
    }
}

#[test]
fn instance_ids() {
    for id in ["i-0a1b2c3d", "i-0a1b2c3d4e5f60001", "mi-0a1b2c3d4e5f60001"] {
        assert!(is_instance_id(id), "{id}");
    }
    for other in [
        "i-",
        "i-0A1B2C3D",
        "i-0a1b2c3",
        "mi-0a1b2c3d",
        "i-0a1b2c3d4e5f600012",
        "i-0a1b2c3d\n",
        "xi-0a1b2c3d",
        "",
    ] {
        assert!(!is_instance_id(other), "{other:?}");
    }
}

#[test]
fn event_ids() {
    for id in [
        "0f53d9b8-fde2-4920-bd1a-90468347d468",
        "derived-44136fa355b3678a1146ad16f7e8649e",
    ] {
        assert!(is_event_id(id), "{id}");
    }
    for other in [
        "0f53d9b8-fde2-4920-bd1a",
        "web-0f53d9b8-fde2-4920-bd1a-90468347d468",
        "derived-44136fa3",
        "derived-web",
        "",
    ] {
        assert!(!is_event_id(other), "{other:?}");
    }
}

#[test]
fn sessions_of_kube2iam() {
    let long = format!("arn:aws:iam::111122223333:role/team/{}", "r".repeat(60));
    let role = "arn:aws:iam::111122223333:role/team/reports";
    assert!(is_kube2iam_session("8e228500-reports", role));
    // The hash is written without leading zeros.
    assert!(is_kube2iam_session("8e2285-reports", role));
    assert!(is_kube2iam_session(
        &format!("8e228500-{}", "r".repeat(55)),
        &long
    ));
    for other in [
        "8e228500-6ee5-4069-ae5d-741cbb99692a",
        "8E228500-reports",
        "08e2285001-reports",
        "8e228500-report",
        "8e228500-",
        "8e228500",
        "reports",
        "",
    ] {
        assert!(!is_kube2iam_session(other, role), "{other}");
    }
    assert!(!is_kube2iam_session(
        &format!("8e228500-{}", "r".repeat(54)),
        &long
    ));
    assert!(!is_kube2iam_session("8e228500-reports", ""));
}

#[test]
fn subjects_of_service_accounts() {
    let table = [
        ("system:serviceaccount:app:reader", Some(("app", "reader"))),
        (
            "system:serviceaccount:kube-system:aws-load-balancer-controller",
            Some(("kube-system", "aws-load-balancer-controller")),
        ),
        ("system:serviceaccount:app:", None),
        ("system:serviceaccount::reader", None),
        ("system:serviceaccount:app", None),
        ("system:serviceaccount:app:reader:more", None),
        ("system:node:ip-10-0-0-1", None),
        ("repo:example/shop:ref:refs/heads/main", None),
        ("108000000000000000001", None),
        ("", None),
    ];
    for (subject, account) in table {
        assert_eq!(service_account(subject), account, "{subject}");
    }
}

#[test]
fn external_ids_of_target_roles() {
    let id = "us-east-1/111122223333/payments/money/ledger";
    assert_eq!(external_id_part(id, "cluster"), Some("payments"));
    assert_eq!(external_id_part(id, "namespace"), Some("money"));
    assert_eq!(external_id_part(id, "service_account"), Some("ledger"));
    assert_eq!(external_id_part(id, "region"), Some("us-east-1"));
    assert_eq!(external_id_part(id, "account"), Some("111122223333"));
    assert_eq!(external_id_part(id, "pod"), None);
    for other in [
        "us-east-1/111122223333/payments/money",
        "us-east-1/111122223333/payments/money/ledger/more",
        "us-east-1/11112222333/payments/money/ledger",
        "us-east-1/11112222333x/payments/money/ledger",
        "us-east-1/111122223333//money/ledger",
        "us-east-1/111122223333/payments//ledger",
        "us-east-1/111122223333/payments/money/",
        "/111122223333/payments/money/ledger",
        "secret-of-a-partner",
        "",
    ] {
        for part in [
            "region",
            "account",
            "cluster",
            "namespace",
            "service_account",
        ] {
            assert_eq!(external_id_part(other, part), None, "{other}");
        }
    }
}

#[test]
fn refusals_in_every_spelling() {
    for denied in [
        "AccessDenied",
        "AccessDeniedException",
        "Client.UnauthorizedOperation",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "NotAuthorizedException",
        "NotAuthorized",
        "AuthorizationError",
        "AuthorizationErrorException",
    ] {
        assert!(is_denied(denied), "{denied}");
    }
    for other in [
        "",
        "Exception",
        "ThrottlingException",
        "NoSuchBucket",
        "accessdenied",
        "ResourceNotFoundException",
        "Client.",
        "ValidationException",
    ] {
        assert!(!is_denied(other), "{other}");
    }
}

#[test]
fn text_at_a_path() {
    let json =
        r#"{"tags":{"a":"x","n":7,"t":true,"z":null,"o":{"k":"v"},"l":["first",{"k":"second"}]}}"#;
    let table: [(&[&str], Option<&str>); 12] = [
        (&["tags", "a"], Some("x")),
        (&["tags", "n"], Some("7")),
        (&["tags", "t"], Some("true")),
        (&["tags", "z"], None),
        (&["tags", "o"], Some(r#"{"k":"v"}"#)),
        (&["tags", "l", "0"], Some("first")),
        (&["tags", "l", "1", "k"], Some("second")),
        (&["tags", "l", "2"], None),
        (&["tags", "l", "-1"], None),
        (&["tags", "a", "deeper"], None),
        (&["other"], None),
        (
            &[],
            Some(
                r#"{"tags":{"a":"x","n":7,"t":true,"z":null,"o":{"k":"v"},"l":["first",{"k":"second"}]}}"#,
            ),
        ),
    ];
    for (path, text) in table {
        if path.is_empty() {
            assert!(json_text(json, path).is_some());
        } else {
            assert_eq!(json_text(json, path).as_deref(), text, "{path:?}");
        }
    }
    assert_eq!(json_text("{\"a\":", &["a"]), None);
    assert_eq!(json_text("", &[]), None);
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>(), other in any::<String>(), path in prop::collection::vec(any::<String>(), 0..4)) {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let _ = json_text(&text, &steps);
        let _ = role_name(&text);
        let _ = assumed_role_arn(&text, &other);
        let _ = oidc_issuer(&text);
        let _ = is_eks_issuer(&text);
        let _ = is_instance_id(&text);
        let _ = is_kube2iam_session(&text, &other);
        let _ = service_account(&text);
        let _ = external_id_part(&text, &other);
        let _ = is_denied(&text);
    }

    #[test]
    fn json_like_text_never_panics(text in r#"[\[\]{}",:0-9a-z \\u-]{0,200}"#, step in "[0-9a-z]{0,3}") {
        let _ = json_text(&text, &[&step]);
    }

    #[test]
    fn deep_json_never_panics(depth in 0_usize..100_000) {
        let text = "[".repeat(depth);
        prop_assert_eq!(json_text(&text, &["0"]), None);
    }

    #[test]
    fn a_session_arn_names_its_role(
        partition in "aws(-cn|-us-gov|-eusc)?", account in "[0-9]{12}", path in "(/[a-z0-9]{1,8}){0,3}",
        name in "[A-Za-z0-9+=,.@_-]{1,64}", session in "[A-Za-z0-9+=,.@_-]{2,64}",
    ) {
        let role = format!("arn:{partition}:iam::{account}:role{path}/{name}");
        prop_assert_eq!(role_name(&role), Some(name.as_str()));
        let arn = assumed_role_arn(&role, &session).unwrap();
        prop_assert_eq!(&arn, &format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"));
        prop_assert_eq!(role_name(&arn), Some(name.as_str()));
    }
}
