//! What `report coverage` says of log files that were read, and of what digests say of them.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::BoxStream;
use podtrail_ingest::DigestStatus;
use podtrail_ingest::digest::{
    ChainId, ChainReport, Event, Finding, LocalFolder, Options, Span, Status, Subject,
};
use podtrail_ingest::findings::Recorder;
use podtrail_ingest::source::{Body, ObjectRef, Source};
use podtrail_ingest::store::Store;
use podtrail_query::listing::{self, Listing};
use podtrail_query::report::Report;
use podtrail_query::{Engine, Filter, Limits};
use serde_json::{Value, json};

/// 2026-08-20T00:00:00Z: when all is read.
const NOW: i64 = 1_787_184_000_000_000;

/// 2026-03-01T00:00:00Z: when the trail begins.
const BEGIN: i64 = 1_772_323_200_000_000;

const HOUR: i64 = 3_600_000_000;

const ACCOUNT: &str = "111122223333";

/// Where the trail is.
const ROOT: &str = "/trail";

fn key(name: &str) -> String {
    format!("AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/03/01/{name}.json.gz")
}

/// Log files of the trail, each with one record, and their etag; the last cannot be read.
#[derive(Debug)]
struct Logs([&'static str; 3], &'static str);

#[async_trait::async_trait]
impl Source for Logs {
    fn id(&self) -> &'static str {
        "logs"
    }

    fn location(&self) -> &'static str {
        ROOT
    }

    fn list(&self) -> BoxStream<'static, podtrail_ingest::Result<ObjectRef>> {
        let etag = self.1;
        let objects = self.0.map(|name| {
            Ok(ObjectRef {
                key: format!("{ROOT}/{}", key(name)),
                etag: etag.to_owned(),
                size: 1,
            })
        });
        Box::pin(futures::stream::iter(objects))
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        if object.key.ends_with(&key(self.0[2])) {
            return Err(std::io::Error::other("denied"));
        }
        let record = json!({
            "eventVersion": "1.11", "eventID": object.key, "eventTime": "2026-03-01T00:30:00Z",
            "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "eu-west-1",
            "recipientAccountId": ACCOUNT, "userIdentity": {"type": "IAMUser", "accountId": ACCOUNT},
        });
        let text = json!({ "Records": [record] }).to_string();
        Ok(Box::new(Cursor::new(text)))
    }
}

fn chain(account: &str, region: &str, trail: &str) -> Arc<ChainId> {
    Arc::new(ChainId {
        account: account.to_owned(),
        region: region.to_owned(),
        trail: trail.to_owned(),
        home_region: "eu-central-1".to_owned(),
        base: format!("AWSLogs/{account}/"),
    })
}

fn found(chain: Arc<ChainId>, subject: Subject, status: Status, key: String) -> Event {
    Event::Finding(Finding {
        chain,
        status,
        subject,
        bucket: None,
        key,
        digest: None,
        span: (subject == Subject::Time).then(|| hours(0, 4)),
        cause: String::new(),
    })
}

fn log(status: Status, name: &str) -> Event {
    let chain = chain(ACCOUNT, "eu-west-1", "audit");
    found(chain, Subject::Log, status, key(name))
}

fn hours(from: i64, to: i64) -> Span {
    Span {
        from: BEGIN + from * HOUR,
        to: BEGIN + to * HOUR,
    }
}

async fn record(store: &Store, events: Vec<Event>) {
    let folder = LocalFolder::new(PathBuf::from(ROOT), String::new(), None);
    let options = Options::default();
    let mut recorder = Recorder::new(store.clone(), Arc::new(folder), &options, "logs", || NOW);
    for event in events {
        recorder.take(event).await.unwrap();
    }
    recorder.finish().await.unwrap();
}

