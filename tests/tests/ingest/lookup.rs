//! LookupEvents in place of a trail: `podtrail ingest lookup://REGION` reads every page of every hour, whatever the
//! service does in between, and each event once.
//!
//! Hours are those before the present one, because the program asks its own clock what is complete. None of the
//! assertions depends on which minute it is, or on an hour that begins while the test runs.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use podtrail_tests::endpoint;
use podtrail_tests::inspect::record_columns;
use podtrail_tests::lookup_events::{Fault, LookupEvents};
use podtrail_tests::program::{self, Run, number, sql};
use serde_json::{Value, json};

const SOURCE: &str = "lookup://eu-west-1";

/// Where nothing was refused, each event is there once.
const COPIES: &str = "SELECT count(*) - count(DISTINCT event_id) AS copies FROM events";

const EVENTS: &str = "SELECT count(*) AS events FROM events";

/// Begin of the hour so many hours before this one.
fn hour(before: i64) -> DateTime<Utc> {
    let now = Utc::now().timestamp();
    let this = DateTime::from_timestamp(now - now.rem_euclid(3_600), 0).unwrap();
    this - Duration::hours(before)
}

fn instant(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A call of one of three sessions.
fn record(time: DateTime<Utc>, number: i64) -> Value {
    let session = number % 3;
    json!({
        "eventVersion": "1.11", "eventID": format!("00000000-0000-4000-8000-{number:012}"), "eventTime": instant(time),
        "eventSource": "sqs.amazonaws.com", "eventName": "ListQueues", "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7", "userAgent": "aws-sdk-go-v2/1.42.1 ua/2.1 os/linux lang/go#1.24.1",
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "principalId": format!("AROAEXAMPLE:s-{session}"),
            "arn": format!("arn:aws:sts::111122223333:assumed-role/worker/s-{session}"),
            "accessKeyId": format!("ASIAEXAMPLE00000000{session}"),
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:role/worker", "userName": "worker"},
                "attributes": {"creationDate": "2026-05-01T09:00:00Z", "mfaAuthenticated": "false"}}},
        "requestParameters": {"queueNamePrefix": format!("q-{number}")}, "responseElements": null,
        "requestID": format!("10000000-0000-4000-8000-{number:012}"), "readOnly": true, "eventType": "AwsApiCall",
        "managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management",
    })
}

/// So many records from a time on, so many seconds apart.
fn records(begin: DateTime<Utc>, count: i64, apart: i64, first: i64) -> Vec<Value> {
    (0..count)
        .map(|at| record(begin + Duration::seconds(at * apart), first + at))
        .collect()
}

/// Three pages of the hour that begins then.
fn three_pages(begin: DateTime<Utc>) -> Vec<Value> {
    records(begin, 130, 27, 0)
}

/// Options that look up the hour that begins then, and nothing else.
fn that_hour(begin: DateTime<Utc>) -> [String; 2] {
    [
        format!("--from={}", instant(begin)),
        format!("--to={}", instant(begin + Duration::hours(1))),
    ]
}

fn ingest(service: &LookupEvents, store: &Path, options: &[&str]) -> Run {
    let mut arguments = vec!["ingest", SOURCE];
    arguments.extend(options);
    let mut command = endpoint::command(service.url(), store, &arguments);
    command.output().unwrap().into()
}

fn texts(rows: &[Value], column: &str) -> Vec<String> {
    rows.iter()
        .map(|row| row[column].as_str().unwrap_or("none").to_owned())
        .collect()
}

/// Reads the same records from a folder into a store of its own.
fn read_from_folder(folder: &Path, records: &[Value]) -> PathBuf {
    let trail = folder.join("trail");
    std::fs::create_dir(&trail).unwrap();
    let text = json!({ "Records": records }).to_string();
    std::fs::write(trail.join("records.json"), text).unwrap();
    let store = folder.join("store-of-folder");
    program::run(&store, &["ingest", trail.to_str().unwrap()]).expect(0);
    store
}

