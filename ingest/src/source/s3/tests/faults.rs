//! Faults of S3 through whole runs: in the end, the tables hold what they hold without.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::Array;
use arrow::util::display::array_value_to_string;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use flate2::Compression;
use flate2::write::GzEncoder;
use object_store::memory::InMemory;
use serde_json::{Value, json};

use super::open;
use super::proxy::{Fault, Proxy};
use super::server::{ACCESS_KEY, NEXT_ACCESS_KEY, Server, credentials_of, log, noon, options};
use crate::datafile;
use crate::schema::{EVENTS, INGESTED_OBJECTS, Table};
use crate::source::s3::{MEMORY, S3Options};
use crate::store::Store;
use crate::{Options, Progress, Summary, run};

const ACCOUNT: &str = "111122223333";

/// Times that each kind of request is broken: fewer than the attempts of one.
const TIMES: usize = 5;

/// Records of a file that are no copies.
const NEW: usize = 2;

fn record(number: usize) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "eventTime": format!("2026-11-21T{:02}:{:02}:00Z", number / 60 % 24, number % 60),
        "eventSource": "sqs.amazonaws.com", "eventName": "ReceiveMessage", "awsRegion": "eu-west-1",
        "sourceIPAddress": "10.0.0.7", "userAgent": "Boto3/1.34.0", "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": ACCOUNT},
        "requestParameters": {"number": number}, "readOnly": true,
    })
}

/// A log file with records of its own, and a copy of one of them.
fn file(number: usize) -> Vec<u8> {
    let first = NEW * number;
    let text = json!({"Records": [record(first), record(first + 1), record(first)]}).to_string();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Log files of two accounts and two days.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for day in ["20261121", "20261122"] {
        for account in [ACCOUNT, "444455556666"] {
            for slot in ["0000", "0005", "0010"] {
                let time = format!("{day}T{slot}Z");
                let key = log("AWSLogs/", account, "eu-west-1", &time, "a");
                let bytes = file(files.len());
                files.push((key, bytes));
            }
        }
    }
    files
}

async fn filled() -> Server {
    let server = Server::start().await;
    for (key, bytes) in files() {
        server.put(&key, &bytes);
    }
    server.page(2);
    server
}

fn store() -> Store {
    let url = url::Url::parse("memory:///lake/").unwrap();
    Store::new("memory", url, Arc::new(InMemory::new())).unwrap()
}

/// One run, of batches smaller than the trail.
async fn ingest(store: &Store, options: S3Options, progress: &dyn Progress) -> Summary {
    let bounds = Options {
        batch_objects: 5,
        pause: Duration::ZERO,
        ..Options::new(2, noon)
    };
    let source = Arc::new(open("s3://trail", options).await);
    run(store, source, bounds, progress).await.unwrap()
}

/// All rows of a table, with all columns.
async fn rows(store: &Store, table: &'static Table) -> Vec<String> {
    let schema = table.file_schema();
    let columns: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let delta = store.require(table).await.unwrap();
    let objects = store.table_objects(table);
    let mut rows = Vec::new();
    for file in datafile::files(table, &delta).unwrap() {
        datafile::read_columns(&objects, &file, &columns, |read| {
            for row in 0..read[0].len() {
                let values = read
                    .iter()
                    .map(|column| array_value_to_string(column, row).unwrap());
                rows.push(values.collect::<Vec<_>>().join("|"));
            }
            Ok(())
        })
        .await
        .unwrap();
    }
    rows.sort();
    rows
}

