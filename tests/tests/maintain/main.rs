//! Maintenance: thousands of small commits become few files that answer the same, and beside ingesters, other
//! maintainers and faults nothing is lost or repeated. What is kept from one batch to the next is what is computed anew.
#![allow(clippy::unwrap_used)]

mod faults;
mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use podtrail_ingest::maintain;
use podtrail_ingest::schema::TABLES;
use podtrail_ingest::source::local::LocalFiles;
use podtrail_ingest::store::Store;
use podtrail_ingest::{Options, run};
use podtrail_query::report::Report;
use podtrail_query::{Filter, Session};
use podtrail_tests::inspect::{
    Answers, Expected, Row, as_rows, differences, rows, session, tables,
};
use podtrail_tests::objects::{Objects, Shape};
use podtrail_tests::program;
use podtrail_tests::random::Random;
use serde_json::Value;

/// Small commits of the test of many.
const COMMITS: u64 = 2_000;

fn open(objects: Arc<dyn ObjectStore>) -> Store {
    let url = url::Url::parse("memory:///").unwrap();
    Store::new("memory", url, objects).unwrap()
}

fn clock() -> i64 {
    1_767_400_000_000_000
}

fn ingesting(batch_objects: usize) -> Options {
    Options {
        batch_objects,
        pause: Duration::ZERO,
        ..Options::new(1, clock)
    }
}

fn maintaining() -> maintain::Options {
    maintain::Options {
        min_files: 2,
        pause: Duration::ZERO,
        ..maintain::Options::new(clock)
    }
}

async fn maintained(store: &Store, options: &maintain::Options) -> maintain::Report {
    maintain::run(store, options, &()).await.unwrap()
}

fn files_of(report: &maintain::Report) -> BTreeMap<&'static str, (u64, u64)> {
    let tables = report.tables.iter();
    tables
        .map(|table| (table.table, (table.files_before, table.files_after)))
        .collect()
}

/// Data files that the plan of a query names.
async fn files_read(session: &Session, query: &str) -> usize {
    let plan = rows(session, &format!("EXPLAIN {query}")).await;
    let text: String = plan
        .iter()
        .map(|row| Value::from(row.clone()).to_string())
        .collect();
    text.matches(".parquet").count()
}

const NEEDLE: &str = "SELECT * FROM events WHERE event_time = '2026-01-03T10:00:00Z'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_small_commits_become_few_files_that_answer_the_same() {
    // One record each: a file of `events` and one of `activities` for each commit whose record is new.
    let shape = Shape {
        objects: COMMITS,
        records: 1,
        events: 0..3_000,
        listed_size: 0,
    };
    let source = Objects::generate("many", 5, &shape);
    let expected = Expected::of(&[&source]);
    let store = open(Arc::new(InMemory::new()));
    let summary = run(&store, Arc::new(source.clone()), ingesting(1), &())
        .await
        .unwrap();
    assert_eq!(summary.batches, COMMITS);
    let before = answers(
        &session(&store).await,
        &["events", "rejects", "ingested_objects"],
    )
    .await;

    let report = maintained(&store, &maintaining()).await;
    eprintln!("{:?}", files_of(&report));
    assert_eq!(differences(&store, &expected).await, "");
    let after = session(&store).await;
    assert!(answers(&after, &["events", "rejects", "ingested_objects"]).await == before);
    let days = rows(&after, "SELECT DISTINCT event_date FROM events")
        .await
        .len() as u64;
    for table in &report.tables {
        let parts = if ["events", "activities"].contains(&table.table) {
            days
        } else {
            1
        };
        assert!(table.files_after <= 2 * parts, "{table:?}, {days} days");
    }
    assert!(report.tables[0].files_before > 1_000, "{report:?}");
    let read = files_read(&after, NEEDLE).await;
    assert!((1..=3).contains(&read), "{read} files are read");

    // It goes on: more commits, and maintenance again.
    let more = Objects::generate(
        "more",
        6,
        &Shape {
            objects: 30,
            ..shape
        },
    );
    run(&store, Arc::new(more.clone()), ingesting(1), &())
        .await
        .unwrap();
    maintained(&store, &maintaining()).await;
    let all = Expected::of(&[&source, &more]);
    assert_eq!(differences(&store, &all).await, "");
}

/// All rows of some tables and views, as sorted texts.
async fn answers(of: &impl Answers, names: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut answers = BTreeMap::new();
    for name in names {
        let found = rows(of, &format!("SELECT * FROM {name}")).await;
        let mut texts: Vec<String> = found.into_iter().map(|row| shown(name, row)).collect();
        texts.sort();
        answers.insert((*name).to_owned(), texts);
    }
    answers
}

