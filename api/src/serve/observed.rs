//! Metrics of what the store holds and of what was read into it.
//!
//! What the store holds is told anew with every snapshot: these counters are the store's, whoever read it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use podtrail_ingest::source::sqs::Told;
use podtrail_query::{Error, Executor, Filter, Session, listing};
use serde_json::Value;

/// Series of calls with node roles: more namespaces than this are added up as `other`.
const MOST_NAMESPACES: usize = 500;

/// Says what the metrics are.
pub fn describe() {
    describe_counter!(
        "podtrail_attribution_events_total",
        "Calls in the store that an identity of a cluster made, by access path and confidence"
    );
    describe_counter!(
        "podtrail_unattributed_events_total",
        "Calls in the store that no identity of a cluster made, by reason"
    );
    describe_counter!(
        "podtrail_node_role_calls_total",
        "Calls in the store that workloads made with a node role, by cluster and namespace"
    );
    describe_counter!(
        "podtrail_objects_total",
        "Objects read into the store, by status"
    );
    describe_counter!(
        "podtrail_files_skipped_total",
        "Objects of these that gave no records, by reason"
    );
    describe_counter!(
        "podtrail_object_bytes_total",
        Unit::Bytes,
        "Bytes of the objects as stored"
    );
    describe_counter!("podtrail_records_total", "CloudTrail records found in them");
    describe_counter!(
        "podtrail_events_deduplicated_total",
        "Records whose event was known already"
    );
    describe_counter!(
        "podtrail_records_rejected_total",
        "Values that were refused, by reason"
    );
    describe_counter!(
        "podtrail_digest_invalid_total",
        "Objects that their digest does not prove"
    );
    describe_gauge!(
        "podtrail_last_event_timestamp_seconds",
        Unit::Seconds,
        "Time of the newest event in the store; the lag of ingestion is the time since"
    );
    describe_gauge!(
        "podtrail_ingest_lag_seconds",
        Unit::Seconds,
        "Time since the newest event in the store"
    );
    describe_counter!(
        "podtrail_ingest_runs_total",
        "Runs on a schedule in this process, by result"
    );
    describe_histogram!(
        "podtrail_ingest_run_duration_seconds",
        Unit::Seconds,
        "Time of a run on a schedule in this process"
    );
    describe_gauge!(
        "podtrail_objects_in_flight",
        "Objects that this process reads, and that are not in the store yet"
    );
    describe_histogram!(
        "podtrail_object_duration_seconds",
        Unit::Seconds,
        "Time to read and to decode an object in this process"
    );
    describe_counter!(
        "podtrail_sqs_messages_total",
        "Messages of queues, by what became of them in this process"
    );
    describe_gauge!(
        "podtrail_sqs_messages_in_flight",
        "Messages of queues, or objects that they name, in hand of this process"
    );
    describe_counter!(
        "podtrail_queries_total",
        "Statements of users that ended, by how they came and how they ended"
    );
}

/// Tells how many statements ended, and how.
pub fn statements(executor: &Executor) {
    for ended in executor.ended() {
        counter!("podtrail_queries_total", "door" => ended.door, "outcome" => ended.outcome)
            .absolute(ended.count);
    }
}

/// Notes how many objects a batch has that is read, none once it is in the store.
pub fn objects_in_flight(count: u64) {
    #[allow(clippy::cast_precision_loss)] // far from a double's end
    let count = count as f64;
    gauge!("podtrail_objects_in_flight").set(count);
}

/// Notes that an object was read and decoded.
pub fn object_read(took: Duration) {
    histogram!("podtrail_object_duration_seconds").record(took);
}

/// Notes what became of messages of a queue.
pub fn messages(source: &str, told: Told) {
    let (event, count) = match told {
        Told::Received(count) => ("received", count),
        Told::Deleted(count) => ("deleted", count),
        Told::Returned(count) => ("returned", count),
        Told::InHand(count) => {
            #[allow(clippy::cast_precision_loss)] // far from a double's end
            let count = count as f64;
            gauge!("podtrail_sqs_messages_in_flight", "source" => source.to_owned()).set(count);
            return;
        }
    };
    counter!("podtrail_sqs_messages_total", "event" => event, "source" => source.to_owned())
        .increment(count as u64);
}

