use super::service::{Event, Service, record};
use super::{NOW, Options, lookup, object, options};
use crate::source::contract::{Case, check};

const HOUR: i64 = 3_600;

/// 05:00 of the day.
const BEGIN: i64 = NOW - 4 * HOUR - 1_800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_hold_to_the_contract_of_sources() {
    let service = Service::default();
    let server = service.start().await;
    let mut objects = Vec::new();
    for hour in 0..3 {
        // Two pages, whose newest event comes first.
        let texts = service.fill(70, BEGIN + hour * HOUR, 40);
        let lines: Vec<String> = texts.iter().rev().map(|text| format!("{text}\n")).collect();
        let end = format!("/2026-11-22T{:02}:00:00Z/PT1H", 5 + hour);
        objects.push((end, lines.concat().into_bytes()));
    }
    let options = Options {
        from: Some(BEGIN * 1_000_000),
        to: Some((BEGIN + 3 * HOUR) * 1_000_000),
        ..options()
    };
    let missing = object("lookup://444455556666/eu-west-1/2026-11-22T06:00:00Z/PT1H");
    let case = Case::new(lookup(&server, options), objects, missing);
    check(&case.of_guessed_sizes()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_keys_hold_to_the_contract_of_sources() {
    let service = Service::default();
    let server = service.start().await;
    let keys = ["ASIAEXAMPLE000000001", "ASIAEXAMPLE000000002"].map(str::to_owned);
    let mut objects = Vec::new();
    for (key, time) in keys.iter().zip(BEGIN..) {
        let id = format!("00000000-0000-4000-8000-{time:012}");
        let text = record(&id, time);
        objects.push((format!("/key/{key}"), format!("{text}\n").into_bytes()));
        service.push(Event {
            time,
            id,
            text: Some(text),
            issued: Some(key.clone()),
        });
    }
    let source = lookup(&server, options()).of_access_keys(keys.into());
    let missing = object("lookup://444455556666/eu-west-1/key/ASIAEXAMPLE000000001");
    let case = Case::new(source.unwrap(), objects, missing);
    check(&case.of_guessed_sizes()).await;
}