/// Sums of floating point numbers depend on their order in the last digits.
fn shown(name: &str, mut row: Row) -> String {
    for value in row.values_mut() {
        if let Some(number) = value.as_f64().filter(|_| value.is_f64()) {
            *value = format!("{number:.9}").into();
        }
    }
    format!("{name}: {}", Value::from(row))
}

/// Views whose rows are rows of activities: those of one activity add up.
const BY_ROW: [&str; 4] = [
    "activity_attribution",
    "activity_grounds",
    "unattributed_activities",
    "missing_keys",
];

/// What a row of an activity counts, and what it takes from one of its events.
const COUNTED: [&str; 5] = [
    "calls",
    "event_id",
    "event_time",
    "first_event_time",
    "last_event_time",
];

/// Rows of a view of activities, added up.
async fn sums(of: &impl Answers, view: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for mut row in rows(of, &format!("SELECT * FROM {view}")).await {
        let calls = row.get("calls").and_then(Value::as_i64).unwrap_or(1);
        for column in COUNTED {
            row.remove(column);
        }
        *sums.entry(Value::from(row).to_string()).or_default() += calls;
    }
    sums
}

/// Names of all views that a session shows, but those whose rows are added up.
async fn views(session: &Session) -> BTreeSet<String> {
    let query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
    let names = rows(session, query).await.into_iter();
    names
        .map(|row| row["table_name"].as_str().unwrap().to_owned())
        .filter(|name| TABLES.iter().all(|table| table.name != name))
        .filter(|name| !BY_ROW.contains(&name.as_str()))
        .collect()
}

/// What the reports say.
async fn reports(session: &Session) -> Vec<String> {
    let mut said = Vec::new();
    for report in Report::ALL {
        let name = report.name();
        let batches = report.run(session, &Filter::default()).await.unwrap();
        let batches: Vec<_> = batches.try_collect().await.unwrap();
        let rows = as_rows(&batches).into_iter().map(|row| shown(name, row));
        said.push(rows.collect::<Vec<_>>().join("\n"));
    }
    said
}

/// Generates some hours of an account up to a time, and gives their folder.
fn generated(folder: &Path, seed: u8, hours: &str, end: &str) -> PathBuf {
    let made = folder.join(format!("generated-{seed}"));
    let arguments =
        format!("demo --generate-only --seed {seed} --hours {hours} --end {end} --folder");
    let mut arguments: Vec<_> = arguments.split(' ').map(std::ffi::OsStr::new).collect();
    arguments.push(made.as_os_str());
    program::run(folder, &arguments).expect(0);
    made
}

/// Imports the inventory of a generated account.
fn import(place: &Path, made: &Path) {
    let inventory = made.join("inventory");
    let arguments = [
        std::ffi::OsStr::new("inventory"),
        "import".as_ref(),
        inventory.as_os_str(),
    ];
    program::run(place, &arguments).expect(0);
}

/// Ingests some hours of a generated account with activities that are spread over many commits.
async fn account(folder: &Path, hours: &str) -> Store {
    let made = generated(folder, 11, hours, "2026-01-02T00:00:00Z");
    let place = folder.join("store");
    let store = Store::folder(&place, true).unwrap();
    let source = LocalFiles::new(made.join("trail").to_str().unwrap(), None).unwrap();
    // Rows of an activity come in several commits and in several files of one.
    let options = Options {
        flush_rows: 7,
        ..ingesting(3)
    };
    let summary = run(&store, Arc::new(source), options, &()).await.unwrap();
    assert!(summary.batches > 20, "{summary:?}");
    import(&place, &made);
    store
}

