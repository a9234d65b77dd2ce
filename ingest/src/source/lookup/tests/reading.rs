use std::convert::Infallible;
use std::time::Duration;

use super::service::{Event, Fault, Service};
use super::{NOW, Options, lines, lookup, object, options, read, window};
use crate::decode::{Limits, Record, Reject, Sink, decode};
use crate::source::Source;
use crate::source::testing::Answer;

/// 06:00 of the day, where the window begins.
const START: i64 = NOW - 3 * 3_600 - 1_800;

fn throttled() -> Fault {
    Fault::Answer(Answer::error(400, "ThrottlingException", "Rate exceeded"))
}

fn reset() -> Fault {
    Fault::Answer(Answer::Reset)
}

fn broken() -> Fault {
    Fault::Answer(Answer::error(500, "InternalFailure", "later"))
}

fn cut() -> Fault {
    Fault::Answer(Answer::Cut(
        serde_json::json!({"Events": [], "pad": "x".repeat(64)}),
    ))
}

fn denied() -> Fault {
    let message = "User: arn:aws:iam::111122223333:user/me is not authorized to perform: cloudtrail:LookupEvents";
    Fault::Answer(Answer::error(400, "AccessDeniedException", message))
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test]
async fn a_window_gives_each_event_of_its_time_once() {
    let service = Service::default();
    let server = service.start().await;
    // One before, one behind; those on the borders belong to one window each.
    service.fill(1, START - 1, 1);
    service.fill(1, START + 3_600, 1);
    let expected = service.fill(121, START, 30);
    let expected = &expected[..120];
    let got = read(&lookup(&server, options()), &window()).await.unwrap();
    let got = lines(&got);
    assert_eq!(got.len(), 120);
    assert_eq!(sorted(got), sorted(expected.to_vec()));
    let asked = service.asked();
    assert_eq!(asked.len(), 3);
    for request in &asked {
        let request = request.json();
        assert_eq!(request["StartTime"], START);
        assert_eq!(request["EndTime"], START + 3_599);
        assert_eq!(request["MaxResults"], 50);
    }
}

#[tokio::test]
async fn each_page_takes_a_turn_of_the_pace_and_each_throttling_a_rest() {
    let service = Service::default();
    let server = service.start().await;
    service.fill(120, START, 30);
    let options = Options {
        pause: Duration::from_millis(200),
        ..options()
    };
    let pace = options.paces.of("111122223333", "eu-west-1");
    assert_eq!(pace.next(), None);
    let lookup = lookup(&server, options);
    read(&lookup, &window()).await.unwrap();
    let last = pace.next();
    // The third turn came after the second page.
    assert!(last >= Some(service.asked()[1].at));

    service.disturb([throttled()]);
    read(&lookup, &window()).await.unwrap();
    // The rest follows the answer, and is half of the pause at least.
    let asked = service.asked();
    assert!(asked[4].at - asked[3].at >= Duration::from_millis(100));
}

#[tokio::test]
async fn nothing_is_asked_of_the_future() {
    let service = Service::default();
    let server = service.start().await;
    let expected = service.fill(4, NOW - 600, 200);
    let young = object("lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z/PT1H");
    let bytes = read(&lookup(&server, options()), &young).await.unwrap();
    assert_eq!(lines(&bytes).len(), expected.len());
    assert_eq!(service.asked()[0].json()["EndTime"], NOW);
    // A clock that stands before the window asks for its first second.
    let early = object("lookup://111122223333/eu-west-1/2026-11-23T09:00:00Z/PT1H");
    assert_eq!(
        read(&lookup(&server, options()), &early).await.unwrap(),
        b""
    );
}

#[tokio::test]
async fn what_is_read_decodes_to_the_records() {
    let service = Service::default();
    let server = service.start().await;
    let expected = service.fill(70, START, 7);
    // Written over lines, and one that the answer lacks.
    let pretty: serde_json::Value =
        serde_json::from_str(&expected[0].replace("4000-8000", "4000-9000")).unwrap();
    service.push(Event {
        time: START + 1,
        id: "pretty".to_owned(),
        text: Some(serde_json::to_string_pretty(&pretty).unwrap()),
        issued: None,
    });
    service.push(Event {
        time: START + 2,
        id: "lacking".to_owned(),
        text: None,
        issued: None,
    });
    let bytes = read(&lookup(&server, options()), &window()).await.unwrap();
    assert_eq!(lines(&bytes).len(), 72);
    let mut counter = Counter::default();
    decode(bytes.as_slice(), &Limits::default(), &mut counter).unwrap();
    assert_eq!(counter.records, 71);
    assert_eq!(counter.rejects.len(), 1);
    assert!(counter.rejects[0].text.contains("lacking"), "{counter:?}");
}

