//! `podtrail explain` as a person asks: the way from a pod to a call, and what would make an answer more certain.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use podtrail_tests::program::{run, workspace};
use serde_json::{Value, json};

/// A store with the records and the inventory of a scenario.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn of(scenario: &str) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let scenario = workspace().join("query/tests/scenarios").join(scenario);
        place.run(&["ingest"], &scenario.join("records.json"));
        let inventory = scenario.join("inventory");
        if inventory.is_dir() {
            place.run(&["inventory", "import"], &inventory);
        }
        place
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn run(&self, command: &[&str], path: &Path) {
        let path = path.to_str().unwrap();
        run(&self.store(), &[command, &[path]].concat()).expect(0);
    }

    /// Tells a story for people.
    fn told(&self, subject: &str) -> String {
        run(&self.store(), &["explain", subject]).expect(0).stdout
    }

    /// Tells the same as JSON.
    fn story(&self, subject: &str) -> Value {
        let told = run(&self.store(), &["explain", subject, "-o", "json"]).expect(0);
        serde_json::from_str(&told.stdout).unwrap()
    }
}

/// The values of a member of rows.
fn column(rows: &Value, name: &str) -> Vec<Value> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row[name].clone()).collect()
}

/// Demands what would make an answer more certain: a text that each step has, and its command.
#[track_caller]
fn assert_missing(story: &Value, expected: &[(&str, Option<&str>)]) {
    let missing = story["missing"].as_array().unwrap();
    assert_eq!(missing.len(), expected.len(), "{missing:#?}");
    for (step, (text, command)) in missing.iter().zip(expected) {
        assert!(step["text"].as_str().unwrap().contains(text), "{step}");
        assert_eq!(step["command"].as_str(), *command, "{step}");
    }
}

#[test]
fn the_way_of_the_credentials_is_told_from_the_pod_to_the_call() {
    let place = Place::of("chain_of_two");
    let all = json!(["1-mint", "2-assume", "3-assume"]);
    for call in ["4-call", "5-forwarded", "6-denied"] {
        let chain = &place.story(call)["chain"];
        assert_eq!(json!(column(chain, "event_id")), all, "{call}");
    }
    let chain = &place.story("4-call")["chain"];
    assert_eq!(json!(column(chain, "hops")), json!([0, 1, 2]));
    assert_eq!(
        json!(column(chain, "event_name")),
        json!(["AssumeRoleWithWebIdentity", "AssumeRole", "AssumeRole"])
    );
    assert_eq!(
        json!(column(chain, "issued_at")),
        json!([
            "2026-03-02T09:00:00Z",
            "2026-03-02T09:00:01Z",
            "2026-03-02T09:00:02Z"
        ])
    );
    assert_eq!(column(chain, "mechanism"), ["irsa", "irsa", "irsa"]);
    assert_eq!(
        chain[0]["role_arn"],
        "arn:aws:iam::111122223333:role/app/reports-reader"
    );
    assert_eq!(
        chain[2]["role_arn"],
        "arn:aws:iam::111122223333:role/hop-two"
    );
    // Made with the first session, and with a token.
    assert_eq!(
        column(&place.story("2-assume")["chain"], "event_id"),
        ["1-mint"]
    );
    assert_eq!(place.story("1-mint")["chain"], json!([]));

    let told = place.told("4-call");
    let (_, chain) = told.split_once("\nchain\n").unwrap();
    let (chain, _) = chain.split_once("\nevidence\n").unwrap();
    assert!(chain.contains("AssumeRoleWithWebIdentity"), "{chain}");

    // So it is for the access key, and for its session.
    for subject in [
        "ASIAHOP2000000000001",
        "arn:aws:sts::111122223333:assumed-role/hop-two/two",
    ] {
        let story = place.story(subject);
        let sections = story["sections"].as_array().unwrap();
        let chain = sections.iter().find(|part| part["title"] == "chain");
        let rows = &chain.unwrap()["rows"];
        assert_eq!(json!(column(rows, "event_id")), all, "{subject}");
    }
}

#[test]
fn a_record_that_is_missing_is_asked_for() {
    let place = Place::of("session_older_than_trail");
    let collect = Some("podtrail inventory collect");
    let backfill = Some("podtrail ingest --backfill 'lookup://us-east-1'");
    let record = "assumed-role/reports-reader/1772442000123456789 at 2026-03-02T04:00:00Z is not in the store";
    let expected = [
        (record, None),
        ("of the last 90 days", backfill),
        ("no binding of the role is known", collect),
    ];
    // Of a call with a role that was assumed with that session, the same is missing.
    for call in ["1-call", "4-chained"] {
        assert_missing(&place.story(call), &expected);
    }
    let told = place.told("1-call");
    for text in [
        "\nmore certain: the record",
        "\n  podtrail ingest --backfill",
    ] {
        assert!(told.contains(text), "{told}");
    }
    assert_missing(&place.story("ASIAREADER0000000001"), &expected[..2]);
}

