//! `podtrail serve --every` and `podtrail ingest --every`: what is configured is read again and again.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use podtrail_tests::endpoint::wait_for;
use podtrail_tests::inspect::record_columns;
use podtrail_tests::program::{self, Run, number, sql};
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
    let metrics = client.get("/metrics").await.expect(200).text();
    for name in [
        "podtrail_object_duration_seconds_count ",
        "podtrail_objects_in_flight ",
    ] {
        assert!(
            metrics.lines().any(|line| line.starts_with(name)),
            "{name}: {metrics}"
        );
    }
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

#[tokio::test]
async fn a_folder_that_is_away_for_a_while_costs_nothing_but_its_own_runs() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, away] = ["one", "two", "away"].map(|name| folder.path().join(name));
    let sources = [(&one, "fallback_no_binding"), (&two, "people")].map(|(place, scenario)| {
        std::fs::create_dir(place).unwrap();
        std::fs::copy(records(scenario), place.join("first.json")).unwrap();
        format!("[[source]]\nlocation = \"{}\"\n", place.display())
    });
    let config = folder.path().join("own.toml");
    std::fs::write(&config, sources.concat()).unwrap();
    let service = Service::start(
        &folder.path().join("store"),
        &["--every", "1s", "--config", config.to_str().unwrap()],
    )
    .await;
    let client = service.client();
    let ended = async |name: &str, result: &str| {
        eventually(&format!("a run of {name} that is {result}"), || async {
            let ingestion = client.get("/api/v1/ingestion").await.expect(200).json();
            schedule(&ingestion, name).filter(|schedule| schedule["last_result"] == result)
        })
        .await
    };
    let events = async || {
        let rows = client.sql("SELECT count(*) AS n FROM events").await;
        rows[0]["n"].as_i64().unwrap()
    };
    let more_than = async |count: i64| {
        eventually("more events", || async {
            Some(events().await).filter(|now| *now > count)
        })
        .await
    };
    ended("/one", "ok").await;
    ended("/two", "ok").await;

    std::fs::rename(&one, &away).unwrap();
    let missed = ended("/one", "failed").await;
    assert!(
        missed["last_detail"].as_str().unwrap().contains("/one"),
        "{missed}"
    );
    let count = events().await;
    std::fs::copy(records("irsa_cluster_name"), two.join("second.json")).unwrap();
    let count = more_than(count).await;

    std::fs::copy(records("plain_ec2"), away.join("second.json")).unwrap();
    std::fs::rename(&away, &one).unwrap();
    more_than(count).await;
    ended("/one", "ok").await;
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("any more"), "{log}");
}

#[test]
fn what_is_missing_at_the_begin_ends_it_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let (there, missing) = (records("people"), folder.path().join("missing"));
    let (there, missing) = (there.to_str().unwrap(), missing.to_str().unwrap());
    let mut child = program::command(&store, &["ingest", "--every", "1s", there, missing])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the end", || child.try_wait().unwrap());
    let ended = Run::from(child.wait_with_output().unwrap()).expect(2);
    assert!(ended.stderr.contains(missing), "{}", ended.stderr);
    assert!(!store.exists());
}