/// Notes a run on a schedule.
pub fn run_ended(name: &str, result: &str, began: DateTime<Utc>, ended: DateTime<Utc>) {
    counter!("podtrail_ingest_runs_total", "source" => name.to_owned(), "result" => result.to_owned())
        .increment(1);
    let seconds = (ended - began).as_seconds_f64();
    histogram!("podtrail_ingest_run_duration_seconds", "source" => name.to_owned()).record(seconds);
}

/// Newest event of a snapshot, in seconds since the epoch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Newest(pub Option<f64>);

impl Newest {
    /// Sets the gauges that pass with time.
    pub fn tell(self, now: DateTime<Utc>) {
        let Some(newest) = self.0 else { return };
        gauge!("podtrail_last_event_timestamp_seconds").set(newest);
        #[allow(clippy::cast_precision_loss)] // far from a double's end
        let now = now.timestamp_micros() as f64 / 1e6;
        gauge!("podtrail_ingest_lag_seconds").set((now - newest).max(0.0));
    }
}

/// Tells what a snapshot holds.
///
/// # Errors
/// Where it cannot be read.
pub async fn snapshot(session: &Session) -> Result<Newest, Error> {
    for row in rows(session, &listing::SHARES).await? {
        counter!("podtrail_attribution_events_total",
            "access_path" => text(&row, "access_path"), "actor" => text(&row, "actor"),
            "confidence" => text(&row, "confidence"))
        .absolute(number(&row, "calls"));
    }
    for row in rows(session, &listing::UNATTRIBUTED).await? {
        counter!("podtrail_unattributed_events_total", "reason" => text(&row, "reason"))
            .absolute(number(&row, "calls"));
    }
    node_role_calls(&rows(session, &listing::FALLBACKS).await?);
    let mut newest = None;
    let (mut bytes, mut records, mut duplicates, mut invalid) = (0, 0, 0, 0);
    let mut statuses = std::collections::BTreeMap::<String, u64>::new();
    for row in rows(session, &listing::INGESTION).await? {
        *statuses.entry(text(&row, "status")).or_default() += number(&row, "objects");
        bytes += number(&row, "bytes");
        records += number(&row, "records");
        duplicates += number(&row, "duplicates");
        if row["digest_status"]
            .as_str()
            .is_some_and(|status| status != "valid")
        {
            invalid += number(&row, "objects");
        }
        let last = row["last_event_time"].as_str();
        if let Some(time) = last.and_then(|text| text.parse::<DateTime<Utc>>().ok()) {
            newest = newest.max(Some(time));
        }
    }
    for (status, objects) in statuses {
        if ["empty", "unreadable"].contains(&status.as_str()) {
            counter!("podtrail_files_skipped_total", "reason" => status.clone()).absolute(objects);
        }
        counter!("podtrail_objects_total", "status" => status).absolute(objects);
    }
    counter!("podtrail_object_bytes_total").absolute(bytes);
    counter!("podtrail_records_total").absolute(records);
    counter!("podtrail_events_deduplicated_total").absolute(duplicates);
    counter!("podtrail_digest_invalid_total").absolute(invalid);
    for row in rows(session, &listing::REJECTS).await? {
        counter!("podtrail_records_rejected_total", "source" => text(&row, "source"), "reason" => text(&row, "reason"))
            .absolute(number(&row, "rejected"));
    }
    #[allow(clippy::cast_precision_loss)] // far from a double's end
    let newest = newest.map(|time| time.timestamp_micros() as f64 / 1e6);
    Ok(Newest(newest))
}

fn node_role_calls(fallbacks: &[Value]) {
    let mut calls = std::collections::BTreeMap::<(String, String), u64>::new();
    for row in fallbacks {
        let namespace = row["namespace"].as_str().unwrap_or("unknown").to_owned();
        let key = (text(row, "cluster"), namespace);
        let key = if calls.len() < MOST_NAMESPACES || calls.contains_key(&key) {
            key
        } else {
            (key.0, "other".to_owned())
        };
        *calls.entry(key).or_default() += number(row, "calls");
    }
    for ((cluster, namespace), calls) in calls {
        counter!("podtrail_node_role_calls_total", "cluster" => cluster, "namespace" => namespace)
            .absolute(calls);
    }
}

async fn rows(session: &Session, listing: &listing::Listing) -> Result<Vec<Value>, Error> {
    session.json(listing.whole(&Filter::default())?).await
}

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or("unknown").to_owned()
}

fn number(row: &Value, column: &str) -> u64 {
    row[column].as_u64().unwrap_or(0)
}
