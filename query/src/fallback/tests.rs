#![allow(clippy::unwrap_used)]
use serde_json::Value;

use super::{candidates_text, fix, id, sdk_too_old, search};

#[test]
fn ids_are_stable_and_keep_parts_apart() {
    assert_eq!(id(&[Some("a"), None]), id(&[Some("a"), None]));
    assert_ne!(id(&[Some("ab"), Some("c")]), id(&[Some("a"), Some("bc")]));
    assert_eq!(id(&[Some("a"), None]).len(), 16);
}

#[test]
fn an_old_sdk_is_named_with_what_it_needs() {
    let found = sdk_too_old("Boto3/1.20.0 Python/3.8 Botocore/1.23.0", "pod_identity").unwrap();
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["version"], "1.20.0");
    assert_eq!(found["minimum"], "1.34.41");
    assert_eq!(sdk_too_old("Boto3/1.35.0 Python/3.8", "pod_identity"), None);
    assert_eq!(sdk_too_old("Boto3/1.20.0", "node_role"), None);
}

#[test]
fn of_several_programs_the_old_one_is_named() {
    let new = "aws-sdk-go-v2/1.36.3 lang/go#1.24.5";
    let old = "Boto3/1.26.90 Python/3.9.16";
    for programs in [format!("{old}\n{new}"), format!("{new}\n{old}")] {
        let found = sdk_too_old(&programs, "pod_identity").unwrap();
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["program"], old);
        assert_eq!(found["version"], "1.26.90");
    }
    assert_eq!(sdk_too_old(&format!("{new}\ncurl/8"), "pod_identity"), None);
}

#[test]
fn a_fix_has_commands_that_name_the_workload() {
    let arguments = [
        Some("no_binding"),
        Some("prod"),
        Some("eu-west-1"),
        Some("111122223333"),
        Some("shop"),
        Some("web"),
        None,
        None,
        None,
        Some("Deployment/web"),
        None,
        None,
        Some("true"),
        Some(
            r#"[{"event_source":"s3.amazonaws.com","event_name":"GetObject","denied":false,"management_event":false,
                 "region":"eu-west-1","account_id":"111122223333","resources":["reports"]},
                {"event_source":"s3.amazonaws.com","event_name":"ListBuckets","denied":true,"management_event":true,
                 "region":"eu-west-1","account_id":"111122223333","resources":[null]}]"#,
        ),
    ];
    let found: Value = serde_json::from_str(&fix(&arguments).unwrap()).unwrap();
    let commands = found["commands"].to_string();
    for part in [
        "create-pod-identity-association",
        "shop",
        "web",
        "s3:GetObject",
        "arn:aws:s3:::reports/*",
    ] {
        assert!(commands.contains(part), "{part} in {commands}");
    }
    assert!(!commands.contains("s3:ListAllMyBuckets"), "{commands}");
    for part in ["s3:ListAllMyBuckets was refused", "generalised"] {
        let notes = found["policy_notes"].to_string();
        assert!(notes.contains(part), "{part} in {notes}");
    }
    // Of several clusters of one name, the ARN tells name and region.
    let mut arguments = arguments;
    arguments[1] = Some("arn:aws:eks:eu-central-1:111122223333:cluster/prod");
    let found: Value = serde_json::from_str(&fix(&arguments).unwrap()).unwrap();
    let commands = found["commands"][0].to_string();
    assert!(
        commands.contains("eu-central-1") && !commands.contains("cluster/prod"),
        "{commands}"
    );
    assert!(fix(&[None]).is_none());
}

#[test]
fn candidates_are_told_with_their_reasons() {
    let candidate = |workload: &str, score: f64, reasons: Value| {
        serde_json::json!({"namespace": "shop", "pods": [], "reasons": reasons, "score": score, "service_account": null,
            "workload": workload})
    };
    let seen = serde_json::json!([{"detail": "it was on the node", "reason": "seen"}, {"detail": "it works", "reason": "covered"}]);
    let list = serde_json::json!([
        candidate("Deployment/web", 0.571, serde_json::json!([])),
        candidate("Deployment/cart", 0.2, seen),
    ]);
    let cases = [
        (
            list.to_string(),
            Some("shop/Deployment/web (0.57); shop/Deployment/cart (0.20: seen, covered)"),
        ),
        ("[]".to_owned(), None),
        ("broken".to_owned(), None),
    ];
    for (list, expected) in cases {
        assert_eq!(candidates_text(&list).as_deref(), expected, "{list}");
    }
}

#[test]
fn of_nobody_it_is_said_how_to_find_out_who() {
    let candidates = r#"[{"namespace":"shop","pods":["web-0"],"score":0.5,"service_account":"web","workload":"StatefulSet/web"}]"#;
    let arguments = [
        Some("prod"),
        Some("i-0a1b2c3d i-1a2b3c4d"),
        Some("2026-05-01T10:00:00Z"),
        Some("2026-05-01T11:30:00Z"),
        Some("aws-cli/2.15.30\nBoto3/1.34.0"),
        Some(candidates),
        Some("true"),
    ];
    let found: Value = serde_json::from_str(&search(&arguments).unwrap()).unwrap();
    let notes = found["notes"].to_string();
    for part in [
        "i-0a1b2c3d, i-1a2b3c4d",
        "aws-cli/2.15.30; Boto3/1.34.0",
        "shop/StatefulSet/web (0.50)",
    ] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    assert_eq!(found["terraform"], Value::Null);
    assert_eq!(found["policy"], serde_json::json!([]));
    let nothing: Value = serde_json::from_str(&search(&[None; 7]).unwrap()).unwrap();
    assert!(!nothing["commands"].as_array().unwrap().is_empty());
    assert!(search(&[None]).is_none());
}
