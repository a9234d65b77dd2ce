use serde_json::{Value, json};

use super::super::Fact;
use super::super::chain::Step;
use super::super::held::Association;
use super::*;

/// A text that a step has, and its command.
type Expected = (&'static str, Option<&'static str>);

/// Demands the steps of an answer, and no others.
#[track_caller]
fn check(event: &Value, attribution: &Value, facts: &[&str], held: &Held, expected: &[Expected]) {
    let evidence: Vec<Fact> = facts
        .iter()
        .map(|fact| Fact {
            fact: (*fact).to_owned(),
            detail: None,
            event_id: None,
            event: None,
        })
        .collect();
    let answer = Answer {
        event,
        attribution: Some(attribution).filter(|row| row.is_object()),
        evidence: &evidence,
        chain: &[],
    };
    let found = steps(answer, held);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (step, (text, command)) in found.iter().zip(expected) {
        assert!(step.text.contains(text), "{text}: {step:?}");
        assert_eq!(step.command.as_deref(), *command, "{step:?}");
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    super::super::unissued::time(&json!(text))
}

fn with(row: &Value, more: &Value) -> Value {
    let mut row = row.clone();
    let all = row.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    row
}

/// A call of a role session from behind a NAT gateway.
fn call() -> Value {
    json!({
        "event_id": "e", "event_time": "2026-05-01T10:00:00Z", "event_source": "s3.amazonaws.com",
        "source_ip_address": "198.51.100.7", "identity_type": "AssumedRole", "session_name": "web",
        "session_issuer_arn": "arn:aws:iam::111122223333:role/app", "invoked_by": null,
    })
}

fn of_irsa() -> Value {
    json!({
        "actor": "workload", "access_path": "irsa", "cluster": "prod", "namespace": "shop", "service_account": "web",
        "pod": null, "hops": 0, "confidence": "exact",
    })
}

fn of_node() -> Value {
    json!({
        "actor": "workload", "access_path": "node_role", "cluster": "prod", "namespace": "shop", "service_account": "web",
        "pod": null, "hops": 0, "confidence": "candidate",
    })
}

fn unissued() -> Unissued {
    Unissued {
        arn: "arn:aws:sts::111122223333:assumed-role/app/web".to_owned(),
        role_arn: Some("arn:aws:iam::111122223333:role/app".to_owned()),
        issued_at: time("2026-05-01T09:59:30Z"),
        account: Some("111122223333".to_owned()),
        ..Unissued::default()
    }
}

/// Looks an hour and less around the call.
fn near() -> Looks {
    Looks {
        before: time("2026-05-01T09:30:00Z"),
        after: time("2026-05-01T10:30:00Z"),
    }
}

const NAT: Expected = ("198.51.100.7 is not the address of the pod", None);
const OWN_ROLE: Expected = (
    "a role of its own",
    Some("podtrail report fallbacks --cluster 'prod' --namespace 'shop' --service-account 'web'"),
);
const COLLECT_PODS: Option<&str> = Some("podtrail inventory collect --cluster 'prod'");

#[test]
fn what_is_certain_asks_for_nothing_but_the_pod() {
    let held = Held::default();
    check(&call(), &of_irsa(), &[], &held, &[NAT]);
    let named = with(&of_irsa(), &json!({"pod": "web-0"}));
    check(&call(), &named, &["pod_address"], &held, &[]);
    let forwarded = with(
        &call(),
        &json!({"invoked_by": "s3.amazonaws.com", "source_ip_address": "s3.amazonaws.com"}),
    );
    check(&forwarded, &of_irsa(), &[], &held, &[]);
    for actor in ["node_agent", "control_plane"] {
        let row = with(
            &of_node(),
            &json!({"actor": actor, "confidence": "exact", "service_account": null}),
        );
        check(&call(), &row, &[], &held, &[]);
    }
}

#[test]
fn a_private_address_names_the_pod_where_an_inventory_does() {
    let private = with(&call(), &json!({"source_ip_address": "10.0.1.5"}));
    let held = Held {
        looks: Some(Looks::default()),
        ..Held::default()
    };
    check(
        &private,
        &of_irsa(),
        &[],
        &held,
        &[("no inventory of the pods of prod", COLLECT_PODS)],
    );
    let known = Held {
        looks: Some(near()),
        ..Held::default()
    };
    check(&private, &of_irsa(), &[], &known, &[]);
    let gateway = with(&private, &json!({"vpc_endpoint_id": "vpce-1"}));
    check(
        &gateway,
        &of_irsa(),
        &[],
        &known,
        &[(
            "gateway endpoint show the address of the node, 10.0.1.5",
            None,
        )],
    );
    let other = with(&gateway, &json!({"event_source": "sqs.amazonaws.com"}));
    check(&other, &of_irsa(), &[], &known, &[]);
    let issuer = with(
        &of_irsa(),
        &json!({"cluster": "oidc.eks.eu-west-1.amazonaws.com/id/0A1B"}),
    );
    let collect = Some("podtrail inventory collect");
    check(
        &private,
        &issuer,
        &[],
        &held,
        &[("no inventory of the pods of oidc.eks", collect)],
    );
}

#[test]
fn addresses_that_can_be_a_pods_are_told_from_others() {
    for (address, expected) in [
        ("10.0.1.5", true),
        ("172.31.0.1", true),
        ("192.168.4.4", true),
        ("100.64.0.1", true),
        ("100.127.255.254", true),
        ("100.128.0.1", false),
        ("198.51.100.7", false),
        ("2001:db8::1", true),
        ("s3.amazonaws.com", false),
        ("AWS Internal", false),
    ] {
        let event = json!({ "source_ip_address": address });
        let answer = Answer {
            event: &event,
            attribution: None,
            evidence: &[],
            chain: &[],
        };
        assert_eq!(answer.shows_pods_address(), expected, "{address}");
    }
}

#[test]
fn a_fallback_asks_for_pods_around_the_call() {
    let audit = Some("podtrail inventory import AUDIT_LOG --cluster 'prod'");
    let (before, after) = (time("2026-05-01T08:00:00Z"), time("2026-05-01T12:00:00Z"));
    for (looks, expected) in [
        (
            Looks::default(),
            Some(("no inventory of the pods of prod", COLLECT_PODS)),
        ),
        (
            Looks {
                before,
                after: None,
            },
            Some((
                "the last look at the pods of prod is of 2026-05-01T08:00:00Z",
                COLLECT_PODS,
            )),
        ),
        (
            Looks {
                before: None,
                after,
            },
            Some(("the first look at the pods of prod is of", audit)),
        ),
        (
            Looks { before, after },
            Some((
                "are of 2026-05-01T08:00:00Z and 2026-05-01T12:00:00Z",
                audit,
            )),
        ),
        (near(), None),
    ] {
        let held = Held {
            looks: Some(looks),
            ..Held::default()
        };
        let mut all: Vec<Expected> = expected.into_iter().collect();
        all.extend([NAT, OWN_ROLE]);
        check(&call(), &of_node(), &["candidates"], &held, &all);
    }
}

#[test]
fn a_node_role_that_is_not_certain_asks_what_describes_clusters() {
    let agent = with(
        &of_node(),
        &json!({"actor": "node_agent", "confidence": "inferred", "service_account": null}),
    );
    let collect = Some("podtrail inventory collect");
    let held = |role_is_inferred, cluster_of_role| Held {
        role_is_inferred,
        cluster_of_role,
        ..Held::default()
    };
    check(&call(), &agent, &[], &held(false, false), &[]);
    check(
        &call(),
        &agent,
        &[],
        &held(true, false),
        &[("is done by other software as well", collect)],
    );
    check(
        &call(),
        &agent,
        &[],
        &held(true, true),
        &[("only other nodes of the role", collect)],
    );
    let nowhere = with(&agent, &json!({"cluster": null, "confidence": "unknown"}));
    check(
        &call(),
        &nowhere,
        &[],
        &held(false, false),
        &[("no record names the cluster of the node", collect)],
    );
    let role = json!({"actor": "control_plane", "access_path": "cluster_role", "confidence": "inferred", "hops": 0});
    check(
        &call(),
        &role,
        &[],
        &held(false, false),
        &[("calls for load balancers alone", collect)],
    );
    let instance = with(&call(), &json!({"session_name": "i-0a1b2c3d4e5f60001"}));
    check(
        &instance,
        &Value::Null,
        &[],
        &held(false, false),
        &[(
            "role/app is that of a cluster's nodes is not known",
            collect,
        )],
    );
}

#[test]
fn a_session_whose_issuing_record_is_missing_asks_for_it() {
    let unknown = with(
        &of_irsa(),
        &json!({"confidence": "unknown", "service_account": null, "namespace": null}),
    );
    let facts = ["oidc_provider"];
    let of = |unissued: Unissued, has_binding| Held {
        unissued: Some(unissued),
        has_binding,
        ..Held::default()
    };
    let nothing = "of account 111122223333 the store has nothing of 2026-05-01";
    let held = of(unissued(), Some(true));
    check(&call(), &unknown, &facts, &held, &[(nothing, None)]);
    // The same, where nobody knows who the session could be.
    check(&call(), &Value::Null, &[], &held, &[(nothing, None)]);

    let held = of(
        Unissued {
            regions: vec!["eu-west-1".to_owned()],
            bucket: Some("s3://acme trail".to_owned()),
            lookup_region: Some("eu-west-1".to_owned()),
            ..unissued()
        },
        Some(false),
    );
    let s3 = "podtrail ingest 's3://acme trail' --account '111122223333' --from '2026-05-01T09:00:00Z' --to '2026-05-01T10:00:00Z'";
    let lookup = "podtrail ingest --backfill 'lookup://eu-west-1'";
    check(
        &call(),
        &unknown,
        &facts,
        &held,
        &[
            (
                "2026-05-01 the store has eu-west-1, and STS records",
                Some(s3),
            ),
            ("of the last 90 days", Some(lookup)),
            (
                "no binding of the role is known",
                Some("podtrail inventory collect"),
            ),
        ],
    );

    let timeless = Unissued {
        issued_at: None,
        ..unissued()
    };
    check(
        &call(),
        &Value::Null,
        &[],
        &of(timeless, None),
        &[("ingest the hours before the first call with them", None)],
    );
    let copied = Unissued {
        copy_event_id: Some("copy".to_owned()),
        account: Some("444455556666".to_owned()),
        ..unissued()
    };
    check(
        &call(),
        &Value::Null,
        &[],
        &of(copied, None),
        &[(
            "by copy, which says of the caller only its account 444455556666 and its principal id",
            None,
        )],
    );
}

#[test]
fn sessions_without_tags_ask_for_them() {
    let row = with(
        &of_irsa(),
        &json!({"access_path": "pod_identity", "pod": "web-0", "confidence": "inferred"}),
    );
    let text = "issued without the session tags that name the pod";
    check(&call(), &row, &[], &Held::default(), &[(text, None)]);
    let held = Held {
        untagged: Some(Association {
            cluster: "prod".to_owned(),
            id: "a-1".to_owned(),
        }),
        ..Held::default()
    };
    let command = "aws eks update-pod-identity-association --no-disable-session-tags --cluster-name 'prod' --association-id 'a-1'";
    check(&call(), &row, &[], &held, &[(text, Some(command))]);
    let tagged = with(&row, &json!({"confidence": "exact"}));
    check(&call(), &tagged, &[], &held, &[]);
}

#[test]
fn what_shares_credentials_asks_for_its_own() {
    let several = with(
        &of_irsa(),
        &json!({"confidence": "candidate", "service_account": null}),
    );
    check(
        &call(),
        &several,
        &["several_fit"],
        &Held::default(),
        &[("AWS_ROLE_SESSION_NAME", None)],
    );
    let proxied = with(
        &of_node(),
        &json!({"access_path": "kube2iam", "confidence": "inferred"}),
    );
    check(
        &call(),
        &proxied,
        &[],
        &Held::default(),
        &[("kube2iam gives the session of a role", None)],
    );
}

#[test]
fn names_of_records_are_quoted_or_stand_in_no_command() {
    let hostile = with(&of_node(), &json!({"cluster": "a'; rm -rf ~; '"}));
    let held = Held {
        looks: Some(Looks::default()),
        ..Held::default()
    };
    let commands = |row: &Value| -> Vec<Option<String>> {
        let event = call();
        let answer = Answer {
            event: &event,
            attribution: Some(row),
            evidence: &[],
            chain: &[Step::default()],
        };
        steps(answer, &held)
            .into_iter()
            .map(|step| step.command)
            .collect()
    };
    assert_eq!(
        commands(&hostile)[0].as_deref(),
        Some(r"podtrail inventory collect --cluster 'a'\''; rm -rf ~; '\'''")
    );
    let unseen = with(&of_node(), &json!({"cluster": "a\u{202e}b"}));
    assert_eq!(commands(&unseen), [None, None, None]);
}