#[test]
fn pods_that_are_not_known_are_asked_for() {
    let place = Place::of("fallback_two_candidates");
    let audit = Some("podtrail inventory import AUDIT_LOG --cluster 'payments'");
    let report = Some("podtrail report fallbacks --cluster 'payments'");
    assert_missing(
        &place.story("1-call"),
        &[
            (
                "first look at the pods of payments is of 2026-05-01T12:00:00Z",
                audit,
            ),
            ("198.51.100.20 is not the address of the pod", None),
            ("a role of its own", report),
        ],
    );
    assert_missing(&place.story("0-cni"), &[]);
    // What its address names is as certain as can be.
    let named = Place::of("fallback_by_address");
    assert_missing(&named.story("1-call"), &[]);
}

#[test]
fn session_tags_are_asked_for_where_they_are_disabled() {
    let place = Place::of("pod_identity_untagged_with_association");
    let enable = "aws eks update-pod-identity-association --no-disable-session-tags --cluster-name 'payments' \
                  --association-id 'a-0a1b2c3d4e5f60001'";
    let story = place.story("2-call");
    let missing = story["missing"].as_array().unwrap();
    let commands: Vec<&str> = missing
        .iter()
        .filter_map(|step| step["command"].as_str())
        .collect();
    assert!(commands.contains(&enable), "{missing:#?}");
}

#[test]
fn a_pod_has_the_story_of_its_workload_and_not_of_others_of_its_service_account() {
    let place = Place::of("fallback_by_address");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "report-x", "namespace": "shop", "uid": "report-x", "creationTimestamp": "2026-05-01T11:00:00Z",
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "report", "uid": "report", "controller": true}]},
        "spec": {"serviceAccountName": "web", "nodeName": "ip-10-0-1-10.ec2.internal",
            "containers": [{"name": "app", "image": "registry.example.com/team/report:1"}]},
        "status": {"phase": "Running", "podIP": "10.0.1.60", "startTime": "2026-05-01T11:00:00Z"},
    });
    let file = place.folder.path().join("pod-20260501T120000Z.json");
    std::fs::write(&file, pod.to_string()).unwrap();
    place.run(&["inventory", "import", "--cluster", "payments"], &file);
    let verdict = |subject: &str| place.story(subject)["verdict"].as_str().unwrap().to_owned();
    let workload = "workload shop/web";
    for (pod, said) in [
        (
            "",
            "reached AWS by node_role; it falls back to the node role, cause: no_binding",
        ),
        (
            "/web-6c9d8f7b54-m4n8p",
            "reached AWS by node_role; its workload Deployment/web falls back to the node role, cause: no_binding",
        ),
        ("/report-x", "made no call that the store shows"),
    ] {
        let subject = format!("payments/shop/web{pod}");
        assert_eq!(verdict(&subject), format!("{workload} {said}"), "{subject}");
    }
}

/// One of the two clusters of the scenarios of namesakes.
const PAYMENTS: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";

#[test]
fn a_cluster_whose_name_another_has_is_asked_for_by_its_arn() {
    let place = Place::of("namesakes");
    let other = PAYMENTS.replace("111122223333", "444455556666");
    let subject = format!("{PAYMENTS}/money/ledger");
    for command in ["explain", "policy"] {
        let refused = run(&place.store(), &[command, "payments/money/ledger"]).expect(2);
        for arn in [PAYMENTS, &other] {
            assert!(refused.stderr.contains(arn), "{arn} in {}", refused.stderr);
        }
        run(&place.store(), &[command, &subject]).expect(0);
    }
    let story = place.story("reports/reader-0");
    let verdict = story["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with("2 pods are named reader-0"),
        "{verdict}"
    );
    for (cluster, own, others) in [("payments", true, true), (PAYMENTS, true, false)] {
        let report = ["report", "workloads", "--cluster", cluster, "-o", "ndjson"];
        let rows = run(&place.store(), &report).expect(0).stdout;
        let shown = (rows.contains(PAYMENTS), rows.contains(&other));
        assert_eq!(shown, (own, others), "{cluster}: {rows}");
    }
}

#[test]
fn pods_of_a_cluster_whose_name_another_has_are_missing_until_they_say_of_which() {
    let place = Place::of("namesakes_unplaced");
    let printed = workspace().join("query/tests/scenarios/namesakes_unplaced/kubectl");
    place.run(&["inventory", "import", "--cluster", "payments"], &printed);
    let story = place.story("01-call-a");
    assert_eq!(story["attribution"]["pod"], Value::Null);
    let missing = column(&story["missing"], "text");
    let why = "does not say of which cluster named payments it is";
    assert!(
        missing
            .iter()
            .any(|text| text.as_str().unwrap().contains(why)),
        "{missing:?}"
    );
    place.run(&["inventory", "import", "--cluster", PAYMENTS], &printed);
    let story = place.story("01-call-a");
    assert_eq!(story["attribution"]["pod"], "web-6c9d8f7b54-m4n8p");
    let story = place.story("07-call-b");
    assert_eq!(story["attribution"]["pod"], Value::Null);
}