/// What records say, and nothing of how they came here.
fn contents(store: &Path) -> String {
    let query = format!("SELECT {} FROM events ORDER BY event_id", record_columns());
    program::run(store, &["sql", "-o", "csv", &query])
        .expect(0)
        .stdout
}

#[test]
fn every_page_of_every_hour_is_read_and_what_overlaps_adds_nothing() {
    let begin = hour(3);
    // The first hour is complete; the others are read again by the next run. The last has its first second only.
    let mut all = records(begin, 130, 27, 0);
    all.extend(records(begin + Duration::hours(1), 60, 59, 1_000));
    all.extend(records(begin + Duration::hours(2), 7, 500, 2_000));
    all.extend(records(begin + Duration::hours(3), 1, 1, 3_000));
    let service = LookupEvents::start(all.clone());
    service.add(record(begin - Duration::seconds(1), 9_000));
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let from = format!("--from={}", instant(begin));

    let first = ingest(&service, &store, &[&from]).expect(0);
    assert!(
        first.stderr.contains("198: 198 new, 0 duplicate"),
        "{}",
        first.stderr
    );
    let rows = sql(
        &store,
        "SELECT source_object, count(*) AS events FROM events GROUP BY source_object ORDER BY source_object",
    );
    let wanted: Vec<Value> = [130, 60, 7, 1]
        .iter()
        .zip(0..)
        .map(|(events, at)| {
            let time = instant(begin + Duration::hours(at));
            json!({"source_object": format!("lookup://111122223333/eu-west-1/{time}/PT1H"), "events": events})
        })
        .collect();
    assert_eq!(rows, wanted);
    let asked = service.asked();
    let pages = asked.iter().filter(|body| !body["NextToken"].is_null());
    assert_eq!(
        pages.count(),
        3,
        "two pages more of the first hour, one of the second"
    );
    for body in &asked {
        assert_eq!(body["MaxResults"], 50, "{body}");
        assert_eq!(body["StartTime"].as_i64().unwrap() % 3_600, 0, "{body}");
        assert!(body["LookupAttributes"].is_null(), "{body}");
    }

    let again = ingest(&service, &store, &[&from]).expect(0);
    assert!(
        again.stderr.contains("68: 0 new, 68 duplicate")
            && again.stderr.contains("1 already read before"),
        "{}",
        again.stderr
    );
    assert_eq!(number(&store, EVENTS), 198);

    // Events show late: the next run reads on from the end of the last one, and looks back from there.
    let late = record(begin + Duration::minutes(150), 4_000);
    service.add(late.clone());
    all.push(late);
    let on = ingest(&service, &store, &["--look-back", "2h"]).expect(0);
    assert!(
        on.stderr.contains(" 1 new") && !on.stderr.contains("first run"),
        "{}",
        on.stderr
    );
    assert_eq!(number(&store, EVENTS), 199);
    assert_eq!(number(&store, COPIES), 0);

    let other = read_from_folder(folder.path(), &all);
    assert_eq!(number(&other, EVENTS), 199);
    assert!(contents(&store) == contents(&other), "the stores differ");
    program::run(&store, &["doctor"]).expect(0);
}

