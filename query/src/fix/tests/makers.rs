//! What is printed for each kind of workload, and for programs that take it.

use std::collections::BTreeSet;

use super::*;
use crate::policy::{About, Call, Options, policy};

/// Every kind of which pods are made, and one that podtrail does not know.
const KINDS: [&str; 9] = [
    "Deployment",
    "DaemonSet",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "CronJob",
    "Job",
    "Pod",
    "Rollout",
];

fn of_kind(kind: &str, cause: Cause) -> Case {
    Case {
        agent_seen_in_cluster: true,
        owner: Some(Owner {
            kind: kind.to_owned(),
            name: "orders".to_owned(),
        }),
        ..case(cause)
    }
}

/// A workload that shares the service account `default`.
fn shared(kind: &str) -> Fix {
    let fix = fix(&Case {
        service_account: Some("default".to_owned()),
        ..of_kind(kind, Cause::NoBinding)
    });
    check(&fix);
    fix
}

/// The commands of one program, in the order of their text: those of a pipe run in any.
fn of_program(fix: &Fix, program: &str) -> BTreeSet<String> {
    commands_of(fix)
        .into_iter()
        .filter(|command| command[0] == program)
        .map(|command| command[1..].join(" "))
        .collect()
}

const ANEW: [&str; 3] = [
    "get replicaset/orders --namespace shop --output jsonpath={.spec.replicas}",
    "scale replicaset/orders --namespace shop --replicas 0",
    // What the stand-in for kubectl gives.
    "scale replicaset/orders --namespace shop --replicas ",
];

const JOB_ANEW: [&str; 2] = [
    "get job/orders --namespace shop --output yaml",
    "replace --force --filename job-after.yaml",
];

const FORGET_JOB: &str = r#"patch --type merge --patch {"spec":{"selector":null,"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":null,"controller-uid":null}}}}} --local --filename"#;

#[test]
fn every_workload_is_moved_to_its_service_account() {
    let set = |workload: &str| format!("set serviceaccount {workload} orders --namespace shop");
    let wanted = [
        ("Deployment", vec![set("deployment/orders")]),
        ("DaemonSet", vec![set("daemonset/orders")]),
        ("StatefulSet", vec![set("statefulset/orders")]),
        ("CronJob", vec![set("cronjob/orders")]),
        (
            "ReplicaSet",
            ANEW.map(str::to_owned)
                .into_iter()
                .chain([set("replicaset/orders")])
                .collect(),
        ),
        (
            "Job",
            JOB_ANEW
                .map(str::to_owned)
                .into_iter()
                .chain([
                    "set serviceaccount orders --local --filename job-before.yaml --output yaml"
                        .to_owned(),
                    format!("{FORGET_JOB} - --output yaml"),
                ])
                .collect(),
        ),
        (
            "Pod",
            vec![
                "get pod/orders --namespace shop --output yaml".to_owned(),
                "set serviceaccount orders --local --filename pod-before.yaml --output yaml"
                    .to_owned(),
                "replace --force --filename pod-after.yaml".to_owned(),
            ],
        ),
        (
            "Rollout",
            vec!["edit rollout/orders --namespace shop".to_owned()],
        ),
    ];
    for (kind, wanted) in wanted {
        let mut wanted: BTreeSet<String> = wanted.into_iter().collect();
        wanted.insert("create serviceaccount orders --namespace shop".to_owned());
        assert_eq!(of_program(&shared(kind), "kubectl"), wanted, "{kind}");
    }
}

#[test]
fn a_workload_that_nothing_is_known_of_is_moved() {
    let mut unknown = of_kind("Deployment", Cause::NoBinding);
    unknown.owner = None;
    unknown.service_account = Some("default".to_owned());
    let fix = fix(&unknown);
    check(&fix);
    let commands = of_program(&fix, "kubectl");
    let wanted = "set serviceaccount set-by-user set-by-user --namespace shop";
    assert!(commands.contains(wanted), "{commands:?}");
}

