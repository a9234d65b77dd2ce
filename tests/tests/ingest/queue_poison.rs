//! Messages of a queue that cannot be used: a dry run leaves them as they are, a run puts them aside, also where it makes
//! the store.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use podtrail_tests::program::Run;
use podtrail_tests::sqs_queue::SqsQueue;

/// What S3 sends when notifications are set up: it names nothing to be read.
const TEST_EVENT: &str =
    r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"podtrail-test"}"#;

fn ingest(queue: &SqsQueue, store: &Path, options: &[&str]) -> Run {
    queue.ingest(store, options).output().unwrap().into()
}

/// How many messages are kept aside.
fn aside(store: &Path) -> usize {
    std::fs::read_dir(store.join("_ingest/aside")).map_or(0, Iterator::count)
}

#[test]
fn a_dry_run_changes_neither_the_queue_nor_a_store() {
    let queue = SqsQueue::start();
    queue.send("not a notification");
    queue.send(TEST_EVENT);
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let run = ingest(&queue, &store, &["--dry-run"]).expect(3);
    assert!(run.stderr.contains("not a notification"), "{}", run.stderr);
    assert_eq!(queue.messages(), (2, 0));
    assert!(!store.exists(), "a dry run makes no store");
}

#[test]
fn the_first_run_puts_aside_what_it_cannot_use() {
    let queue = SqsQueue::start();
    queue.send("not a notification");
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let run = ingest(&queue, &store, &[]).expect(3);
    assert!(run.stderr.contains("; put aside"), "{}", run.stderr);
    assert_eq!((queue.messages(), aside(&store)), ((0, 0), 1));

    queue.send("another one");
    ingest(&queue, &store, &["--dry-run"]).expect(3);
    assert_eq!((queue.messages(), aside(&store)), ((1, 0), 1));
    ingest(&queue, &store, &[]).expect(3);
    assert_eq!((queue.messages(), aside(&store)), ((0, 0), 2));
}
