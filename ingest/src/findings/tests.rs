#![allow(clippy::unwrap_used)]
use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use object_store::memory::InMemory;
use url::Url;

use super::*;
use crate::datafile;
use crate::digest::LocalFolder;
use crate::schema::{DIGEST_FINDINGS, INGESTED_OBJECTS};
use crate::source::Source;
use crate::source::memory::Objects;

/// 2026-08-20T00:00:00Z.
const NOW: i64 = 1_787_184_000_000_000;

/// The folder of the account.
const BASE: &str = "AWSLogs/111122223333/";

fn store() -> Store {
    let url = Url::parse("memory:///lake/").unwrap();
    Store::new("memory", url, Arc::new(InMemory::new())).unwrap()
}

fn chain() -> Arc<ChainId> {
    Arc::new(ChainId {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        trail: "audit".to_owned(),
        home_region: "eu-central-1".to_owned(),
        base: BASE.to_owned(),
    })
}

fn finding(subject: Subject, status: Status, key: &str) -> Event {
    Event::Finding(Finding {
        chain: chain(),
        status,
        subject,
        bucket: None,
        key: key.to_owned(),
        digest: None,
        span: None,
        cause: String::new(),
    })
}

fn log(status: Status, key: &str) -> Event {
    finding(Subject::Log, status, key)
}

fn hours(from: i64, to: i64) -> Span {
    Span {
        from: from * HOUR,
        to: to * HOUR,
    }
}

fn gap(span: Span) -> Event {
    let Event::Finding(finding) = finding(Subject::Time, Status::Gap, "") else {
        unreachable!()
    };
    Event::Finding(Finding {
        span: Some(span),
        ..finding
    })
}

fn report(proven: &[Span], faulty: &[Span]) -> Event {
    Event::Chain(ChainReport {
        chain: chain(),
        digests: 1,
        logs: 1,
        proven: proven.to_vec(),
        unproven: Vec::new(),
        faulty: faulty.to_vec(),
        unread: Vec::new(),
    })
}

/// Keeps what one verification finds, whose window ends after so many hours.
async fn record(store: &Store, until: i64, events: Vec<Event>) -> DigestStatus {
    let folder = LocalFolder::new(PathBuf::from("/trail"), String::new(), None);
    let options = Options {
        to: Some(until),
        ..Options::default()
    };
    let vault = Arc::new(folder);
    let mut recorder = Recorder::new(store.clone(), vault, &options, "test", || NOW);
    for event in events {
        recorder.take(event).await.unwrap();
    }
    recorder.finish().await.unwrap()
}

/// Reads files of the trail into the store.
async fn ingest(store: &Store, keys: &[&str], known: Option<DigestStatus>) {
    let source = Objects::new(&[]);
    for key in keys {
        source.put(&format!("/trail/{key}"), "1", Some("{\"Records\":[]}"));
    }
    let options = crate::Options {
        digest_status: known.map(Arc::new),
        // After what was recorded before.
        ..crate::Options::new(1, || NOW + HOUR)
    };
    let source: Arc<dyn Source> = source;
    crate::run(store, source, options, &()).await.unwrap();
}

/// Object and status of the rows, oldest first, and the hours of those that are of time.
async fn rows(store: &Store) -> Vec<(String, String, Option<(i64, i64)>)> {
    let table = store.require(&DIGEST_FINDINGS).await.unwrap();
    let objects = store.table_objects(&DIGEST_FINDINGS);
    let columns = ["observed_at", "object", "status", "from_time", "to_time"];
    let mut rows = Vec::new();
    for file in datafile::files(&DIGEST_FINDINGS, &table).unwrap() {
        datafile::read_columns(&objects, &file, &columns, |read| {
            let time = |at: usize, row: usize| {
                let times = read[at].as_primitive::<TimestampMicrosecondType>();
                times.is_valid(row).then(|| times.value(row))
            };
            for row in 0..read[0].len() {
                let [object, status] =
                    [1, 2].map(|at| read[at].as_string::<i32>().value(row).to_owned());
                let span = time(3, row).zip(time(4, row));
                let span = span.map(|(from, to)| (from / HOUR, to / HOUR));
                rows.push((time(0, row), object, status, span));
            }
            Ok(())
        })
        .await
        .unwrap();
    }
    rows.sort();
    rows.into_iter()
        .map(|(_, object, status, span)| (object, status, span))
        .collect()
}