/// Events of a run that nothing disturbs.
async fn undisturbed(server: &Server) -> Vec<String> {
    let store = store();
    let summary = ingest(&store, options(&server.endpoint), &()).await;
    assert!(summary.is_whole(), "{summary:?}");
    rows(&store, &EVENTS).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_fail_for_a_while_leave_no_trace() {
    let server = filled().await;
    let calm = store();
    ingest(&calm, options(&server.endpoint), &()).await;
    let (events, objects) = (
        rows(&calm, &EVENTS).await,
        rows(&calm, &INGESTED_OBJECTS).await,
    );
    assert_eq!(events.len(), NEW * files().len());
    for (memory, fault) in [
        (MEMORY, Fault::slow_down()),
        (MEMORY, Fault::Reset(0)),
        (MEMORY, Fault::Reset(60)),
        (MEMORY, Fault::Close(60)),
        (MEMORY, Fault::Short(60)),
        // Streamed, and resumed.
        (0, Fault::Reset(60)),
        (0, Fault::Close(60)),
    ] {
        let proxy = Proxy::start(&server.endpoint).await;
        // A list that is cut and does not show it is malformed: the next run lists again.
        let lists: &[&str] = match fault {
            Fault::Short(_) => &[],
            _ => &["FOLDERS *", "LIST *"],
        };
        for of in lists.iter().chain(&["GET *"]) {
            proxy.breaks(of, TIMES, fault.clone());
        }
        let mut options = options(&proxy.endpoint);
        options.memory = memory;
        let store = store();
        let summary = ingest(&store, options, &()).await;
        assert!(summary.is_whole(), "{fault:?}: {summary:?}");
        let log = proxy.log();
        let gets = log.iter().filter(|line| line.starts_with("GET "));
        assert_eq!(gets.count(), files().len() + TIMES, "{fault:?}: {log:#?}");
        assert_eq!(rows(&store, &EVENTS).await, events, "{fault:?}");
        assert_eq!(rows(&store, &INGESTED_OBJECTS).await, objects, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_of_another_version_and_the_next_run_reads_it() {
    let server = filled().await;
    let wanted = undisturbed(&server).await;
    for memory in [MEMORY, 0] {
        let proxy = Proxy::start(&server.endpoint).await;
        let other = "\"00000000000000000000000000000000\"";
        proxy.breaks("GET *", TIMES, Fault::Header("etag", other));
        let mut options = options(&proxy.endpoint);
        options.memory = memory;
        let store = store();
        let first = ingest(&store, options.clone(), &()).await;
        assert_eq!(first.unreadable, TIMES as u64, "{first:?}");
        let found = rows(&store, &EVENTS).await;
        assert_eq!(found.len(), NEW * (files().len() - TIMES));
        assert!(found.iter().all(|row| wanted.contains(row)), "{found:#?}");

        let second = ingest(&store, options, &()).await;
        assert_eq!(second.objects, TIMES as u64, "{second:?}");
        assert!(second.is_whole(), "{second:?}");
        assert_eq!(rows(&store, &EVENTS).await, wanted);
    }
}

/// Credentials that somebody renews once they have expired.
#[derive(Debug, Clone, Default)]
struct Renewed {
    expired: Arc<AtomicBool>,
    renewals: Arc<AtomicUsize>,
}

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut access_key = ACCESS_KEY;
        if self.expired.load(Ordering::SeqCst) {
            self.renewals.fetch_add(1, Ordering::SeqCst);
            access_key = NEXT_ACCESS_KEY;
        }
        future::ProvideCredentials::ready(Ok(credentials_of(access_key)))
    }
}

/// Lets the credentials expire after the first batch.
struct Expiry<'a> {
    proxy: &'a Proxy,
    credentials: Renewed,
}

impl Progress for Expiry<'_> {
    fn committed(&self, _run: &Summary) {
        self.credentials.expired.store(true, Ordering::SeqCst);
        self.proxy.expires(ACCESS_KEY);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_outlives_its_credentials() {
    let server = filled().await;
    let wanted = undisturbed(&server).await;
    let proxy = Proxy::start(&server.endpoint).await;
    let credentials = Renewed::default();
    let mut options = options(&proxy.endpoint);
    options.aws.credentials = Some(SharedCredentialsProvider::new(credentials.clone()));
    let expiry = Expiry {
        proxy: &proxy,
        credentials: credentials.clone(),
    };
    let store = store();
    let summary = ingest(&store, options, &expiry).await;
    assert!(summary.is_whole(), "{summary:?}");
    assert!(
        credentials.renewals.load(Ordering::SeqCst) > 0,
        "nothing expired"
    );
    assert_eq!(rows(&store, &EVENTS).await, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trail_that_changes_while_it_is_listed_is_read_by_the_next_run() {
    let server = Arc::new(Server::start().await);
    let key = |slot: &str| {
        log(
            "AWSLogs/",
            ACCOUNT,
            "eu-west-1",
            &format!("20261122T{slot}Z"),
            "a",
        )
    };
    let slots = ["0000", "0005", "0010", "0015", "0020"];
    for (number, slot) in slots.into_iter().enumerate() {
        server.put(&key(slot), &file(number));
    }
    server.page(2);
    let proxy = Proxy::start(&server.endpoint).await;
    let day = format!("AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/22/");
    let changed = Arc::clone(&server);
    // Between the first page, which has 0000 and 0005, and the second.
    proxy.then(&format!("LIST {day}"), move || {
        changed.put(&key("0000"), &file(7));
        changed.put(&key("0003"), &file(5));
        changed.remove(&key("0005"));
        changed.put(&key("0012"), &file(6));
    });
    let store = store();
    let first = ingest(&store, options(&proxy.endpoint), &()).await;
    assert_eq!((first.objects, first.unreadable), (6, 2), "{first:?}");
    assert_eq!(rows(&store, &EVENTS).await.len(), NEW * 4);

    let second = ingest(&store, options(&proxy.endpoint), &()).await;
    assert_eq!((second.objects, second.already_read), (2, 4), "{second:?}");
    assert!(second.is_whole(), "{second:?}");
    assert_eq!(rows(&store, &EVENTS).await, undisturbed(&server).await);
}
