//! Looks at a store's tables from outside, with SQL, and tells what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::json::ArrayWriter;
use datafusion::prelude::SessionContext;
use podtrail_ingest::schema::{DIGEST_FINDINGS, EVENTS, TABLES};
use podtrail_ingest::store::Store;
use podtrail_query::{Engine, Limits, Session, session_config};
use serde_json::{Map, Value};

use crate::objects::{ExpectedObject, Objects};

/// A row of a query.
pub type Row = Map<String, Value>;

/// Opens a session on the newest snapshot.
pub async fn session(store: &Store) -> Session {
    let engine = Engine::new(store.clone(), &Limits::new(1)).unwrap();
    engine.session().await.unwrap()
}

/// Opens the newest snapshot of the tables alone. The views are most of what opening a session costs: who looks at tables
/// hundreds of times has no use for them.
pub async fn tables(store: &Store) -> SessionContext {
    let context = SessionContext::new_with_config(session_config(1));
    for table in TABLES {
        let Some(delta) = store.load(table).await.unwrap() else {
            assert_eq!(table.name, DIGEST_FINDINGS.name, "a table is missing");
            let none = RecordBatch::new_empty(table.arrow_schema());
            context.register_batch(table.name, none).unwrap();
            continue;
        };
        delta.update_datafusion_session(&context.state()).unwrap();
        let provider = delta
            .table_provider()
            .with_session(Arc::new(context.state()))
            .build()
            .await
            .unwrap();
        context
            .register_table(table.name, Arc::new(provider))
            .unwrap();
    }
    context
}

/// What answers queries: a session of podtrail, or the tables alone.
pub trait Answers: Sync {
    /// Runs a query and gives all its rows.
    fn batches(&self, sql: &str) -> impl Future<Output = Vec<RecordBatch>> + Send;
}

impl Answers for Session {
    async fn batches(&self, sql: &str) -> Vec<RecordBatch> {
        self.rows(sql).await.unwrap()
    }
}

impl Answers for SessionContext {
    async fn batches(&self, sql: &str) -> Vec<RecordBatch> {
        let frame = self.sql(sql).await.unwrap();
        frame.collect().await.unwrap()
    }
}

/// Runs a query and gives its rows; nulls are left out.
pub async fn rows(of: &impl Answers, sql: &str) -> Vec<Row> {
    as_rows(&of.batches(sql).await)
}

/// Gives the rows of batches; nulls are left out.
#[must_use]
pub fn as_rows(batches: &[RecordBatch]) -> Vec<Row> {
    let mut writer = ArrayWriter::new(Vec::new());
    writer
        .write_batches(&batches.iter().collect::<Vec<_>>())
        .unwrap();
    writer.finish().unwrap();
    let text = writer.into_inner();
    if text.is_empty() {
        return Vec::new();
    }
    serde_json::from_slice(&text).unwrap()
}

/// What the tables of a store must hold.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    events: BTreeSet<String>,
    objects: BTreeMap<String, ExpectedObject>,
}

impl Expected {
    /// Everything of some sources. Their objects must be different ones.
    #[must_use]
    pub fn of(sources: &[&Objects]) -> Self {
        let mut expected = Self::default();
        for source in sources {
            expected.events.extend(source.event_ids());
            for object in source.expected() {
                let before = expected.objects.insert(object.key.clone(), object);
                assert!(before.is_none(), "an object of two sources");
            }
        }
        expected
    }

    /// Number of different events.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }
}

/// Compares a store's tables with what they must hold and gives all differences, one a line; empty
/// where there is none.
pub async fn differences(store: &Store, expected: &Expected) -> String {
    let tables = tables(store).await;
    let mut wrong = String::new();
    let events = rows(
        &tables,
        "SELECT event_id, activity_id, source_object FROM events",
    )
    .await;
    check_events(&events, expected, &mut wrong);
    let activities = rows(&tables, "SELECT activity_id, calls FROM activities").await;
    check_activities(&events, &activities, &mut wrong);
    let objects = rows(
        &tables,
        "SELECT key, source, status, records, new_events, duplicates, rejected FROM ingested_objects",
    )
    .await;
    check_objects(&events, &objects, expected, &mut wrong);
    let rejects = rows(
        &tables,
        "SELECT object, source, reason FROM rejects ORDER BY object, position, reason",
    )
    .await;
    check_rejects(&rejects, expected, &mut wrong);
    wrong
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

fn number(row: &Row, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or_default()
}

fn tally<'a>(keys: impl Iterator<Item = (&'a str, i64)>) -> BTreeMap<&'a str, i64> {
    let mut tally = BTreeMap::new();
    for (key, count) in keys {
        *tally.entry(key).or_default() += count;
    }
    tally
}

