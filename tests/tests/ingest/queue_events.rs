//! Records that messages of a queue hold themselves: in events of EventBridge, and alone.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use podtrail_tests::endpoint::wait_for;
use podtrail_tests::program::{Run, number, sql};
use podtrail_tests::sqs_queue::SqsQueue;
use serde_json::{Value, json};

/// A credential in the records.
const TOKEN: &str = "FwoGZXIvYXdzEXAMPLETOKEN";

/// A record that issues credentials.
fn record(id: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
        "eventTime": "2026-03-02T09:05:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": "eu-west-1",
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/node", "roleSessionName": "i-0123456789abcdef0"},
        "responseElements": {"credentials": {
            "accessKeyId": format!("ASIAEXAMPLE{id}"), "sessionToken": TOKEN, "expiration": "Mar 2, 2026, 3:05:00 PM"}},
        "eventID": id,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// The record as EventBridge passes it on.
fn event(id: &str) -> String {
    let event = json!({
        "version": "0",
        "id": format!("bus-{id}"),
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.sts",
        "account": "111122223333",
        "time": "2026-03-02T09:05:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": record(id),
    });
    event.to_string()
}

fn ingest(queue: &SqsQueue, store: &Path) -> Run {
    queue.ingest(store, &[]).output().unwrap().into()
}

fn events(store: &Path) -> i64 {
    number(store, "SELECT count(*) FROM events")
}

#[test]
fn events_and_records_in_messages_are_kept_once_and_their_messages_go() {
    let queue = SqsQueue::start();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    queue.send(&event("e-1"));
    let topic = "arn:aws:sns:eu-west-1:111122223333:events";
    let envelope = json!({"Type": "Notification", "TopicArn": topic, "Message": event("e-2")});
    queue.send(&envelope.to_string());
    queue.send(&record("e-3").to_string());
    ingest(&queue, &store).expect(0);
    assert_eq!(queue.messages(), (0, 0));
    let issued = "SELECT event_id, issued_access_key_id AS key FROM events ORDER BY event_id";
    let issued: Vec<Value> = sql(&store, issued);
    let expected =
        ["e-1", "e-2", "e-3"].map(|id| json!({"event_id": id, "key": format!("ASIAEXAMPLE{id}")}));
    assert_eq!(issued, expected);
    let secrets = format!("SELECT count(*) FROM events WHERE response_elements LIKE '%{TOKEN}%'");
    assert_eq!(number(&store, &secrets), 0);

    // Delivered again, as EventBridge may; and the same record by another rule.
    queue.send(&event("e-1"));
    queue.send(&record("e-2").to_string());
    ingest(&queue, &store).expect(0);
    assert_eq!((queue.messages(), events(&store)), ((0, 0), 3));
    let objects = sql(
        &store,
        "SELECT key, new_events, duplicates FROM ingested_objects ORDER BY key",
    );
    let rows = [
        ("eventbridge://111122223333/eu-west-1/bus-e-1", 1, 0),
        ("eventbridge://111122223333/eu-west-1/bus-e-2", 1, 0),
        ("record://111122223333/eu-west-1/e-2", 0, 1),
        ("record://111122223333/eu-west-1/e-3", 1, 0),
    ];
    let rows =
        rows.map(|(key, new, known)| json!({"key": key, "new_events": new, "duplicates": known}));
    assert_eq!(objects, rows);
}

/// The manifest of the first batch, while it is fixed and not committed.
fn manifest(store: &Path) -> Option<PathBuf> {
    let sources = fs::read_dir(store.join("_ingest")).ok()?;
    let mut manifests =
        sources.map(|source| source.unwrap().path().join(format!("{:020}.json", 1)));
    manifests.find(|manifest| manifest.exists())
}

#[test]
fn a_batch_of_events_is_read_after_the_process_that_fixed_it_was_killed() {
    let queue = SqsQueue::start();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    queue.stall(true);
    queue.send(&event("e-1"));
    queue.send(&record("e-2").to_string());
    // Keeps the batch from being committed.
    let object =
        json!({"key": "one.json.gz", "size": 100, "eTag": "0123456789abcdef0123456789abcdef"});
    let created = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "podtrail-test"}, "object": object}}]});
    queue.send(&created.to_string());
    let mut command = queue.ingest(&store, &[]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let manifest = wait_for("a batch that is fixed", || manifest(&store));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(
        text.contains("bus-e-1") && text.contains("AssumeRole"),
        "{text}"
    );
    assert!(!text.contains(TOKEN), "{text}");

    // Nobody gives the messages out yet.
    queue.stall(false);
    assert_eq!(queue.messages(), (0, 3));
    let run = ingest(&queue, &store).expect(3);
    assert!(run.stderr.contains("one.json.gz"), "{}", run.stderr);
    assert!(!run.stderr.contains("not in hand"), "{}", run.stderr);
    assert_eq!(events(&store), 2);
    assert!(!manifest.exists());

    // They come again; that of the object stays.
    queue.let_time_pass();
    ingest(&queue, &store).expect(3);
    assert_eq!((queue.messages(), events(&store)), ((0, 1), 2));
}