#[test]
fn what_is_refused_for_a_while_is_asked_for_again_and_nothing_is_lost() {
    let begin = hour(3);
    let all = three_pages(begin);
    let service = LookupEvents::start(all.clone());
    service.disturb(&[
        Some(Fault::Throttled),
        None,
        Some(Fault::Throttled),
        Some(Fault::Failed),
        None,
        Some(Fault::Reset),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let [from, to] = that_hour(begin);
    let run = ingest(&service, &store, &[&from, &to]).expect(0);
    assert!(
        run.stderr.contains("130: 130 new, 0 duplicate"),
        "{}",
        run.stderr
    );
    // Each refused request came again as it was.
    let asked = service.asked();
    assert_eq!(asked.len(), 7, "{asked:?}");
    for same in [&asked[..2], &asked[2..5], &asked[5..]] {
        assert!(same.iter().all(|body| *body == same[0]), "{same:?}");
    }
    assert_eq!(asked[0]["StartTime"], begin.timestamp());
    assert_eq!(asked[0]["EndTime"], begin.timestamp() + 3_599);
    let other = read_from_folder(folder.path(), &all);
    assert!(contents(&store) == contents(&other), "the stores differ");
}

#[test]
fn an_hour_whose_page_token_expires_is_begun_again_and_one_whose_tokens_never_last_is_named() {
    let begin = hour(3);
    let service = LookupEvents::start(three_pages(begin));
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = that_hour(begin);

    let store = folder.path().join("once");
    service.disturb(&[None, Some(Fault::Expired)]);
    let run = ingest(&service, &store, &[&from, &to]).expect(0);
    // What came before the expiry is not given twice.
    assert!(
        run.stderr.contains("130: 130 new, 0 duplicate"),
        "{}",
        run.stderr
    );
    let tokens: Vec<bool> = service
        .asked()
        .iter()
        .map(|body| body["NextToken"].is_string())
        .collect();
    assert_eq!(tokens, [false, true, false, true, true]);

    let store = folder.path().join("always");
    service.always(Some(Fault::Expired));
    let run = ingest(&service, &store, &[&from, &to]).expect(3);
    assert!(
        run.stderr
            .contains("its page tokens expire before it is read; take shorter windows")
            && run.stderr.contains("lookup://111122223333/eu-west-1/"),
        "{}",
        run.stderr
    );
    let unreadable = "SELECT count(*) AS objects FROM ingested_objects WHERE status = 'unreadable'";
    assert_eq!(number(&store, unreadable), 1);

    // Tried again by the next run, though the hour was complete before.
    service.always(None);
    ingest(&service, &store, &[&from, &to]).expect(0);
    assert_eq!(number(&store, EVENTS), 130);
    assert_eq!(number(&store, COPIES), 0);
}

#[test]
fn a_missing_permission_is_named_and_costs_only_what_could_not_be_read() {
    let begin = hour(3);
    let service = LookupEvents::start(three_pages(begin));
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let [from, to] = that_hour(begin);
    service.always(Some(Fault::Denied));
    let run = ingest(&service, &store, &[&from, &to]).expect(3);
    assert!(
        run.stderr
            .contains("AccessDeniedException: User: arn:aws:iam::111122223333:user/reader")
            && run
                .stderr
                .contains("allow the IAM action cloudtrail:LookupEvents"),
        "{}",
        run.stderr
    );
    assert_eq!(
        service.asked().len(),
        1,
        "to ask again is of no use, and is not done"
    );
    assert_eq!(number(&store, EVENTS), 0);
    let rows = sql(&store, "SELECT status, error FROM ingested_objects");
    assert_eq!(texts(&rows, "status"), ["unreadable"]);
    assert!(
        texts(&rows, "error")[0].contains("cloudtrail:LookupEvents"),
        "{rows:?}"
    );

    service.always(None);
    ingest(&service, &store, &[&from, &to]).expect(0);
    assert_eq!(number(&store, EVENTS), 130);
}

#[test]
fn what_is_out_of_reach_is_said_and_unknown_credentials_end_the_run() {
    let service = LookupEvents::start(three_pages(hour(3)));
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let run = ingest(&service, &store, &["--from=-100d", "--to=-95d"]).expect(3);
    assert!(
        run.stderr.contains("LookupEvents reaches back 90 days"),
        "{}",
        run.stderr
    );
    assert!(
        service.asked().is_empty(),
        "nothing is asked that cannot be answered"
    );

    let store = folder.path().join("never-made");
    service.refuse_credentials();
    let run = ingest(&service, &store, &[]).expect(4);
    assert!(
        run.stderr.contains("ask whose the credentials are")
            && run.stderr.contains("InvalidClientTokenId")
            && run.stderr.contains("renew the credentials"),
        "{}",
        run.stderr
    );
    assert!(service.asked().is_empty());
    assert!(!store.exists(), "what cannot be read makes no store");
}
