use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::util::display::array_value_to_string;
use deltalake::kernel::Remove;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;

use super::files::{Group, Live, plan};
use super::*;
use crate::datafile::{self, FileInfo};
use crate::pipeline;
use crate::schema::{ACTIVITIES, EVENTS, INGESTED_OBJECTS};
use crate::source::memory::Objects;

mod merging;
mod whole;

/// Later than any file that a test writes, by more than any retention.
const LATER: i64 = 4_102_444_800_000_000;

/// A time at which nothing is old: before any test ran.
const EARLIER: i64 = 1_577_836_800_000_000;

fn store() -> Store {
    let url = url::Url::parse("memory:///lake/").unwrap();
    Store::new("memory", url, Arc::new(InMemory::new())).unwrap()
}

fn options() -> Options {
    Options {
        pause: Duration::ZERO,
        min_files: 2,
        ..Options::new(|| EARLIER)
    }
}

/// The same when all files are old.
fn later() -> Options {
    Options {
        clock: || LATER,
        ..options()
    }
}

/// A call of one of four sessions, in the minute of a day of March 2026.
fn event(number: usize, day: u32, minute: usize) -> String {
    let session = number % 4;
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/node/i-0000000000000000{session}","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{session}","sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"arn:aws:iam::111122223333:role/node"}}}}}},"eventTime":"2026-03-{day:02}T09:{:02}:{:02}Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeNetworkInterfaces","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-{number:012}","readOnly":true,"requestParameters":{{"filterSet":{{"items":[{{"name":"tag:cluster.k8s.amazonaws.com/name","valueSet":{{"items":[{{"value":"shop-{session}"}}]}}}}]}}}},"recipientAccountId":"111122223333"}}"#,
        minute % 60,
        number % 60,
    )
}

fn file(events: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, events.join(","))
}

/// Ingests so many objects, each by a commit of its own, with calls of two days.
async fn ingest(store: &Store, objects: std::ops::Range<usize>) {
    let source = Objects::default();
    for object in objects {
        let events: Vec<String> = (0..6)
            .map(|at| event(object * 6 + at, 2 + u32::from(at == 5), object % 12))
            .collect();
        let key = format!("memory://{object:04}.json");
        source.put(&key, "1", Some(&file(&events)));
    }
    let options = pipeline::Options {
        batch_objects: 1,
        pause: Duration::ZERO,
        ..pipeline::Options::new(1, || EARLIER)
    };
    let summary = pipeline::run(store, Arc::new(source), options, &())
        .await
        .unwrap();
    assert!(!summary.has_problems(), "{summary:?}");
}

/// All rows of a table as texts, in order; without the columns that `but` names.
async fn texts(store: &Store, table: &'static Table, but: &[&str]) -> Vec<String> {
    let rows = rows(store, table).await;
    let mut texts: Vec<String> = (0..rows.num_rows())
        .map(|row| {
            let schema = rows.schema();
            let shown = schema
                .fields()
                .iter()
                .zip(rows.columns())
                .filter(|(field, _)| !but.contains(&field.name().as_str()))
                .map(|(_, column)| array_value_to_string(column, row).unwrap());
            shown.collect::<Vec<_>>().join("|")
        })
        .collect();
    texts.sort();
    texts
}

/// All rows of a table, file after file, without the partition.
async fn rows(store: &Store, table: &'static Table) -> RecordBatch {
    let delta = store.require(table).await.unwrap();
    let schema = table.file_schema();
    let mut batches = Vec::new();
    for file in datafile::files(table, &delta).unwrap() {
        let mut stream = datafile::rows(&store.table_objects(table), &file, &schema, 100)
            .await
            .unwrap();
        while let Some(batch) = stream.next().await.unwrap() {
            batches.push(batch);
        }
    }
    concat_batches(&schema, &batches).unwrap()
}

async fn files_of(store: &Store, table: &'static Table) -> Vec<FileInfo> {
    datafile::files(table, &store.require(table).await.unwrap()).unwrap()
}

/// Paths and sizes of all that lies in the store.
async fn everything(store: &Store) -> Vec<(String, u64)> {
    let listed: Vec<_> = store.objects().list(None).try_collect().await.unwrap();
    let mut all: Vec<_> = listed
        .into_iter()
        .map(|object| (object.location.to_string(), object.size))
        .collect();
    all.sort();
    all
}

fn calls_of(rows: &RecordBatch) -> i64 {
    let calls = rows.column_by_name("calls").unwrap();
    calls.as_primitive::<Int64Type>().values().iter().sum()
}