/// Names the keys at which two tallies differ.
fn compare(
    what: &str,
    found: &BTreeMap<&str, i64>,
    wanted: &BTreeMap<&str, i64>,
    wrong: &mut String,
) {
    let keys: BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
    for key in keys {
        let (found, wanted) = (found.get(*key).copied(), wanted.get(*key).copied());
        if found != wanted {
            let (found, wanted) = (found.unwrap_or(0), wanted.unwrap_or(0));
            writeln!(wrong, "{what} {key}: found {found}, must be {wanted}").unwrap();
        }
    }
}

fn check_events(events: &[Row], expected: &Expected, wrong: &mut String) {
    let found = tally(events.iter().map(|row| (text(row, "event_id"), 1)));
    let wanted = tally(expected.events.iter().map(|id| (id.as_str(), 1)));
    compare("event", &found, &wanted, wrong);
}

fn check_activities(events: &[Row], activities: &[Row], wrong: &mut String) {
    let found = tally(
        activities
            .iter()
            .map(|row| (text(row, "activity_id"), number(row, "calls"))),
    );
    let wanted = tally(events.iter().map(|row| (text(row, "activity_id"), 1)));
    compare("calls of activity", &found, &wanted, wrong);
}

fn check_objects(events: &[Row], objects: &[Row], expected: &Expected, wrong: &mut String) {
    let found = tally(objects.iter().map(|row| (text(row, "key"), 1)));
    let wanted = tally(expected.objects.keys().map(|key| (key.as_str(), 1)));
    compare("rows of object", &found, &wanted, wrong);
    let found = tally(
        objects
            .iter()
            .map(|row| (text(row, "key"), number(row, "new_events"))),
    );
    let mut wanted = tally(events.iter().map(|row| (text(row, "source_object"), 1)));
    for key in expected.objects.keys() {
        wanted.entry(key).or_default();
    }
    compare("new_events of object", &found, &wanted, wrong);
    for row in objects {
        let Some(object) = expected.objects.get(text(row, "key")) else {
            continue;
        };
        let refused = i64::try_from(object.bad.len()).unwrap();
        let status = if refused == 0 { "ok" } else { "partial" };
        let right = text(row, "source") == object.source
            && text(row, "status") == status
            && number(row, "records") == object.records
            && number(row, "new_events") + number(row, "duplicates") == object.records
            && number(row, "rejected") == refused;
        if !right {
            writeln!(wrong, "object {row:?} must be {object:?}, {status}").unwrap();
        }
    }
}

fn check_rejects(rejects: &[Row], expected: &Expected, wrong: &mut String) {
    let mut found: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for row in rejects {
        let object = (text(row, "object"), text(row, "source"));
        found.entry(object).or_default().push(text(row, "reason"));
    }
    let wanted: BTreeMap<(&str, &str), Vec<&str>> = expected
        .objects
        .values()
        .filter(|object| !object.bad.is_empty())
        .map(|object| {
            let reasons = object.bad.iter().map(String::as_str).collect();
            ((object.key.as_str(), object.source.as_str()), reasons)
        })
        .collect();
    if found != wanted {
        writeln!(wrong, "rejects {found:?} must be {wanted:?}").unwrap();
    }
}

/// Columns of `events` that say what a record says, and nothing of how it came here; separated by commas.
#[must_use]
pub fn record_columns() -> String {
    let names = EVENTS.columns.iter().map(|column| column.name);
    let names: Vec<_> = names
        .filter(|name| !["ingested_at", "source_object"].contains(name))
        .collect();
    names.join(", ")
}

/// Gives all rows of all tables as sorted text.
pub async fn everything(store: &Store) -> Vec<String> {
    let tables = tables(store).await;
    let mut all = Vec::new();
    for table in TABLES {
        for row in rows(&tables, &format!("SELECT * FROM {}", table.name)).await {
            all.push(format!("{}: {}", table.name, Value::from(row)));
        }
    }
    all.sort();
    all
}