/// Rows of views, sums of those by activity, and reports.
type Looked = (
    BTreeMap<String, Vec<String>>,
    Vec<BTreeMap<String, i64>>,
    Vec<String>,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_and_report_answers_the_same_on_folded_and_on_rebuilt_activities() {
    let folder = tempfile::tempdir().unwrap();
    let store = account(folder.path(), "2").await;
    let place = folder.path().join("store");
    let names = views(&session(&store).await).await;
    assert!(names.contains("fallbacks"), "{names:?}");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let look = async || -> Looked {
        let session = session(&store).await;
        let mut by_row = Vec::new();
        for view in BY_ROW {
            by_row.push(sums(&session, view).await);
        }
        let reports = reports(&session).await;
        (answers(&session, &names).await, by_row, reports)
    };
    let before = look().await;
    let same = |now: &Looked| {
        for (view, rows) in &before.0 {
            assert!(
                *rows == now.0[view],
                "view {view}:\n{rows:#?}\n{:#?}",
                now.0[view]
            );
        }
        for (at, view) in BY_ROW.iter().enumerate() {
            assert!(before.1[at] == now.1[at], "view {view}");
        }
        assert_eq!(before.2, now.2);
    };

    let report = maintained(&store, &maintaining()).await;
    let activities = &report.tables[1];
    assert!(activities.rows_after < activities.rows_before, "{report:?}");
    same(&look().await);

    let printed = program::run(
        &place,
        &["maintain", "--rebuild-activities", "-o", "ndjson"],
    )
    .expect(0);
    assert!(
        printed.stderr.contains("rebuilt    activities of"),
        "{}",
        printed.stderr
    );
    let rebuilt = &printed.rows()[1];
    assert_eq!(rebuilt["table"], "activities");
    assert_eq!(
        rebuilt["rows"], activities.rows_after,
        "as many as ingest wrote, folded"
    );
    same(&look().await);
    program::run(&place, &["doctor"]).expect(0);
}

#[test]
fn the_command_merges_prints_what_it_did_and_refuses_what_is_dangerous() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    program::run(&store, &["maintain"]).expect(2);
    assert!(!store.exists(), "a typing error makes no store");
    let trail = generated(folder.path(), 7, "1", "2026-01-02T00:00:00Z").join("trail");
    let ingest = [
        std::ffi::OsStr::new("ingest"),
        trail.as_os_str(),
        "-q".as_ref(),
    ];
    program::run(&store, &ingest).expect(0);

    program::run(&store, &["maintain", "--retain", "5m"]).expect(2);
    program::run(&store, &["maintain", "--expire-before", "2100-01-01"]).expect(2);
    program::run(&store, &["maintain", "--min-files", "1"]).expect(2);
    let dry = program::run(&store, &["maintain", "--dry-run", "-o", "ndjson"]).expect(0);
    assert!(dry.stderr.contains("nothing was changed"), "{}", dry.stderr);
    let tables: Vec<_> = dry.rows().iter().map(|row| row["table"].clone()).collect();
    assert_eq!(
        tables,
        [
            "events",
            "activities",
            "rejects",
            "ingested_objects",
            "inventory",
            "digest_findings"
        ]
    );

    let events = program::number(&store, "SELECT count(*) FROM events");
    let days = program::sql(
        &store,
        "SELECT event_date, count(*) AS events FROM events GROUP BY 1 ORDER BY 1",
    );
    assert!(events > 0 && !days.is_empty());
    let expired = program::run(
        &store,
        &["maintain", "--expire-before", "2026-01-02", "-o", "ndjson"],
    )
    .expect(0);
    assert_eq!(expired.rows()[0]["rows_expired"], events, "{days:?}");
    assert_eq!(program::number(&store, "SELECT count(*) FROM events"), 0);
    assert_eq!(
        program::number(&store, "SELECT count(*) FROM activities"),
        0
    );
    let again = program::run(&store, &ingest[..2]).expect(0);
    assert!(again.stderr.contains("nothing new"), "{}", again.stderr);
}

/// Kills of a maintainer.
const KILLS: u64 = 12;

fn count_files(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| match entry.unwrap().path() {
            path if path.is_dir() => count_files(&path),
            _ => 1,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_at_any_moment_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let store = account(folder.path(), "1").await;
    let place = folder.path().join("store");
    let names = ["events", "rejects", "ingested_objects", "inventory"];
    let look = async || {
        let tables = tables(&store).await;
        (
            answers(&tables, &names).await,
            sums(&tables, "activities").await,
        )
    };
    let before = look().await;
    let random = Random::new(3);
    let (mut kills, mut ends) = (0, 0);
    while kills < KILLS && ends < KILLS {
        let files = count_files(&place) + 1 + random.below(6);
        let arguments = ["maintain", "--rebuild-activities", "--min-files", "2", "-q"];
        let mut child = program::command(&place, &arguments)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if count_files(&place) >= files {
                child.kill().unwrap();
                break child.wait().unwrap().code().map(|_| child.wait().unwrap());
            }
            std::thread::yield_now();
        };
        match ended {
            Some(status) => {
                assert_eq!(status.code(), Some(0));
                ends += 1;
            }
            None => kills += 1,
        }
        assert!(look().await == before, "after {kills} kills");
    }
    assert!(kills > 0, "{ends} runs ended before");
    program::run(&place, &["maintain", "--rebuild-activities"]).expect(0);
    assert!(look().await == before);
    program::run(&place, &["doctor"]).expect(0);
}