#[test]
fn pods_are_made_anew_by_what_makes_them() {
    let wanted: [(&str, BTreeSet<String>); 6] = [
        (
            "Deployment",
            ["rollout restart deployment/orders --namespace shop".to_owned()].into(),
        ),
        ("ReplicaSet", ANEW.map(str::to_owned).into()),
        (
            "CronJob",
            ["get cronjob/orders --namespace shop".to_owned()].into(),
        ),
        (
            "Job",
            JOB_ANEW
                .map(str::to_owned)
                .into_iter()
                .chain([format!("{FORGET_JOB} job-before.yaml --output yaml")])
                .collect(),
        ),
        (
            "Pod",
            [
                "get pod/orders --namespace shop --output yaml".to_owned(),
                "replace --force --filename pod-before.yaml".to_owned(),
            ]
            .into(),
        ),
        (
            "Rollout",
            ["get pods --namespace shop --output wide".to_owned()].into(),
        ),
    ];
    for (kind, wanted) in wanted {
        for cause in [Cause::NoBinding, Cause::PodPredatesBinding] {
            let fix = fix(&of_kind(kind, cause));
            check(&fix);
            assert_eq!(of_program(&fix, "kubectl"), wanted, "{kind}, {cause:?}");
        }
    }
}

#[test]
fn changes_go_where_the_template_is() {
    for (kind, template, images) in [
        ("Deployment", "/spec/template", ".spec.template"),
        ("ReplicaSet", "/spec/template", ".spec.template"),
        (
            "CronJob",
            "/spec/jobTemplate/spec/template",
            ".spec.jobTemplate.spec.template",
        ),
        ("Job", "/spec/template", ".spec.template"),
        ("Pod", "", ""),
    ] {
        for (cause, path) in [
            (Cause::HostNetwork, "/spec/hostNetwork"),
            (
                Cause::ContainerSkipped,
                "/metadata/annotations/eks.amazonaws.com~1skip-containers",
            ),
        ] {
            let fix = fix(&of_kind(kind, cause));
            check(&fix);
            let wanted = format!(r#""path":"{template}{path}""#);
            let patches: Vec<String> = of_program(&fix, "kubectl")
                .into_iter()
                .filter(|command| command.starts_with("patch ") && command.contains(&wanted))
                .collect();
            assert_eq!(patches.len(), 1, "{kind}, {cause:?}: {}", script(&fix));
            let in_copy = patches[0].contains("--local --filename ");
            assert_eq!(in_copy, ["Job", "Pod"].contains(&kind), "{patches:?}");
        }
        let old = fix(&of_kind(kind, Cause::SdkTooOld));
        check(&old);
        let wanted = format!("jsonpath={{{images}.spec.containers[*].image}}");
        assert!(script(&old).contains(&wanted), "{}", script(&old));
    }
}

#[test]
fn notes_fit_the_kind() {
    for (kind, wanted) in [
        ("ReplicaSet", "scaled to none"),
        ("CronJob", "next run"),
        ("Job", "the Job is deleted and runs anew"),
        ("Pod", "it is deleted and made anew"),
        ("Rollout", "is not known"),
    ] {
        for fix in [
            shared(kind),
            fix(&of_kind(kind, Cause::PodPredatesBinding)),
            fix(&of_kind(kind, Cause::HostNetwork)),
        ] {
            let notes = fix.notes.join("\n");
            assert!(notes.contains(wanted), "{kind}: {notes}");
            assert!(!notes.contains("hence the new pods"), "{kind}: {notes}");
        }
        let old = fix(&of_kind(kind, Cause::SdkTooOld));
        assert!(!old.notes.join("\n").contains(wanted), "{kind}");
    }
}

/// The commands of the AWS CLI in fixes, each with all its options.
const AWS_COMMANDS: [(&str, &str); 11] = [
    ("eks create-addon", "--region --cluster-name --addon-name"),
    (
        "eks wait addon-active",
        "--region --cluster-name --addon-name",
    ),
    (
        "eks create-pod-identity-association",
        "--region --cluster-name --namespace --service-account --role-arn",
    ),
    (
        "eks list-pod-identity-associations",
        "--region --cluster-name --namespace",
    ),
    (
        "iam create-role",
        "--role-name --assume-role-policy-document",
    ),
    (
        "iam put-role-policy",
        "--role-name --policy-name --policy-document",
    ),
    ("iam create-policy", "--policy-name --policy-document"),
    ("iam attach-role-policy", "--role-name --policy-arn"),
    ("iam get-role", "--role-name --output --query"),
    (
        "iam update-assume-role-policy",
        "--role-name --policy-document",
    ),
    (
        "iam create-open-id-connect-provider",
        "--url --client-id-list",
    ),
];

#[test]
fn commands_of_the_aws_cli_are_whole() {
    let mut seen = BTreeSet::new();
    for (cause, name) in CAUSES {
        let many = Case {
            policy: documents(vec![observed(), observed()]),
            ..case(cause)
        };
        for case in [case(cause), bare(cause), many] {
            for command in commands_of(&fix(&case)) {
                let Some(("aws", words)) = command
                    .split_first()
                    .map(|(program, words)| (program.as_str(), words))
                else {
                    continue;
                };
                let options = words.iter().position(|word| word.starts_with("--"));
                let (operation, options) = words.split_at(options.unwrap_or(words.len()));
                let operation = operation.join(" ");
                let names: Vec<&str> = options.iter().step_by(2).map(String::as_str).collect();
                let known = AWS_COMMANDS.iter().find(|(known, _)| *known == operation);
                assert_eq!(
                    known.map(|(_, options)| *options),
                    Some(names.join(" ").as_str()),
                    "{name}: {command:?}"
                );
                assert_eq!(options.len() % 2, 0, "{command:?}");
                for value in options.iter().skip(1).step_by(2) {
                    assert!(!value.is_empty() && !value.starts_with('-'), "{command:?}");
                }
                seen.insert(operation);
            }
        }
    }
    assert_eq!(seen.len(), AWS_COMMANDS.len(), "{seen:?}");
}

#[test]
fn terraform_is_as_its_formatter_writes_it() {
    let mut texts: Vec<String> = KINDS
        .iter()
        .filter_map(|kind| shared(kind).terraform)
        .collect();
    for (cause, _) in CAUSES {
        let many = Case {
            policy: documents(vec![observed(), observed()]),
            ..case(cause)
        };
        let fixes = [case(cause), bare(cause), many].map(|case| fix(&case));
        texts.extend(fixes.into_iter().filter_map(|fix| fix.terraform));
    }
    for text in texts {
        let started = Process::new("terraform")
            .args(["fmt", "-check", "-diff", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match started {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: no terraform");
                return;
            }
            started => started.unwrap(),
        };
        let mut input = process.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let output = process.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{text}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn terraform_makes_the_service_account() {
    let terraform = shared("Pod").terraform.unwrap();
    for part in [
        "resource \"kubernetes_service_account_v1\" \"orders\" {\n  metadata {\n    name      = \"orders\"\n    namespace = \"shop\"\n  }\n}\n",
        "service_account = kubernetes_service_account_v1.orders.metadata[0].name\n",
    ] {
        assert!(terraform.contains(part), "{terraform}");
    }
    let own = fix(&of_kind("Pod", Cause::NoBinding)).terraform.unwrap();
    assert!(!own.contains("kubernetes_service_account"), "{own}");
}

fn call<'a>(event_name: &'a str, error_code: Option<&'a str>) -> Call<'a> {
    Call {
        event_source: "s3.amazonaws.com",
        event_name,
        error_code,
        region: "eu-west-1",
        account_id: "111122223333",
        about: About::Name("reports"),
        calls: 1,
        ..Call::default()
    }
}

fn with_calls(calls: &[Call<'_>]) -> Fix {
    let fix = fix(&Case {
        policy: policy(calls.iter().copied(), Options::default()).unwrap(),
        ..of_kind("Pod", Cause::NoBinding)
    });
    check(&fix);
    fix
}

#[test]
fn what_was_refused_is_not_granted() {
    let refused = call("ListBuckets", Some("AccessDenied"));
    let only_refused = with_calls(&[refused]);
    assert_eq!(only_refused.policy, Vec::<Value>::new());
    assert!(!script(&only_refused).contains("policy-name"));
    let notes = only_refused.notes.join("\n");
    for part in [
        "All that was seen and needs a permission was refused",
        "Refused, and not granted: s3:ListAllMyBuckets.",
    ] {
        assert!(notes.contains(part), "{notes}");
    }

    let both = with_calls(&[refused, call("ListObjects", None)]);
    let granted = both.policy[0].to_string();
    assert!(granted.contains("arn:aws:s3:::reports"), "{granted}");
    assert!(!granted.contains("ListAllMyBuckets"), "{granted}");
    assert!(both.notes.join("\n").contains("Refused, and not granted"));
    assert!(
        both.policy_notes
            .iter()
            .any(|note| note.text.contains("s3:ListAllMyBuckets was refused"))
    );

    let unknown = Call {
        event_source: "odd.name.example.com",
        ..call("DoThing", None)
    };
    let notes = with_calls(&[unknown]).notes.join("\n");
    let wanted = "no IAM action is known for it: odd.name.example.com DoThing.";
    assert!(notes.contains(wanted), "{notes}");
    assert!(notes.contains("No calls of its own were seen"), "{notes}");
}
