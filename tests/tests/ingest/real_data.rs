//! Public CloudTrail records that nobody here wrote: read whole, and nothing attributed that is not a
//! cluster's.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use podtrail_tests::program::{number, real_data, run, sql};
use serde_json::Value;

#[test]
fn everything_is_read_or_refused_with_its_reason_and_read_once() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let real = data.join("real");
    let first = run(&store, &["ingest", real.to_str().unwrap()]).expect(3);
    assert!(first.stdout.is_empty(), "{}", first.stdout);
    assert!(first.stderr.contains("s3_notification"), "{}", first.stderr);
    assert_eq!(
        number(
            &store,
            "SELECT count(*) - count(DISTINCT event_id) FROM events"
        ),
        0,
        "each event once"
    );
    // Every line of the extracted records is an event, a copy of one, or another cloud's.
    let mut lines = 0;
    for entry in std::fs::read_dir(&real).unwrap() {
        let extracted = entry.unwrap().path().join("extracted.ndjson");
        lines += std::fs::read_to_string(extracted).map_or(0, |text| text.lines().count());
    }
    let taken = number(
        &store,
        "SELECT CAST(sum(records + rejected) AS BIGINT) FROM ingested_objects WHERE key LIKE '%/extracted.ndjson'",
    );
    assert_eq!(usize::try_from(taken).unwrap(), lines);
    let refused: Vec<Value> = sql(
        &store,
        "SELECT DISTINCT reason FROM rejects WHERE object LIKE '%/extracted.ndjson'",
    );
    assert_eq!(refused, [serde_json::json!({"reason": "other_cloud"})]);

    let events = number(&store, "SELECT count(*) FROM events");
    let again = run(&store, &["ingest", real.to_str().unwrap()]).expect(0);
    assert!(again.stderr.contains("nothing new"), "{}", again.stderr);
    assert_eq!(number(&store, "SELECT count(*) FROM events"), events);
    run(&store, &["doctor"]).expect(0);
}

#[test]
fn only_what_a_cluster_did_is_attributed() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    run(&store, &["ingest", data.join("real").to_str().unwrap()]).expect(3);
    let rows = sql(
        &store,
        "SELECT split_part(split_part(source_object, '/real/', 2), '/', 1) AS repository, access_path, actor,
                count(*) AS events
         FROM attribution JOIN (SELECT event_id, source_object FROM events) AS origin USING (event_id)
         GROUP BY 1, 2, 3",
    );
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let text = |name: &str| row[name].as_str().unwrap_or("null").to_owned();
        found.entry(text("repository")).or_default().push(format!(
            "{} {} {}",
            text("access_path"),
            text("actor"),
            row["events"]
        ));
    }
    for kinds in found.values_mut() {
        kinds.sort();
    }
    let expected = [
        (
            "aws-samples__amazon-eks-security-immersion-day",
            vec!["node_role node_agent 3", "pod_identity workload 2"],
        ),
        (
            "awsdocs__amazon-eks-user-guide",
            vec!["eks_service_linked_role control_plane 1"],
        ),
        (
            "awsdocs__aws-marketplace-user-guide-for-sellers",
            vec!["irsa workload 2"],
        ),
        (
            "boogy__CloudTrail-Log-Parser",
            vec![
                "cluster_role control_plane 37",
                "irsa workload 12",
                "node_role node_agent 74",
            ],
        ),
        (
            "greenpau__argo-workflows-aws-plugin",
            vec!["irsa workload 1"],
        ),
        (
            "panther-labs__panther-analysis",
            vec!["eks_service_linked_role control_plane 1"],
        ),
    ];
    let expected: BTreeMap<String, Vec<String>> = expected
        .into_iter()
        .map(|(name, kinds)| {
            (
                name.to_owned(),
                kinds.into_iter().map(str::to_owned).collect(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_examples_of_pod_identity_and_irsa_resolve() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    run(&store, &["ingest", data.join("real").to_str().unwrap()]).expect(3);
    let workloads = sql(
        &store,
        "SELECT DISTINCT access_path, namespace, service_account, pod, confidence FROM attribution
         WHERE actor = 'workload' AND service_account IS NOT NULL ORDER BY namespace, service_account",
    );
    let named: Vec<String> = workloads
        .iter()
        .map(|row| {
            assert_eq!(row["confidence"], "exact");
            let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {}/{} {}",
                text("access_path"),
                text("namespace"),
                text("service_account"),
                text("pod")
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            "pod_identity app1/default app1-v1-56b9f94b4-dvd5c",
            "irsa argo/awf-aws-executor-plugin -",
            "irsa mynamespace/cip-cloudy-cider-execution-events-sa -",
            "irsa mynamespace/inventory-sa -",
            "pod_identity ns-a/sa1 app1",
            "irsa velero/velero-server -",
            "irsa yolo/yolo -",
        ]
    );
    // The access key ids of these records are all one: only session ARN and creation date may join.
    let wrong = number(
        &store,
        "SELECT count(*) FROM attribution WHERE evidence LIKE '%matched by access key id%' AND source_ip_address IS NOT NULL
         AND event_id IN (SELECT event_id FROM events WHERE source_object LIKE '%/boogy__%')",
    );
    assert_eq!(wrong, 0);
}
