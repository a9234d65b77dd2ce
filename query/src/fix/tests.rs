use std::io::Write as _;
use std::process::{Command as Process, Stdio};

use proptest::prelude::*;
use serde_json::json;

use super::*;

mod makers;

const CAUSES: [(Cause, &str); 9] = [
    (Cause::NoBinding, "no_binding"),
    (Cause::PodPredatesBinding, "pod_predates_binding"),
    (Cause::TrustDenied, "trust_denied"),
    (Cause::OidcProviderMissing, "oidc_provider_missing"),
    (Cause::SdkTooOld, "sdk_too_old"),
    (Cause::AssociationMissingAgent, "association_missing_agent"),
    (Cause::HostNetwork, "host_network"),
    (Cause::ContainerSkipped, "container_skipped"),
    (Cause::Unknown, "unknown"),
];

fn observed() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "S3Use1",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::reports/*", "arn:aws:s3:::odd/${*}it's"],
        }],
    })
}

fn documents(documents: Vec<Value>) -> Policy {
    Policy {
        documents,
        ..Policy::default()
    }
}

fn case(cause: Cause) -> Case {
    let bound = !matches!(
        cause,
        Cause::NoBinding | Cause::HostNetwork | Cause::Unknown
    );
    Case {
        cause,
        cluster: Some("prod".to_owned()),
        region: "eu-west-1".to_owned(),
        account_id: "111122223333".to_owned(),
        namespace: Some("shop".to_owned()),
        service_account: Some("orders".to_owned()),
        oidc_issuer: Some(
            "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
                .to_owned(),
        ),
        role_arn: bound.then(|| "arn:aws:iam::111122223333:role/team/shop-orders".to_owned()),
        binding: None,
        sdk: (cause == Cause::SdkTooOld).then(|| TooOld {
            sdk: "Boto3".to_owned(),
            version: "1.24.59".to_owned(),
            minimum: "1.34.41".to_owned(),
        }),
        owner: Some(Owner {
            kind: "Deployment".to_owned(),
            name: "orders".to_owned(),
        }),
        containers: vec!["app".to_owned()],
        agent_seen_in_cluster: false,
        policy: documents(vec![observed()]),
    }
}

/// A case of which little is known.
fn bare(cause: Cause) -> Case {
    Case {
        cause,
        cluster: None,
        region: String::new(),
        account_id: String::new(),
        namespace: None,
        service_account: None,
        oidc_issuer: None,
        role_arn: None,
        binding: None,
        sdk: None,
        owner: None,
        containers: Vec::new(),
        agent_seen_in_cluster: true,
        policy: Policy::default(),
    }
}

/// Runs bash on a script, and gives whether it succeeded and what it said.
fn bash(arguments: &[&str], script: &str) -> (bool, String) {
    let mut process = Process::new("bash")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = process.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

fn script(fix: &Fix) -> String {
    fix.commands
        .iter()
        .map(|step| step.command.clone() + "\n")
        .collect()
}

/// Runs a fix with stand-ins for the programs, which print their arguments between marks, and gives these by command.
fn commands_of(fix: &Fix) -> Vec<Vec<String>> {
    // What they print is no part of files and pipes. One write each: commands of a pipe run side by side.
    let stand_ins = ["aws", "kubectl", "eksctl", "podtrail"]
        .map(|name| {
            format!(
                "{name}() {{ printf '\\003%s' \"$(printf '\\001%s\\002' {name} \"$@\")\" >&3; }}\n"
            )
        })
        .concat();
    let unknown = [
        "CLUSTER",
        "REGION",
        "ACCOUNT_ID",
        "NAMESPACE",
        "SERVICE_ACCOUNT",
        "WORKLOAD",
        "ROLE",
    ]
    .map(|name| format!("{name}=set-by-user\n"))
    .concat();
    let script = format!(
        "set -eu\nexec 3>&1\ncd \"$(mktemp -d)\"\n{stand_ins}{unknown}{}",
        script(fix)
    );
    let (succeeded, text) = bash(&["--norc", "-s"], &script);
    assert!(succeeded, "{script}\n{text}");
    text.split('\u{3}')
        .skip(1)
        .map(|command| {
            command
                .split('\u{1}')
                .skip(1)
                .map(|part| part.split('\u{2}').next().unwrap().to_owned())
                .collect()
        })
        .collect()
}

fn arguments_of(fix: &Fix) -> Vec<String> {
    commands_of(fix).concat()
}

fn check(fix: &Fix) {
    let script = script(fix);
    let (valid, said) = bash(&["-n"], &script);
    assert!(valid, "{script}\n{said}");
    assert!(!script.contains('<'), "{script}");
    assert!(!fix.summary.is_empty());
    let arguments = arguments_of(fix);
    for pair in arguments.windows(2) {
        if [
            "--policy-document",
            "--assume-role-policy-document",
            "--patch",
        ]
        .contains(&pair[0].as_str())
        {
            let document: Value = serde_json::from_str(&pair[1]).unwrap();
            assert!(document.is_object() || document.is_array());
        }
    }
}

#[test]
fn every_cause_has_a_fix() {
    for (cause, name) in CAUSES {
        let fix = fix(&case(cause));
        check(&fix);
        let mut parts = vec![fix.summary.clone()];
        parts.extend(
            fix.commands
                .iter()
                .map(|step| format!("# {}\n{}", step.title, step.command)),
        );
        parts.extend(
            fix.terraform
                .iter()
                .map(|terraform| format!("--- terraform\n{terraform}")),
        );
        parts.extend(fix.notes.iter().map(|note| format!("--- note\n{note}")));
        insta::assert_snapshot!(name, parts.join("\n\n"));
    }
}

#[test]
fn what_is_not_known_is_asked_for() {
    for (cause, name) in CAUSES {
        let fix = fix(&bare(cause));
        check(&fix);
        let variables = &fix.commands[0].command;
        assert!(variables.contains(":?set "), "{name}: {variables}");
        let (succeeded, said) = bash(&["--norc", "-s"], &script(&fix));
        assert!(!succeeded && said.contains("set "), "{name}: {said}");
    }
}

/// Calls of a pod that is not known; two workloads can have made them.
fn calls_of_nobody() -> Search {
    let candidate = |workload: &str, score| Candidate {
        namespace: "shop".to_owned(),
        workload: workload.to_owned(),
        score,
        reasons: vec![Reason {
            name: "seen".to_owned(),
        }],
    };
    Search {
        cluster: Some("prod".to_owned()),
        nodes: vec!["i-0a1b2c3d4e5f60001".to_owned(), "a node".to_owned()],
        first_seen: Some("2026-05-01T10:00:00Z".to_owned()),
        last_seen: Some("2026-05-01T11:30:00Z".to_owned()),
        programs: vec!["aws-cli/2.15.30".to_owned(), "bad\u{1b}[2K".to_owned()],
        candidates: vec![
            candidate("Deployment/cart", 0.5),
            candidate("Deployment/web", 0.45),
        ],
        inventory: true,
    }
}

#[test]
fn nobody_gets_a_role_before_it_is_known_who() {
    let unlooked = Search {
        inventory: false,
        candidates: Vec::new(),
        ..calls_of_nobody()
    };
    let unseen = Search {
        inventory: true,
        ..unlooked.clone()
    };
    for search in [calls_of_nobody(), unlooked, unseen, Search::default()] {
        let fix = find_out(&search);
        check(&fix);
        assert_eq!(fix.terraform, None);
        assert!(fix.policy.is_empty());
        let script = script(&fix);
        for word in ["aws ", "create", "role", "restart"] {
            assert!(!script.contains(word), "{word}: {script}");
        }
    }
    let nameless = Case {
        service_account: None,
        owner: None,
        ..case(Cause::Unknown)
    };
    assert!(!script(&fix(&nameless)).contains("create-role"));
}

#[test]
fn a_search_says_where_to_look() {
    let fix = find_out(&calls_of_nobody());
    let notes = fix.notes.join("\n");
    for part in [
        "from i-0a1b2c3d4e5f60001, the first at 2026-05-01T10:00:00Z, the last at 2026-05-01T11:30:00Z",
        "The programs call themselves: aws-cli/2.15.30\n",
        "shop/Deployment/cart (0.50: seen), shop/Deployment/web (0.45: seen).",
    ] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    let arguments = arguments_of(&fix).join(" ");
    assert_eq!(arguments.matches("--namespace shop").count(), 1);
    assert!(
        arguments.ends_with("podtrail inventory collect --cluster prod --follow"),
        "{arguments}"
    );
    let many = Search {
        nodes: (10..20).map(|number| format!("i-0a1b2c{number}")).collect(),
        ..calls_of_nobody()
    };
    let notes = find_out(&many).notes.join("\n");
    assert!(
        notes.contains("i-0a1b2c14 and 5 more, the first"),
        "{notes}"
    );
}

#[test]
fn hostile_names_stay_names_in_a_search() {
    for hostile in HOSTILE {
        let mut odd = calls_of_nobody();
        odd.cluster = Some(hostile.to_owned());
        odd.candidates.truncate(1);
        odd.candidates[0].namespace = hostile.to_owned();
        let arguments = arguments_of(&find_out(&odd));
        for option in ["--cluster", "--namespace"] {
            let at = arguments.iter().position(|one| one == option).unwrap();
            assert_eq!(arguments[at + 1], hostile);
        }
    }
}

#[test]
fn an_account_that_others_share_is_left() {
    let shared = Case {
        service_account: Some("default".to_owned()),
        agent_seen_in_cluster: true,
        ..case(Cause::NoBinding)
    };
    let fix = fix(&shared);
    check(&fix);
    let arguments = arguments_of(&fix).join(" ");
    assert!(
        arguments.contains("kubectl create serviceaccount orders --namespace shop"),
        "{arguments}"
    );
    assert!(
        arguments.contains("kubectl set serviceaccount deployment/orders orders --namespace shop"),
        "{arguments}"
    );
    assert!(
        arguments.contains("--service-account orders"),
        "{arguments}"
    );
    assert!(!arguments.contains("create-addon"), "{arguments}");
}

#[test]
fn several_policies_are_attached() {
    let many = Case {
        policy: documents(vec![observed(), observed()]),
        ..case(Cause::NoBinding)
    };
    let fix = fix(&many);
    check(&fix);
    let arguments = arguments_of(&fix).join(" ");
    assert!(
        arguments.contains("create-policy --policy-name prod-shop-orders-1"),
        "{arguments}"
    );
    assert!(
        arguments.contains("--policy-arn arn:aws:iam::111122223333:policy/prod-shop-orders-2"),
        "{arguments}"
    );
    assert!(
        fix.terraform
            .unwrap()
            .contains("aws_iam_role_policy_attachment")
    );
}

#[test]
fn trust_policies_name_the_service_account() {
    let trust = |case: &Case| {
        let arguments = arguments_of(&fix(case));
        let at = arguments
            .iter()
            .position(|one| one == "--policy-document")
            .unwrap();
        serde_json::from_str::<Value>(&arguments[at + 1]).unwrap()
    };
    let irsa = trust(&Case {
        region: "cn-north-1".to_owned(),
        role_arn: Some("arn:aws-cn:iam::444455556666:role/shop".to_owned()),
        oidc_issuer: Some("oidc.eks.cn-north-1.amazonaws.com.cn/id/0123456789ABCDEF".to_owned()),
        ..case(Cause::TrustDenied)
    });
    let statement = &irsa["Statement"][0];
    assert_eq!(
        statement["Principal"]["Federated"],
        "arn:aws-cn:iam::444455556666:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/0123456789ABCDEF"
    );
    assert_eq!(
        statement["Condition"]["StringEquals"]["oidc.eks.cn-north-1.amazonaws.com.cn/id/0123456789ABCDEF:sub"],
        "system:serviceaccount:shop:orders"
    );
    let pod_identity = trust(&Case {
        binding: Some(Binding::PodIdentity),
        ..case(Cause::TrustDenied)
    });
    assert_eq!(
        pod_identity["Statement"][0]["Principal"]["Service"],
        "pods.eks.amazonaws.com"
    );
    assert_eq!(
        pod_identity["Statement"][0]["Action"],
        json!(["sts:AssumeRole", "sts:TagSession"])
    );
}

#[test]
fn role_names_are_short_and_apart() {
    let long = "a".repeat(60);
    for (names, wanted) in [
        (vec!["prod", "shop", "orders"], "prod-shop-orders"),
        (vec!["prod", "a b/c'd"], "prod-a-b-c-d"),
        (vec![], "workload-role"),
        (vec!["é"], "-"),
    ] {
        assert_eq!(role_name_of(&names), wanted);
    }
    let (one, other) = (role_name_of(&[&long, "one"]), role_name_of(&[&long, "two"]));
    assert_eq!(one.len(), ROLE_NAME_CHARS);
    assert_ne!(one, other);
}

#[test]
fn values_that_could_mislead_are_not_used() {
    for hostile in ["a\nrm -rf /", "a\u{1b}[2K", "a\u{202e}b", "\0"] {
        let mut odd = case(Cause::NoBinding);
        odd.namespace = Some(hostile.to_owned());
        let fix = fix(&odd);
        check(&fix);
        assert!(!script(&fix).contains(hostile));
        assert!(
            fix.notes
                .iter()
                .any(|note| note.starts_with("the namespace in the records"))
        );
    }
}

/// Names that try to end a string, a command or a template.
const HOSTILE: [&str; 12] = [
    "'; touch /tmp/hostile; '",
    "\"; exit 1; \"",
    "$(exit 1)",
    "`exit 1`",
    "${HOME}",
    "$${x}",
    "$$${x}",
    "%{ if true }",
    "\\",
    "\\'",
    "a b*?[x]",
    "!history #{x} ~ & | ; < >",
];

#[test]
fn hostile_names_stay_names() {
    for hostile in HOSTILE {
        for (cause, _) in CAUSES {
            let mut odd = case(cause);
            odd.cluster = Some(hostile.to_owned());
            odd.namespace = Some(hostile.to_owned());
            odd.service_account = Some(hostile.to_owned());
            odd.oidc_issuer = Some(hostile.to_owned());
            odd.owner = Some(Owner {
                kind: "Deployment".to_owned(),
                name: hostile.to_owned(),
            });
            odd.policy = documents(vec![
                json!({"Version": "2012-10-17", "Statement": [{"Sid": hostile}]}),
            ]);
            let fix = fix(&odd);
            let arguments = arguments_of(&fix);
            let at = arguments.iter().position(|one| one == "--namespace");
            if let Some(at) = at {
                assert_eq!(arguments[at + 1], hostile);
            }
        }
    }
}

#[test]
fn a_string_of_terraform_is_only_text() {
    for (text, wanted) in [
        ("plain", r#""plain""#),
        ("a\"b\\c\n", r#""a\"b\\c\n""#),
        ("${x}", r#""$${x}""#),
        ("%{x}", r#""%%{x}""#),
        ("$${x}", r#""$\u0024{x}""#),
        ("%%{x}", r#""%\u0025{x}""#),
        ("$ { 100% $", r#""$ { 100% $""#),
    ] {
        assert_eq!(terraform::string(text), wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_is_quoted(text in "\\PC{1,40}") {
        let mut odd = case(Cause::NoBinding);
        odd.namespace = Some(text.clone());
        odd.owner = Some(Owner { kind: text.clone(), name: text.clone() });
        let fix = fix(&odd);
        let arguments = arguments_of(&fix);
        let at = arguments.iter().position(|one| one == "--namespace").unwrap();
        let wanted = if is_usable(&text) { text.as_str() } else { "set-by-user" };
        prop_assert_eq!(&arguments[at + 1], wanted);
    }
}
