//! `podtrail serve --every` and `podtrail ingest --every`: what is configured is read again and again.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use podtrail_tests::program;
use podtrail_tests::service::{Service, eventually};
use serde_json::Value;

fn records(scenario: &str) -> std::path::PathBuf {
    program::workspace().join(format!("query/tests/scenarios/{scenario}/records.json"))
}

/// A source that is there, one that is not, and a cluster that cannot be reached.
fn config(folder: &Path) -> std::path::PathBuf {
    let trail = folder.join("trail");
    std::fs::create_dir_all(&trail).unwrap();
    let text = format!(
        "[[source]]\nlocation = \"{trail}\"\n\n[[cluster]]\nname = \"prod\"\nkubeconfig = \"{missing}\"\n",
        trail = trail.display(),
        missing = folder.join("no-kubeconfig").display()
    );
    let file = folder.join("own.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn schedule(ingestion: &Value, name: &str) -> Option<Value> {
    let all = ingestion["schedules"].as_array()?;
    all.iter()
        .find(|schedule| {
            schedule["name"]
                .as_str()
                .is_some_and(|each| each.contains(name))
        })
        .cloned()
}

#[tokio::test]
async fn a_service_reads_what_is_configured_and_says_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let trail = folder.path().join("trail");
    std::fs::copy(records("fallback_no_binding"), trail.join("one.json")).unwrap();
    // The store is made with the first run.
    let service = Service::start(
        &folder.path().join("store"),
        &["--every", "1s", "--config", config.to_str().unwrap()],
    )
    .await;
    let client = service.client();
    let events = || async {
        let rows = client.sql("SELECT count(*) AS n FROM events").await;
        rows[0]["n"].as_i64().unwrap()
    };
    let first = eventually("events of the first file", || async {
        Some(events().await).filter(|count| *count > 0)
    })
    .await;
    std::fs::copy(records("irsa_cluster_name"), trail.join("two.json")).unwrap();
    eventually("events of the second file", || async {
        Some(events().await).filter(|count| *count > first)
    })
    .await;
    let (source, cluster) = eventually("both have run, and will again", || async {
        let ingestion = client.get("/api/v1/ingestion").await.expect(200).json();
        let done = |schedule: &Value| {
            schedule["last_result"].is_string() && schedule["next_at"].is_string()
        };
        let source = schedule(&ingestion, "trail").filter(done)?;
        let cluster = schedule(&ingestion, "cluster prod").filter(done)?;
        Some((source, cluster))
    })
    .await;
    assert_eq!(source["last_result"], "ok", "{source}");
    // What cannot be read is said, and keeps nothing else from being read.
    assert_eq!(cluster["last_result"], "failed", "{cluster}");
    let detail = cluster["last_detail"].as_str().unwrap();
    assert!(detail.contains("no-kubeconfig"), "{detail}");
    let metrics = client.get("/metrics").await.expect(200).text();
    for line in [
        "podtrail_ingest_runs_total{source=\"inventory of cluster prod\",result=\"failed\"}",
        "podtrail_attribution_events_total{",
        "podtrail_ingest_lag_seconds ",
        "podtrail_objects_total{status=\"ok\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0), "{log}");
}
