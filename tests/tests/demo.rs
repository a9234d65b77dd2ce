//! The demo's history against its truth: everything attributed is right, and nothing else is.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use podtrail_tests::program::{self, number, run, sql};
use serde_json::Value;

/// What podtrail says of an event, against the truth.
fn judge(said: Option<&Value>, truth: &Value) -> Result<&'static str, String> {
    let Some(path) = truth["access_path"].as_str() else {
        return match said {
            None => Ok("not attributed"),
            Some(row) => Err(format!(
                "{} attributed to {}",
                truth["outsider"], row["access_path"]
            )),
        };
    };
    let Some(said) = said else {
        // The record that issued the credentials may lie in the gap of the trail, and its copy with it.
        return Ok("not told");
    };
    // Not told is not wrong, where podtrail says so.
    if truth["actor"] == "node_agent" && said["actor"] == "unknown" {
        return Ok("not told");
    }
    for column in ["access_path", "actor", "role_arn", "hops"] {
        if said[column] != truth[column] {
            return Err(format!(
                "{path}: {column} is {}, said {}",
                truth[column], said[column]
            ));
        }
    }
    // The trail shows the OIDC issuer, not the cluster's name, of an IRSA session.
    if said["cluster"] != truth["cluster"] && said["cluster"] != truth["issuer"] {
        return Err(format!(
            "{path}: cluster is {}, said {}",
            truth["cluster"], said["cluster"]
        ));
    }
    // A candidate is a guess and says so; what only one workload fits is right nearly always.
    let guess =
        path == "node_role" && truth["actor"] == "workload" && said["confidence"] != "exact";
    if guess && !said["service_account"].is_null() {
        let right = said["service_account"] == truth["service_account"]
            && said["namespace"] == truth["namespace"];
        return Ok(match (said["confidence"].as_str(), right) {
            (Some("inferred"), true) => "fallback",
            (Some("inferred"), false) => "inferred, and wrong",
            _ => "fallback candidate",
        });
    }
    for column in ["namespace", "service_account", "pod", "pod_uid", "node"] {
        if !said[column].is_null() && said[column] != truth[column] {
            return Err(format!(
                "{path}: {column} is {}, said {}",
                truth[column], said[column]
            ));
        }
    }
    if truth["actor"] == "node_agent" && said["component"] != truth["component"] {
        return Err(format!(
            "{path}: component is {}, said {}",
            truth["component"], said["component"]
        ));
    }
    let named = !said["service_account"].is_null();
    match (
        truth["actor"].as_str(),
        path,
        truth["issuing_event_id"].is_null(),
    ) {
        (Some("workload"), "irsa" | "pod_identity", false) if !named => Ok("not told"),
        (Some("workload"), "node_role", _) => Ok("fallback"),
        (Some("workload"), _, _) if named => Ok("workload named"),
        (Some("workload"), ..) => Ok("workload unknown, its issuing record is missing"),
        _ => Ok("node agent or control plane"),
    }
}

fn who_may_use_the_cluster_is_told(store: &Path) {
    let roles = run(store, &["report", "roles", "-o", "ndjson"])
        .expect(0)
        .rows();
    let kinds_of = |name: &str| -> Vec<&str> {
        let named = roles.iter().filter(|row| {
            row["role_arn"]
                .as_str()
                .is_some_and(|arn| arn.contains(name))
        });
        named.map(|row| row["kind"].as_str().unwrap()).collect()
    };
    let readers = kinds_of("AWSReservedSSO_ViewOnlyAccess");
    assert!(!readers.is_empty() && readers.iter().all(|kind| *kind == "cluster_access"));
    let admins = kinds_of("AWSReservedSSO_AdministratorAccess");
    assert!(admins.iter().any(|kind| kind.contains("cluster_admin")));
}

