use serde_json::{Value, json};

use super::service::{Event, Fault, Service, record};
use super::{NOW, lines, listed, lookup, object, options, read};
use crate::error::Error;
use crate::source::Source;
use crate::source::testing::Answer;

const KEY: &str = "ASIAEXAMPLE000000001";

/// The record of an `AssumeRole` that issued a key.
fn issuing(key: &str) -> Event {
    let id = "10000000-0000-4000-8000-000000000000".to_owned();
    let mut text: Value = serde_json::from_str(&record(&id, NOW - 7_200)).unwrap();
    text["eventSource"] = json!("sts.amazonaws.com");
    text["eventName"] = json!("AssumeRole");
    text["responseElements"] =
        json!({"credentials": {"accessKeyId": key, "expiration": "Nov 22, 2026, 1:30:00 PM"}});
    Event {
        time: NOW - 7_200,
        id,
        text: Some(text.to_string()),
        issued: Some(key.to_owned()),
    }
}

/// A record that names the key as a resource, and did not issue it.
fn naming(key: &str) -> Event {
    let id = "20000000-0000-4000-8000-000000000000".to_owned();
    Event {
        time: NOW - 3_600,
        text: Some(record(&id, NOW - 3_600)),
        id,
        issued: Some(key.to_owned()),
    }
}

#[tokio::test]
async fn the_record_that_issued_a_key_is_found_by_resource_name() {
    let service = Service::default();
    let server = service.start().await;
    service.fill(60, NOW - 7_200, 1);
    let expected = issuing(KEY);
    service.push(expected.clone());
    service.push(naming(KEY));
    service.push(issuing("ASIAEXAMPLE000000002"));
    let lookup = lookup(&server, options());
    let found = lookup.issuing_record(KEY).await.unwrap();
    assert_eq!(found, [expected.text.unwrap()]);
    let asked = service.asked();
    assert_eq!(asked.len(), 1);
    let attributes = json!([{"AttributeKey": "ResourceName", "AttributeValue": KEY}]);
    assert_eq!(asked[0].json()["LookupAttributes"], attributes);
    assert_eq!(
        lookup.issuing_record("ASIAEXAMPLE000000003").await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn the_record_is_found_behind_other_pages_and_faults() {
    let service = Service::default();
    let server = service.start().await;
    for number in 0..70 {
        let mut event = naming(KEY);
        event.id = format!("{number}");
        service.push(event);
    }
    service.push(issuing(KEY));
    let throttled = Fault::Answer(Answer::error(400, "ThrottlingException", "Rate exceeded"));
    service.disturb([Fault::None, throttled]);
    let found = lookup(&server, options())
        .issuing_record(KEY)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn access_keys_are_objects_that_a_run_reads() {
    let service = Service::default();
    let server = service.start().await;
    service.push(issuing(KEY));
    let lookup = lookup(&server, options())
        .of_access_keys(vec![KEY.to_owned()])
        .unwrap();
    assert_eq!(lookup.id(), "lookup-eu-west-1-111122223333-keys");
    let objects = listed(&lookup).await;
    assert_eq!(objects.len(), 1);
    assert_eq!(
        objects[0].key,
        format!("lookup://111122223333/eu-west-1/key/{KEY}")
    );
    assert_eq!(objects[0].etag, "2026-11-22T09:30:00Z");
    let bytes = read(&lookup, &object(&objects[0].key)).await.unwrap();
    assert_eq!(lines(&bytes), [issuing(KEY).text.unwrap()]);
}

#[tokio::test]
async fn a_refusal_names_the_action_and_what_is_no_key_is_not_asked_for() {
    let service = Service::default();
    let server = service.start().await;
    let denied = Answer::error(400, "AccessDeniedException", "no");
    service.disturb([Fault::Answer(denied)]);
    let lookup = lookup(&server, options());
    let error = lookup.issuing_record(KEY).await.unwrap_err().to_string();
    assert!(error.contains(KEY), "{error}");
    assert!(
        error.contains("allow the IAM action cloudtrail:LookupEvents"),
        "{error}"
    );
    for bad in ["", "asia", "ASIAEXAMPLE00000000/", &"A".repeat(129)] {
        let error = lookup.issuing_record(bad).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    }
    assert_eq!(service.asked().len(), 1);
    let error = lookup
        .of_access_keys(vec!["secret".to_owned()])
        .unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
}
