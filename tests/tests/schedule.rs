//! `podtrail serve --every` and `podtrail ingest --every`: what is configured is read again and again.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use podtrail_tests::endpoint::wait_for;
use podtrail_tests::inspect::record_columns;
use podtrail_tests::program::{self, number, sql};
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

/// A program that goes on. Dropped, it is killed.
struct Running(Child);

impl Running {
    /// Sends SIGTERM and waits for the end.
    fn terminate(&mut self) -> ExitStatus {
        let asked = Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(asked.success());
        wait_for("the end", || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn ingest_reads_again_and_again_until_it_is_asked_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let trail = folder.path().join("trail");
    std::fs::create_dir(&trail).unwrap();
    std::fs::copy(records("fallback_no_binding"), trail.join("one.json")).unwrap();
    let log = folder.path().join("log");
    let source = trail.to_str().unwrap();
    let child = program::command(&store, &["ingest", source, "--every", "1s"])
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let said = || std::fs::read_to_string(&log).unwrap();
    wait_for("two runs", || {
        (said().matches("next run at ").count() >= 2).then_some(())
    });
    let events = || number(&store, "SELECT count(*) AS events FROM events");
    let first = events();
    assert!(first > 0, "{}", said());

    // Whole from the moment on that it is there.
    let arriving = folder.path().join("two.json");
    std::fs::copy(records("irsa_cluster_name"), &arriving).unwrap();
    std::fs::rename(&arriving, trail.join("two.json")).unwrap();
    wait_for("events of the second file", || {
        Some(events()).filter(|count| *count > first)
    });
    let ended = running.terminate();
    assert_eq!(ended.code(), Some(0), "{}", said());
    assert!(
        said().contains("ending after what is in work"),
        "{}",
        said()
    );

    let at_once = folder.path().join("store-at-once");
    program::run(&at_once, &["ingest", source]).expect(0);
    let query = format!("SELECT {} FROM events ORDER BY event_id", record_columns());
    assert_eq!(sql(&store, &query), sql(&at_once, &query));
}