fn pods_of_the_lesson_get_a_fix(store: &Path) {
    let fallbacks = sql(
        store,
        "SELECT workload, cause, calls, denied, fix FROM fallbacks WHERE workload IN ('Pod/eks-iam-test1', 'Pod/eks-iam-test2') AND cluster = 'myeks'",
    );
    for pod in ["Pod/eks-iam-test1", "Pod/eks-iam-test2"] {
        let row = fallbacks
            .iter()
            .find(|row| row["workload"] == pod)
            .unwrap_or_else(|| panic!("{pod} is not named: {fallbacks:?}"));
        assert_eq!(row["cause"], "no_binding", "{pod}");
        let fix = row["fix"].as_str().unwrap();
        assert!(
            fix.contains("create-pod-identity-association"),
            "{pod}: {fix}"
        );
        // It runs as an account of its own in the end.
        for part in [
            "kubectl create serviceaccount",
            "kubectl set serviceaccount",
            "kubectl replace --force",
            "kubernetes_service_account_v1",
        ] {
            assert!(fix.contains(part), "{pod}, {part}: {fix}");
        }
        // What the node's role refused it is not granted without being asked.
        let fix: Value = serde_json::from_str(fix).unwrap();
        if row["calls"] == row["denied"] {
            assert_eq!(fix["policy"], serde_json::json!([]), "{pod}: {fix}");
        }
        let notes = fix["notes"].to_string();
        assert!(
            notes.contains("Refused, and not granted: ") && notes.contains("s3:ListAllMyBuckets"),
            "{pod}: {notes}"
        );
        assert!(
            fix["policy_notes"].to_string().contains("was refused"),
            "{pod}: {fix}"
        );
    }
}

#[test]
fn the_demo_is_attributed_as_its_truth_says() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    let arguments = [
        "demo",
        "--no-serve",
        "--seed",
        "7",
        "--end",
        "2026-05-02T00:00:00Z",
        "--clusters",
        "2",
        "--folder",
        demo.to_str().unwrap(),
    ];
    let shown = run(folder.path(), &arguments).expect(0);
    assert!(
        shown.stdout.contains("myeks-ng-1"),
        "the fallbacks report: {}",
        shown.stdout
    );
    let store = demo.join("store");
    let verdicts = verdicts(&demo);
    // What is not told although the records could tell is rare.
    let told: usize = verdicts.values().sum();
    let not_told = verdicts.get("not told").copied().unwrap_or(0);
    assert!(not_told * 500 < told, "{verdicts:?}");
    let count = |verdict: &str| verdicts.get(verdict).copied().unwrap_or(0);
    assert!(
        count("inferred, and wrong") * 50 < count("fallback"),
        "{verdicts:?}"
    );
    who_may_use_the_cluster_is_told(&store);
    pods_of_the_lesson_get_a_fix(&store);
    for verdict in [
        "fallback",
        "workload named",
        "not attributed",
        "node agent or control plane",
    ] {
        assert!(
            verdicts.get(verdict).is_some_and(|count| *count > 100),
            "{verdicts:?}"
        );
    }
    assert_eq!(
        number(&store, "SELECT count(*) FROM events"),
        i64::try_from(told).unwrap()
    );
}

/// Judges every event of a demo; nothing is told wrongly.
fn verdicts(demo: &Path) -> BTreeMap<&'static str, usize> {
    let rows = sql(&demo.join("store"), "SELECT * FROM attribution");
    let said: HashMap<&str, &Value> = rows
        .iter()
        .map(|row| (row["event_id"].as_str().unwrap(), row))
        .collect();
    assert_eq!(said.len(), rows.len(), "one row per event");
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong: Vec<String> = Vec::new();
    let truth = std::fs::read_to_string(demo.join("truth/truth.ndjson")).unwrap();
    for line in truth.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let event_id = truth["event_id"].as_str().unwrap();
        match judge(said.get(event_id).copied(), &truth) {
            Ok(verdict) => *verdicts.entry(verdict).or_default() += 1,
            Err(error) => wrong.push(format!("{event_id} {error}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong, such as:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    verdicts
}

/// The small demo shows every verdict on hop limit 1, with its reason, and a role that lets anybody in.
#[test]
fn the_small_demo_has_node_roles_that_are_safe_that_break_and_that_are_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    let arguments = [
        "demo",
        "--no-serve",
        "--end",
        "2026-05-02T00:00:00Z",
        "--folder",
        demo.to_str().unwrap(),
    ];
    run(folder.path(), &arguments).expect(0);
    verdicts(&demo);
    let store = demo.join("store");
    let readiness = sql(
        &store,
        "SELECT cluster, hop_limit_1, not_observed, unknown_calls FROM readiness ORDER BY cluster",
    );
    let of: Vec<(&str, &str)> = readiness
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            (text("cluster"), text("hop_limit_1"))
        })
        .collect();
    let expected = [
        ("myeks", "breaks"),
        ("payments", "safe"),
        ("staging", "unknown"),
    ];
    assert_eq!(of, expected, "{readiness:?}");
    let why = readiness[2]["not_observed"].as_str().unwrap();
    assert!(
        why.contains("its nodes were seen for less than 7 days"),
        "{why}"
    );
    let findings = run(&store, &["report", "unused", "-o", "ndjson"])
        .expect(0)
        .rows();
    let anybody = findings
        .iter()
        .filter(|row| row["finding"] == "wildcard_trust");
    let roles: Vec<&str> = anybody
        .map(|row| row["role_arn"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["arn:aws:iam::777788889999:role/payments-batch"]);
    // What was observed of a role is what the trail of its account shows.
    let observed = findings.iter().filter_map(|row| {
        let account = row["role_arn"].as_str()?.split(':').nth(4);
        Some((account, row["observed_from"].as_str()?))
    });
    let (longer, day): (Vec<_>, Vec<_>) =
        observed.partition(|(account, _)| *account == Some("777788889999"));
    assert!(
        longer
            .iter()
            .all(|(_, from)| from.starts_with("2026-04-23"))
    );
    assert!(!day.is_empty() && day.iter().all(|(_, from)| from.starts_with("2026-05-01")));
}