#[tokio::test]
async fn an_empty_window_is_no_failure() {
    let service = Service::default();
    let server = service.start().await;
    let bytes = read(&lookup(&server, options()), &window()).await.unwrap();
    assert_eq!(bytes, b"");
    let mut counter = Counter::default();
    decode(bytes.as_slice(), &Limits::default(), &mut counter).unwrap();
    assert_eq!((counter.records, counter.rejects.len()), (0, 0));
}

#[tokio::test]
async fn every_fault_ends_like_an_undisturbed_read() {
    let cases = [
        vec![throttled(), throttled(), throttled()],
        vec![Fault::None, throttled(), Fault::None, reset(), cut()],
        vec![broken(), Fault::None, broken(), broken()],
        vec![Fault::None, Fault::Expire],
        vec![
            Fault::None,
            Fault::None,
            Fault::Expire,
            throttled(),
            Fault::None,
            Fault::Expire,
        ],
    ];
    for faults in cases {
        let service = Service::default();
        let server = service.start().await;
        let expected = service.fill(130, START, 7);
        service.disturb(faults.clone());
        let got = read(&lookup(&server, options()), &window()).await.unwrap();
        // Each once, also where the window was begun again.
        assert_eq!(sorted(lines(&got)), sorted(expected), "{faults:?}");
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_fails_the_read_and_says_why() {
    let cases = [
        (
            vec![Fault::None, denied()],
            "allow the IAM action cloudtrail:LookupEvents",
        ),
        (
            vec![Fault::None, throttled(), throttled(), throttled()],
            "gave up after 3 attempts in a row, the last: ThrottlingException: Rate exceeded",
        ),
        (
            vec![Fault::None, reset(), broken(), reset()],
            "gave up after 3 attempts",
        ),
        (vec![Fault::None, Fault::Loop], "names itself"),
    ];
    for (faults, reason) in cases {
        let service = Service::default();
        let server = service.start().await;
        service.fill(130, START, 7);
        service.disturb(faults);
        let options = Options {
            attempts: 3,
            ..options()
        };
        let error = read(&lookup(&server, options), &window())
            .await
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error
                .starts_with("look up lookup://111122223333/eu-west-1/2026-11-22T06:00:00Z/PT1H: "),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn tokens_that_never_last_end_the_read() {
    let service = Service::default();
    let server = service.start().await;
    service.fill(130, START, 7);
    service.always_expire();
    let error = read(&lookup(&server, options()), &window())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("take shorter windows"),
        "{error}"
    );
    // Two requests for each of four beginnings.
    assert_eq!(service.asked().len(), 8);
}

#[tokio::test]
async fn a_reader_that_goes_away_stops_the_requests() {
    let service = Service::default();
    let server = service.start().await;
    service.fill(500, START, 7);
    let lookup = lookup(&server, options());
    let body = lookup.read(&window()).await.unwrap();
    drop(body);
    let whole = read(&lookup, &window()).await.unwrap();
    assert_eq!(lines(&whole).len(), 500);
    // Ten pages of the whole read; of the other one, at most those that were on their way.
    let asked = service.asked().len();
    assert!((10..=13).contains(&asked), "{asked}");
}

#[tokio::test]
async fn what_is_not_of_this_lookup_is_not_read() {
    let service = Service::default();
    let server = service.start().await;
    let lookup = lookup(&server, options());
    for key in [
        "s3://trail/AWSLogs/x.json.gz",
        "lookup://111122223333/us-east-1/2026-11-22T06:00:00Z/PT1H",
        "lookup://444455556666/eu-west-1/2026-11-22T06:00:00Z/PT1H",
    ] {
        let error = lookup.read(&object(key)).await.err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with(key), "{error}");
    }
    assert_eq!(service.asked().len(), 0);
}

#[derive(Debug, Default)]
struct Counter {
    records: usize,
    rejects: Vec<Reject>,
}

impl Sink for Counter {
    type Error = Infallible;

    fn record(&mut self, _: &Record<'_>) -> Result<(), Infallible> {
        self.records += 1;
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Infallible> {
        self.rejects.push(reject);
        Ok(())
    }
}