async fn statuses(store: &Store) -> Vec<String> {
    let rows = rows(store).await.into_iter();
    rows.map(|(_, status, _)| status).collect()
}

#[tokio::test]
async fn of_a_file_that_was_read_before_its_proof_each_change_is_a_row() {
    let store = store();
    ingest(&store, &["a"], None).await;
    for status in [
        Status::Unproven,
        Status::Valid,
        Status::Valid,
        // What was proven stays so while nothing speaks against it.
        Status::Unproven,
        Status::LogAltered,
        Status::Unreadable,
        Status::Valid,
    ] {
        record(&store, 0, vec![log(status, "a")]).await;
    }
    assert_eq!(
        statuses(&store).await,
        ["unproven", "valid", "log_altered", "valid"]
    );
}

#[tokio::test]
async fn what_is_told_when_a_file_is_read_is_no_row() {
    let store = store();
    let events = vec![log(Status::Valid, "a"), log(Status::Unproven, "b")];
    let known = record(&store, 0, events.clone()).await;
    assert_eq!(known.of("/trail/a"), Status::Valid);
    ingest(&store, &["a", "b", "c"], Some(known)).await;
    record(&store, 0, events).await;
    assert_eq!(statuses(&store).await, [""; 0]);
    // Its digest comes later.
    record(&store, 0, vec![log(Status::Valid, "c")]).await;
    let proven = ("/trail/c".to_owned(), "valid".to_owned(), None);
    assert_eq!(rows(&store).await, [proven]);
}

