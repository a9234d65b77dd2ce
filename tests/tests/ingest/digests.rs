//! `podtrail ingest --verify`: what digests say of a trail is kept, and `report coverage` tells it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::join_all;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use podtrail_ingest::digest::{
    ChainId, ChainReport, Event, Finding, LocalFolder, Options, Span, Status, Subject,
};
use podtrail_ingest::findings::Recorder;
use podtrail_ingest::store::Store;
use podtrail_tests::faulty_store::{Faults, FaultyStore};
use podtrail_tests::inspect;
use podtrail_tests::program::{self, number};
use podtrail_tests::s3_server::{BUCKET, Server, fill, run};
use podtrail_tests::trail::{self, ACCOUNTS, Delivered, PREFIX, REGIONS};
use serde_json::{Value, json};
use tempfile::TempDir;

const HOURS: i64 = 3;
const LOGS: i64 = 4;

/// When the trail is read: its last digest is delivered, and the next is not due.
const WINDOW: [&str; 2] = ["--from=2026-03-01", "--to=2026-03-01T03:30:00Z"];

/// A trail in S3, a store in a folder, and the public keys.
struct Case {
    server: Server,
    delivered: Vec<Delivered>,
    folder: TempDir,
}

impl Case {
    /// Delivers the objects that are wanted.
    async fn new(wanted: impl Fn(&Delivered) -> bool + Send) -> Self {
        let server = Server::start().await;
        let delivered = trail::deliver(BUCKET, HOURS, LOGS);
        let some: Vec<Delivered> = delivered
            .iter()
            .filter(|object| wanted(object))
            .cloned()
            .collect();
        fill(&server, &some);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("keys.json"), trail::public_keys()).unwrap();
        Self {
            server,
            delivered,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run(&self, arguments: &[&str]) -> program::Run {
        let store = self.path("store");
        run(&self.server, store.to_str().unwrap(), arguments).await
    }

    async fn ingest(&self, more: &[&str]) -> program::Run {
        let source = format!("s3://{BUCKET}/{PREFIX}");
        let arguments = [&["ingest", &source][..], &WINDOW, more].concat();
        self.run(&arguments).await
    }

    async fn verified(&self) -> program::Run {
        let keys = self.path("keys.json");
        self.ingest(&["--verify", "--keys", keys.to_str().unwrap()])
            .await
    }

    fn findings(&self) -> i64 {
        number(&self.path("store"), "SELECT count(*) FROM digest_findings")
    }
}

/// Columns of `report coverage`, by account and region.
fn coverage(store: &Path) -> Vec<[Value; 4]> {
    let rows = program::run(store, &["report", "coverage", "-o", "ndjson"])
        .expect(0)
        .rows();
    assert_eq!(rows.len(), ACCOUNTS.len() * REGIONS.len());
    let columns = [
        "log_files",
        "proven_log_files",
        "missing_log_files",
        "proven_time",
    ];
    rows.iter()
        .map(|row| columns.map(|name| row[name].clone()))
        .collect()
}

fn hours(from: i64, to: i64) -> String {
    format!("2026-03-01T{from:02}:00:00Z..2026-03-01T{to:02}:00:00Z")
}

/// All that was delivered, and all of it proven.
fn proven() -> [Value; 4] {
    let logs = HOURS * LOGS;
    [json!(logs), json!(logs), json!(0), json!(hours(0, HOURS))]
}

/// Files of the first account and region in an hour.
fn of_hour(delivered: &[Delivered], hour: i64) -> impl Iterator<Item = &Delivered> {
    let name = format!(
        "/{}_CloudTrail_{}_20260301T{hour:02}",
        ACCOUNTS[0], REGIONS[0]
    );
    delivered
        .iter()
        .filter(move |object| object.key.contains(&name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_file_that_is_gone_before_it_is_read_shows_in_coverage() {
    let case = Case::new(|_| true).await;
    let gone = of_hour(&case.delivered, 1).nth(2).unwrap();
    case.server.contents.remove(&gone.key);
    let found = case.verified().await.expect(1);
    assert!(
        found.stderr.contains("log_missing") && found.stderr.contains(&gone.key),
        "{}",
        found.stderr
    );
    let rows = coverage(&case.path("store"));
    let logs = HOURS * LOGS - 1;
    let time = format!("{} {}", hours(0, 1), hours(2, 3));
    assert_eq!(rows[0], [json!(logs), json!(logs), json!(1), json!(time)]);
    assert!(rows[1..].iter().all(|row| *row == proven()), "{rows:?}");
    let missing = "SELECT object FROM digest_statuses WHERE status = 'log_missing'";
    let missing = program::sql(&case.path("store"), missing);
    assert_eq!(
        missing,
        [json!({"object": format!("s3://{BUCKET}/{}", gone.key)})]
    );

    // Found again, it is no news.
    let findings = case.findings();
    case.verified().await.expect(1);
    assert_eq!(case.findings(), findings);
    case.server.contents.put(&gone.key, gone.bytes.clone(), &[]);
    case.verified().await.expect(0);
    assert_eq!(coverage(&case.path("store"))[0], proven());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_it_was_verified_is_proven_by_the_next_run() {
    let case = Case::new(|_| true).await;
    case.ingest(&[]).await.expect(0);
    let logs = HOURS * LOGS;
    let unknown = [json!(logs), json!(0), json!(0), Value::Null];
    let rows = coverage(&case.path("store"));
    assert!(rows.iter().all(|row| *row == unknown), "{rows:?}");
    case.verified().await.expect(0);
    let rows = coverage(&case.path("store"));
    assert!(rows.iter().all(|row| *row == proven()), "{rows:?}");
    let told = "SELECT count(*) FROM ingested_objects WHERE digest_status IS NOT NULL";
    assert_eq!(number(&case.path("store"), told), 0);
    let findings = case.findings();
    case.verified().await.expect(0);
    assert_eq!(case.findings(), findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digests_that_come_after_their_log_files_prove_them_on_the_next_run() {
    let last = |object: &Delivered| object.key.ends_with("T030000Z.json.gz");
    let case = Case::new(|object| !last(object)).await;
    let config = case.path("own.toml");
    let keys = case.path("keys.json");
    let text = format!(
        "[[source]]\nlocation = \"s3://{BUCKET}/{PREFIX}\"\nverify = true\nkeys = [\"{}\"]\n",
        keys.display()
    );
    std::fs::write(&config, text).unwrap();
    let ingest = ["--config", config.to_str().unwrap(), "ingest"];
    let ingest = [&ingest[..], &WINDOW].concat();
    case.run(&ingest).await.expect(0);
    let (logs, early) = (HOURS * LOGS, (HOURS - 1) * LOGS);
    let some = [json!(logs), json!(early), json!(0), json!(hours(0, 2))];
    let rows = coverage(&case.path("store"));
    assert!(rows.iter().all(|row| *row == some), "{rows:?}");

    let late: Vec<Delivered> = case
        .delivered
        .iter()
        .filter(|one| last(one))
        .cloned()
        .collect();
    assert_eq!(late.len(), ACCOUNTS.len() * REGIONS.len());
    fill(&case.server, &late);
    case.run(&ingest).await.expect(0);
    let rows = coverage(&case.path("store"));
    assert!(rows.iter().all(|row| *row == proven()), "{rows:?}");
}

/// Puts a trail into a folder, each digest's signature beside it.
fn copied(copy: &Path) -> Vec<Delivered> {
    let delivered = trail::deliver(BUCKET, HOURS, LOGS);
    for object in &delivered {
        let path = copy.join(&object.key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &object.bytes).unwrap();
        if let Some(signature) = &object.signature {
            let head = json!({"Metadata": {"signature": signature, "signature-algorithm": "SHA256withRSA"}});
            let beside = copy.join(format!("{}.head.json", object.key));
            std::fs::write(beside, head.to_string()).unwrap();
        }
    }
    delivered
}

#[test]
fn what_cannot_be_verified_is_read_all_the_same_and_verified_by_a_later_run() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, trail::public_keys()).unwrap();
    let copy = folder.path().join("copy");
    let delivered = copied(&copy);
    let [gone, late] = [0, 1].map(|hour| of_hour(&delivered, hour).next().unwrap());
    for object in [gone, late] {
        std::fs::remove_file(copy.join(&object.key)).unwrap();
    }
    let store = folder.path().join("store");
    let ingest = [
        "ingest",
        copy.to_str().unwrap(),
        "--verify",
        "--keys",
        keys.to_str().unwrap(),
    ];
    program::run(&store, &ingest).expect(1);

    // What is kept of digests has the columns of another table.
    let data_file = |table: &str| {
        let entries = std::fs::read_dir(store.join(table)).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths
            .find(|path| path.extension().is_some_and(|end| end == "parquet"))
            .unwrap()
    };
    let findings = data_file("digest_findings");
    let kept = std::fs::read(&findings).unwrap();
    std::fs::copy(data_file("ingested_objects"), &findings).unwrap();
    std::fs::write(copy.join(&late.key), &late.bytes).unwrap();
    let failed = program::run(&store, &ingest).expect(4);
    assert!(
        failed.stderr.contains("the trail is not verified"),
        "{}",
        failed.stderr
    );
    std::fs::write(&findings, kept).unwrap();
    let told = format!(
        "SELECT digest_status FROM ingested_objects WHERE key LIKE '%{}'",
        late.key
    );
    let told = program::sql(&store, &told);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["digest_status"].is_null(), "{told:?}");

    program::run(&store, &ingest).expect(1);
    let logs = HOURS * LOGS - 1;
    let time = hours(1, HOURS);
    assert_eq!(
        coverage(&store)[0],
        [json!(logs), json!(logs), json!(1), json!(time)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_in_a_folder_is_verified_as_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, trail::public_keys()).unwrap();
    let copy = folder.path().join("copy");
    let delivered = copied(&copy);
    let store = folder.path().join("store");
    let ingest = [
        "ingest",
        copy.to_str().unwrap(),
        "--verify",
        "--keys",
        keys.to_str().unwrap(),
    ];
    program::run(&store, &ingest).expect(0);
    let rows = coverage(&store);
    assert!(rows.iter().all(|row| *row == proven()), "{rows:?}");

    let gone = of_hour(&delivered, 0).next().unwrap();
    std::fs::remove_file(copy.join(&gone.key)).unwrap();
    let found = program::run(&store, &ingest).expect(1);
    assert!(found.stderr.contains("log_missing"), "{}", found.stderr);
    let logs = HOURS * LOGS;
    let time = hours(1, HOURS);
    assert_eq!(
        coverage(&store)[0],
        [json!(logs), json!(logs - 1), json!(1), json!(time)]
    );

    let (file, empty) = (
        folder.path().join("records.json"),
        folder.path().join("empty"),
    );
    std::fs::write(&file, "{\"Records\": []}").unwrap();
    std::fs::create_dir(&empty).unwrap();
    for no_trail in [file, empty] {
        let arguments = [
            "ingest",
            no_trail.to_str().unwrap(),
            "--verify",
            "--keys",
            keys.to_str().unwrap(),
        ];
        let refused = program::run(&store, &arguments).expect(2);
        assert!(refused.stderr.contains("digest"), "{}", refused.stderr);
    }
}

fn open(objects: Arc<dyn ObjectStore>) -> Store {
    let url = url::Url::parse("memory:///").unwrap();
    Store::new("memory", url, objects).unwrap()
}

/// Keeps that some log files are missing, and that the rest of an hour is proven.
async fn keep(store: Store) {
    let chain = Arc::new(ChainId {
        account: ACCOUNTS[0].to_owned(),
        region: REGIONS[0].to_owned(),
        trail: "audit".to_owned(),
        home_region: REGIONS[0].to_owned(),
        base: format!("AWSLogs/{}/", ACCOUNTS[0]),
    });
    let copy = LocalFolder::new(PathBuf::from("/copy"), String::new(), None);
    let options = Options::default();
    let mut recorder = Recorder::new(store, Arc::new(copy), &options, "copy", || 0);
    for number in 0..5 {
        let missing = Finding {
            chain: Arc::clone(&chain),
            status: Status::LogMissing,
            subject: Subject::Log,
            bucket: None,
            key: format!("log-{number}"),
            digest: None,
            span: None,
            cause: "the object is not there".to_owned(),
        };
        recorder.take(Event::Finding(missing)).await.unwrap();
    }
    let report = ChainReport {
        chain,
        digests: 1,
        logs: 5,
        proven: vec![Span { from: 0, to: 9 }],
        unproven: Vec::new(),
        faulty: vec![Span { from: 3, to: 4 }],
        unread: Vec::new(),
    };
    recorder.take(Event::Chain(report)).await.unwrap();
    recorder.finish().await.unwrap();
}

#[tokio::test]
async fn a_finding_is_a_row_once_whatever_fails_and_whoever_else_finds_it() {
    for seed in 0..20 {
        let shared: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let rivals = [2 * seed, 2 * seed + 1].map(|seed| {
            let faulty = FaultyStore::new(Arc::clone(&shared), Faults::stormy(), seed);
            keep(open(Arc::new(faulty)))
        });
        join_all(rivals).await;
        let session = inspect::session(&open(shared)).await;
        let query = "SELECT object, status, from_time, count(*) AS copies FROM digest_findings GROUP BY object, status, from_time";
        let rows = inspect::rows(&session, query).await;
        // Of time, the proven begin, what is faulty, and the proven rest.
        assert_eq!(rows.len(), 5 + 3, "seed {seed}: {rows:?}");
        assert!(
            rows.iter().all(|row| row["copies"] == 1),
            "seed {seed}: {rows:?}"
        );
    }
}