#[test]
fn reports_and_events_agree() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    run(
        folder.path(),
        &[
            "demo",
            "--no-serve",
            "--seed",
            "3",
            "--end",
            "2026-05-02T00:00:00Z",
            "--folder",
            demo.to_str().unwrap(),
        ],
    )
    .expect(0);
    let store = demo.join("store");
    let columns = "access_path, actor, component, cluster, namespace, service_account, pod_uid, node, hops, confidence, role_arn, error_code";
    let by_event = sql(
        &store,
        &format!(
            "SELECT {columns}, count(*) AS calls FROM attribution GROUP BY {columns} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"
        ),
    );
    let by_activity = sql(
        &store,
        &format!(
            "SELECT {columns}, CAST(sum(calls) AS BIGINT) AS calls FROM activity_attribution GROUP BY {columns} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"
        ),
    );
    assert!(by_event.len() > 50);
    assert_eq!(by_event, by_activity);
}

#[test]
fn the_same_seed_gives_the_same_trail() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let target = folder.path().join(name);
        let arguments = [
            "demo",
            "--generate-only",
            "--end",
            "2026-05-02T00:00:00Z",
            "--hours",
            "3",
            "--folder",
            target.to_str().unwrap(),
        ];
        run(folder.path(), &arguments).expect(0);
        std::fs::read(target.join("truth/truth.ndjson")).unwrap()
    };
    assert_eq!(make("one"), make("two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_serves_what_it_shows_until_it_is_stopped() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use podtrail_tests::service::{Client, eventually};

    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    let arguments = [
        "demo",
        "--hours",
        "2",
        "--end",
        "2026-05-02T00:00:00Z",
        "--listen",
        "127.0.0.1:0",
        "--folder",
        demo.to_str().unwrap(),
    ];
    let mut child = program::command(folder.path(), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("podtrail serves ").map(str::to_owned))
        .unwrap();
    // What it says further is read, so that it never waits to say it.
    let reading = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let client = Client::new(&address);
    let page = client.get("/").await.expect(200).text();
    let fallbacks = client.get("/api/v1/fallbacks").await.expect(200).items();
    assert!(!fallbacks.is_empty());
    let asked = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    let status = eventually("its end", || {
        let status = child.try_wait().unwrap();
        async move { status }
    })
    .await;
    assert_eq!(status.code(), Some(0));
    let said = reading.join().unwrap();
    let postgresql = "podtrail serves postgresql://127.0.0.1:";
    assert!(
        said.iter().any(|line| line.starts_with(postgresql)),
        "{said:#?}"
    );
    // Where there is a dashboard, it says so.
    let told = said.contains(&format!("dashboard at {address}/"));
    assert_eq!(told, page.contains("/assets/"), "{said:#?}");
}