#[tokio::test]
async fn a_table_of_findings_that_cannot_be_loaded_keeps_nothing_from_being_read() {
    let store = store();
    store.create_tables().await.unwrap();
    let log = "digest_findings/_delta_log/00000000000000000000.json";
    store.put(log, b"no log".to_vec()).await.unwrap();
    assert!(store.create_tables().await.is_err());
    ingest(&store, &["a"], None).await;
    let table = store.require(&INGESTED_OBJECTS).await.unwrap();
    let files = datafile::files(&INGESTED_OBJECTS, &table).unwrap();
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_file_that_is_missing_is_told_of_once_until_it_is_there_again() {
    let store = store();
    for status in [Status::LogMissing, Status::LogMissing, Status::Valid] {
        record(&store, 0, vec![log(status, "gone")]).await;
    }
    assert_eq!(statuses(&store).await, ["log_missing", "valid"]);
}

#[tokio::test]
async fn of_two_findings_about_a_file_the_worse_stands() {
    let store = store();
    for events in [
        [log(Status::LogAltered, "a"), log(Status::Valid, "a")],
        [log(Status::Valid, "b"), log(Status::LogAltered, "b")],
    ] {
        let known = record(&store, 0, events.to_vec()).await;
        let names = ["/trail/a", "/trail/b"];
        assert!(
            names
                .map(|name| known.of(name))
                .contains(&Status::LogAltered)
        );
    }
    assert_eq!(statuses(&store).await, ["log_altered", "log_altered"]);
}

#[tokio::test]
async fn what_was_tampered_with_stays_so_though_it_is_read_again_and_cannot_be_verified() {
    let store = store();
    record(&store, 0, vec![log(Status::LogAltered, "a")]).await;
    // Nobody asked, and then nothing could be known.
    ingest(&store, &["a"], None).await;
    record(&store, 0, vec![log(Status::Unreadable, "a")]).await;
    assert_eq!(statuses(&store).await, ["log_altered"]);
    record(&store, 0, vec![log(Status::Valid, "a")]).await;
    assert_eq!(statuses(&store).await, ["log_altered", "valid"]);
}

#[tokio::test]
async fn proven_time_grows_and_what_was_found_last_counts() {
    let store = store();
    let until = 9 * HOUR + 1;
    let folder = format!("/trail/{BASE}CloudTrail-Digest/eu-west-1");
    let row =
        |status: &str, from: i64, to: i64| (folder.clone(), status.to_owned(), Some((from, to)));
    record(&store, until, vec![report(&[hours(0, 3)], &[])]).await;
    // Looked at again, it says nothing new.
    record(&store, until, vec![report(&[hours(1, 3)], &[])]).await;
    assert_eq!(rows(&store).await, [row("valid", 0, 3)]);
    record(&store, until, vec![report(&[hours(1, 5)], &[])]).await;
    let whole = [row("valid", 0, 3), row("valid", 0, 5)];
    assert_eq!(rows(&store).await, whole);
    let late = Span {
        from: 5 * HOUR,
        to: until,
    };
    let faulty = report(&[hours(1, 5)], &[hours(2, 3)]);
    for _ in 0..2 {
        record(&store, until, vec![gap(late), faulty.clone()]).await;
    }
    let newest = [
        row("valid", 0, 2),
        row("gap", 2, 3),
        row("valid", 3, 5),
        row("gap", 5, 9),
    ];
    let rows = rows(&store).await;
    assert_eq!(rows.len(), whole.len() + newest.len());
    for row in newest {
        assert!(rows.contains(&row), "{row:?}: {rows:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_today_leaves_proven_time_as_it_is() {
    let store = store();
    let folder = format!("/trail/{BASE}CloudTrail-Digest/eu-west-1");
    let row =
        |status: &str, from: i64, to: i64| (folder.clone(), status.to_owned(), Some((from, to)));
    record(&store, 0, vec![report(&[hours(0, 3)], &[])]).await;
    let unread = |until| {
        let Event::Chain(report) = report(&[hours(0, until)], &[]) else {
            unreachable!()
        };
        Event::Chain(ChainReport {
            unread: vec![hours(1, 2), hours(3, 4)],
            ..report
        })
    };
    // No digest of an hour can be found any more.
    record(&store, 0, vec![gap(hours(2, 3)), unread(3)]).await;
    let grown = [row("valid", 0, 3), row("valid", 0, 3), row("gap", 3, 4)];
    let mut found = rows(&store).await;
    found.sort();
    let mut wanted = grown.to_vec();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_folder_that_could_not_be_listed_is_well_once_what_lies_in_it_is_verified() {
    let store = store();
    let logs = format!("{BASE}CloudTrail/");
    let denied = || finding(Subject::Folder, Status::Unreadable, &logs);
    let elsewhere = finding(Subject::Folder, Status::Unreadable, "AWSLogs/444455556666/");
    record(&store, 0, vec![denied(), elsewhere]).await;
    // It was verified in part only.
    record(&store, 0, vec![denied(), report(&[], &[])]).await;
    assert_eq!(statuses(&store).await, ["unreadable"; 2]);
    record(&store, 0, vec![report(&[], &[])]).await;
    let rows = rows(&store).await;
    let (object, status, _) = rows.last().unwrap();
    assert_eq!((rows.len(), status.as_str()), (3, "valid"));
    assert_eq!(*object, format!("/trail/{BASE}CloudTrail"));
}

#[tokio::test]
async fn digests_are_told_of_where_they_are_not_valid() {
    let store = store();
    let digest = |status| vec![finding(Subject::Digest, status, "d")];
    for status in [Status::Valid, Status::PublicKeyUnknown, Status::Valid] {
        record(&store, 0, digest(status)).await;
    }
    assert_eq!(statuses(&store).await, ["public_key_unknown", "valid"]);
    let objects = store.require(&INGESTED_OBJECTS).await.unwrap();
    assert!(
        datafile::files(&INGESTED_OBJECTS, &objects)
            .unwrap()
            .is_empty()
    );
}