/// Some columns of all rows of a list.
async fn rows(store: &Store, listing: &Listing, columns: &[&str]) -> Vec<Vec<Value>> {
    let engine = Engine::new(store.clone(), &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    let statement = listing.whole(&Filter::default()).unwrap();
    let rows = session.json(statement).await.unwrap();
    let row = |row: &Value| columns.iter().map(|name| row[*name].clone()).collect();
    rows.iter().map(row).collect()
}

const FILES: [&str; 6] = [
    "log_files",
    "proven_log_files",
    "missing_log_files",
    "altered_log_files",
    "unreadable",
    "events",
];

async fn files(store: &Store) -> Vec<Vec<Value>> {
    rows(store, &Report::Coverage.listing(), &FILES).await
}

#[tokio::test]
async fn coverage_says_what_is_proven_missing_and_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    let options = podtrail_ingest::Options::new(1, || NOW);
    let source = Arc::new(Logs(["a", "b", "denied"], "1"));
    podtrail_ingest::run(&store, source, options, &())
        .await
        .unwrap();
    assert_eq!(files(&store).await, [[2, 0, 0, 0, 1, 2].map(Value::from)]);
    let counted = ["objects", "records", "new_events", "rejected", "unreadable"];
    assert_eq!(
        rows(&store, &listing::INGESTED_BATCHES, &counted).await,
        [[3, 2, 2, 0, 1].map(Value::from)]
    );

    let trail = chain(ACCOUNT, "eu-west-1", "audit");
    let report = ChainReport {
        chain: Arc::clone(&trail),
        digests: 3,
        logs: 3,
        proven: vec![hours(0, 3)],
        unproven: Vec::new(),
        faulty: vec![hours(1, 2)],
        unread: Vec::new(),
    };
    let silent = chain(ACCOUNT, "us-east-1", "");
    let denied = chain("", "", "");
    record(
        &store,
        vec![
            log(Status::Valid, "a"),
            log(Status::Valid, "b"),
            log(Status::LogMissing, "gone"),
            Event::Chain(report),
            found(silent, Subject::Time, Status::Gap, String::new()),
            found(
                denied,
                Subject::Folder,
                Status::Unreadable,
                "AWSLogs/444455556666/CloudTrail/".to_owned(),
            ),
        ],
    )
    .await;
    let all = files(&store).await;
    assert_eq!(all[0], [2, 2, 1, 0, 1, 2].map(Value::from), "{all:?}");
    assert_eq!(all[1][5], 0, "{all:?}");
    assert_eq!(all[2], [0, 0, 0, 0, 1, 0].map(Value::from), "{all:?}");
    let columns = [
        "recipient_account_id",
        "aws_region",
        "proven_time",
        "unproven_time",
    ];
    assert_eq!(
        rows(&store, &Report::Coverage.listing(), &columns).await,
        [
            [
                json!(ACCOUNT),
                json!("eu-west-1"),
                json!(
                    "2026-03-01T00:00:00Z..2026-03-01T01:00:00Z 2026-03-01T02:00:00Z..2026-03-01T03:00:00Z"
                ),
                json!("2026-03-01T01:00:00Z..2026-03-01T02:00:00Z"),
            ],
            [
                json!(ACCOUNT),
                json!("us-east-1"),
                Value::Null,
                json!("2026-03-01T00:00:00Z..2026-03-01T04:00:00Z"),
            ],
            [json!("444455556666"), Value::Null, Value::Null, Value::Null,],
        ]
    );
    let told = ["status", "digest_status", "objects"];
    assert_eq!(
        rows(&store, &listing::INGESTION, &told).await,
        [
            [json!("ok"), json!("valid"), json!(2)],
            [json!("unreadable"), Value::Null, json!(1)],
        ]
    );

    record(&store, vec![log(Status::LogAltered, "a")]).await;
    assert_eq!(files(&store).await[0], [2, 1, 1, 1, 1, 2].map(Value::from));

    // Read again, and nothing is known of it today.
    let options = podtrail_ingest::Options {
        digest_status: Some(Arc::new(DigestStatus::default())),
        ..podtrail_ingest::Options::new(1, || NOW + HOUR)
    };
    let source = Arc::new(Logs(["a", "b", "denied"], "2"));
    podtrail_ingest::run(&store, source, options, &())
        .await
        .unwrap();
    assert_eq!(files(&store).await[0], [2, 0, 1, 1, 1, 2].map(Value::from));
    let told = rows(&store, &listing::INGESTION, &told).await;
    let altered = [json!("ok"), json!("log_altered"), json!(2)];
    assert!(told.iter().any(|row| *row == altered), "{told:?}");
}
