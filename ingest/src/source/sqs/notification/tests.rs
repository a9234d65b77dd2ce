use serde_json::{Value, json};

use super::{HeldEvent, Named, Notice, read};
use crate::hash::short;

const LOG: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/22/111122223333_CloudTrail_eu-west-1_20261122T0905Z_aBcD1234eFgH5678.json.gz";

fn storage_record(event: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-11-22T09:06:11.000Z",
        "eventName": event,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE000000001:regionalDeliverySession"},
        "requestParameters": {"sourceIPAddress": "192.0.2.7"},
        "responseElements": {"x-amz-request-id": "EXAMPLE0000000001"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "to-podtrail",
            "bucket": {"name": "trail", "arn": "arn:aws:s3:::trail"},
            "object": {"key": key, "size": 4_711, "eTag": "0f343b0931126a20f133d67c2b018a3b", "sequencer": "0055AED6DCD90281E5"}
        }
    })
}

fn bus(kind: &str, key: &str) -> Value {
    json!({
        "version": "0",
        "id": "0d6a1c3e-1111-2222-3333-444455556666",
        "detail-type": kind,
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-22T09:06:11Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:s3:::trail"],
        "detail": {
            "version": "0",
            "bucket": {"name": "trail"},
            "object": {"key": key, "size": 4_711, "etag": "0f343b0931126a20f133d67c2b018a3b", "sequencer": "00617F08299329D189"},
            "request-id": "EXAMPLE0000000001",
            "requester": "cloudtrail.amazonaws.com",
            "reason": "PutObject"
        }
    })
}

/// An event that holds a record.
fn recorded(source: &str, detail: Value) -> Value {
    let mut event = bus("AWS API Call via CloudTrail", "");
    event["source"] = json!(source);
    event["detail"] = detail;
    event
}

fn envelope(message: &str) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "5b2f7d0e-1111-2222-3333-444455556666",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:trail",
        "Message": message,
        "Timestamp": "2026-11-22T09:06:12.345Z",
        "SignatureVersion": "1",
        "Signature": "RXhhbXBsZQ==",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/cert.pem",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe"
    })
}

fn full(key: &str) -> Named {
    Named {
        bucket: "trail".to_owned(),
        key: key.to_owned(),
        etag: Some("0f343b0931126a20f133d67c2b018a3b".to_owned()),
        size: Some(4_711),
    }
}

fn bare(key: &str) -> Named {
    Named {
        bucket: "trail".to_owned(),
        key: key.to_owned(),
        etag: None,
        size: None,
    }
}

fn sound(objects: Vec<Named>) -> Notice {
    Notice {
        objects,
        ..Notice::default()
    }
}

#[test]
fn every_shape_names_its_objects_as_it_is_and_in_the_envelope() {
    let second = LOG.replace("0905Z", "0910Z");
    let cases = [
        (
            json!({"Records": [storage_record("ObjectCreated:Put", LOG)]}),
            vec![full(LOG)],
        ),
        (
            json!({"Records": [storage_record("ObjectCreated:CompleteMultipartUpload", LOG)]}),
            vec![full(LOG)],
        ),
        (
            json!({"Records": [storage_record("ObjectCreated:Put", LOG), storage_record("ObjectCreated:Copy", &second)]}),
            vec![full(LOG), full(&second)],
        ),
        (
            json!({"s3Bucket": "trail", "s3ObjectKey": [LOG, second]}),
            vec![bare(LOG), bare(&second)],
        ),
        (
            json!({"s3Bucket": "trail", "s3ObjectKey": LOG}),
            vec![bare(LOG)],
        ),
        (bus("Object Created", LOG), vec![full(LOG)]),
    ];
    for (message, objects) in cases {
        let text = message.to_string();
        let once = envelope(&text).to_string();
        let twice = envelope(&once).to_string();
        for body in [&text, &once, &twice] {
            assert_eq!(read(body), sound(objects.clone()), "{body}");
        }
    }
}

#[test]
fn an_event_with_a_record_is_read_itself() {
    for source in ["aws.sts", "aws.s3"] {
        let text = recorded(source, json!({"eventID": "e-1"})).to_string();
        let held = Notice {
            event: Some(HeldEvent {
                key: "eventbridge://111122223333/eu-west-1/0d6a1c3e-1111-2222-3333-444455556666"
                    .to_owned(),
                etag: short(&text),
                text: text.clone(),
            }),
            ..Notice::default()
        };
        for body in [text.clone(), envelope(&text).to_string()] {
            assert_eq!(read(&body), held, "{body}");
        }
    }
}

/// A record as it is in a log file.
fn record() -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "AssumedRole", "accountId": "444455556666"},
        "eventTime": "2026-11-22T09:05:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "GetCallerIdentity",
        "awsRegion": "eu-west-1",
        "eventID": "5e1c7a9e-1111-2222-3333-444455556666",
        "recipientAccountId": "111122223333",
    })
}

/// A value without, or with another value of, a member.
fn with(mut value: Value, name: &str, member: Option<Value>) -> Value {
    let members = value.as_object_mut().unwrap();
    match member {
        Some(member) => members.insert(name.to_owned(), member),
        None => members.remove(name),
    };
    value
}

#[test]
fn a_record_alone_is_read_itself_where_it_is_nothing_else() {
    let id = "eu-west-1/5e1c7a9e-1111-2222-3333-444455556666";
    let without_owner = with(record(), "recipientAccountId", None);
    let without_accounts = with(
        without_owner.clone(),
        "userIdentity",
        Some(json!({"type": "AWSService"})),
    );
    for (message, account) in [
        (record(), "111122223333"),
        (without_owner, "444455556666"),
        (without_accounts, "unknown"),
    ] {
        let text = message.to_string();
        for body in [text.clone(), envelope(&text).to_string()] {
            let event = read(&body).event.unwrap();
            assert_eq!(event.key, format!("record://{account}/{id}"));
            assert_eq!((event.etag, &event.text), (short(&text), &text));
        }
    }
    for (name, member) in [
        ("eventVersion", Some(json!("2.1"))),
        ("eventVersion", Some(json!(1.11))),
        ("eventSource", Some(json!("my.application"))),
        ("eventName", None),
        ("eventTime", Some(json!("yesterday"))),
        ("userIdentity", Some(json!("ann"))),
        ("awsRegion", None),
        ("eventID", None),
        ("eventID", Some(json!("../../x"))),
    ] {
        let notice = read(&with(record(), name, member).to_string());
        assert_eq!(notice.event, None, "{name}");
        let refused = notice.refused.unwrap_or_default();
        assert!(
            refused.contains("no record of CloudTrail"),
            "{name}: {refused}"
        );
    }
}

#[test]
fn what_a_message_holds_is_kept_without_credentials() {
    let token = "FwoGZXIvYXdzEXAMPLE";
    let issued = json!({"credentials": {"accessKeyId": "ASIAEXAMPLE000000001", "sessionToken": token,
        "secretAccessKey": "not-a-secret"}});
    let record = with(record(), "responseElements", Some(issued));
    for body in [record.clone(), recorded("aws.sts", record)] {
        let event = read(&body.to_string()).event.unwrap();
        assert!(!event.text.contains(token), "{}", event.text);
        assert!(!event.text.contains("not-a-secret"), "{}", event.text);
        assert!(
            event.text.contains("ASIAEXAMPLE000000001"),
            "{}",
            event.text
        );
    }
}

#[test]
fn keys_of_storage_events_are_decoded_and_others_are_not() {
    let cases = [
        ("a+b.json.gz", "a b.json.gz"),
        ("a%2Bb%20c%C3%A9%3D.json.gz", "a+b cé=.json.gz"),
        ("%e2%82%ac/100%.json.gz", "€/100%.json.gz"),
        ("50%zz%2", "50%zz%2"),
    ];
    for (encoded, key) in cases {
        let body = json!({"Records": [storage_record("ObjectCreated:Put", encoded)]}).to_string();
        assert_eq!(read(&body), sound(vec![full(key)]), "{encoded}");
        assert_eq!(
            read(&bus("Object Created", encoded).to_string()),
            sound(vec![full(encoded)])
        );
        let own = json!({"s3Bucket": "trail", "s3ObjectKey": [encoded]}).to_string();
        assert_eq!(read(&own), sound(vec![bare(encoded)]));
    }
}

#[test]
fn stores_like_s3_are_understood_and_what_they_leave_out_is_left_out() {
    let mut record = storage_record("s3:ObjectCreated:Put", LOG);
    record["eventSource"] = json!("minio:s3");
    record["s3"]["object"] = json!({"key": LOG, "eTag": "\"abc\""});
    let body = json!({"EventName": "s3:ObjectCreated:Put", "Key": "trail/x", "Records": [record]});
    let expected = Named {
        etag: Some("abc".to_owned()),
        ..bare(LOG)
    };
    assert_eq!(read(&body.to_string()), sound(vec![expected]));
}

#[test]
fn what_brings_no_events_is_sound_and_names_nothing() {
    let records = |event, key| json!({"Records": [storage_record(event, key)]}).to_string();
    let digest = LOG.replace("/CloudTrail/", "/CloudTrail-Digest/");
    let insight = LOG.replace("/CloudTrail/", "/CloudTrail-Insight/");
    let sums = LOG.replace("/CloudTrail/", "/CloudTrail-Aggregated/");
    let cases = [
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-22T09:00:00.000Z", "Bucket": "trail", "RequestId": "EXAMPLE", "HostId": "example"}).to_string(),
        "CloudTrail validation message.".to_owned(),
        records("ObjectRemoved:Delete", LOG),
        records("ObjectRemoved:DeleteMarkerCreated", LOG),
        records("ObjectTagging:Put", LOG),
        records("LifecycleTransition", LOG),
        records("Replication:OperationMissedThreshold", LOG),
        records("ObjectCreated:Put", &digest),
        records("ObjectCreated:Put", &insight),
        records("ObjectCreated:Put", &sums),
        records("ObjectCreated:Put", "AWSLogs/111122223333/CloudTrail/"),
        bus("Object Deleted", LOG).to_string(),
        bus("Object Tags Added", LOG).to_string(),
        bus("Object Created", &digest).to_string(),
        json!({"s3Bucket": "trail", "s3ObjectKey": [digest]}).to_string(),
    ];
    for body in cases {
        assert_eq!(read(&body), sound(Vec::new()), "{body}");
        assert_eq!(
            read(&envelope(&body).to_string()),
            sound(Vec::new()),
            "{body}"
        );
    }
}

#[test]
fn a_folder_is_told_by_its_place_in_the_trail() {
    let keys = [
        (LOG.to_owned(), true),
        (format!("CloudTrail-Digest/{LOG}"), true),
        (
            LOG.replace("/CloudTrail/", "/CloudTrail-NetworkActivity/"),
            true,
        ),
        (LOG.replace("111122223333/", "o-abc123/111122223333/"), true),
        ("copied/one.json.gz".to_owned(), true),
        (
            format!("org/{}", LOG.replace("/CloudTrail/", "/CloudTrail-Digest/")),
            false,
        ),
    ];
    for (key, is_read) in keys {
        assert_eq!(super::holds_events(&key), is_read, "{key}");
    }
}

#[test]
fn an_unknown_event_of_a_bucket_is_read_rather_than_dropped() {
    let body = json!({"Records": [storage_record("ObjectInvented:Later", LOG)]}).to_string();
    assert_eq!(read(&body), sound(vec![full(LOG)]));
}

#[test]
fn what_is_not_understood_is_refused_with_its_reason() {
    let cases = [
        (String::new(), "is not JSON"),
        ("hello".to_owned(), "is not JSON"),
        ("[".repeat(10_000), "is not JSON"),
        ("17".to_owned(), "no notification"),
        (json!({"some": "thing"}).to_string(), "no notification"),
        (json!({"Records": []}).to_string(), "lists no record"),
        (json!({"Records": [{"eventSource": "aws:ses"}]}).to_string(), "aws:ses"),
        (json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}]}).to_string(), "without bucket or key"),
        (json!({"Records": [storage_record("ObjectCreated:Put", "%ff%fe")]}).to_string(), "not UTF-8"),
        (json!({"s3Bucket": "trail", "s3ObjectKey": []}).to_string(), "lists no key"),
        (json!({"s3Bucket": "trail", "s3ObjectKey": [7]}).to_string(), "no text"),
        (bus("Object Invented", "").to_string(), "no bucket or no key"),
        (json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": {"eventName": "PutObject"}}).to_string(), "without an account, region or id"),
        (bus("AWS API Call via CloudTrail", "").to_string().replace("111122223333", "../x"), "without an account, region or id"),
        (recorded("aws.sts", json!("text")).to_string(), "without its record"),
        (recorded("my.application", json!({"eventID": "e-1"})).to_string(), "Object Created"),
        (recorded("aws.partner/example.com/x", json!({"eventID": "e-1"})).to_string(), "Object Created"),
        (json!({"Type": "SubscriptionConfirmation", "Token": "x", "Message": "confirm"}).to_string(), "confirm a subscription"),
        (envelope(&envelope(&envelope("{}").to_string()).to_string()).to_string(), "too many envelopes"),
    ];
    for (body, reason) in cases {
        let notice = read(&body);
        assert_eq!(notice.objects, [], "{body}");
        let refused = notice.refused.unwrap_or_default();
        assert!(refused.contains(reason), "{body}: {refused}");
    }
}

#[test]
fn a_bad_record_does_not_cost_its_neighbours() {
    let good = storage_record("ObjectCreated:Put", LOG);
    let body = json!({"Records": [good, {"eventSource": "aws:ses"}]}).to_string();
    let notice = read(&body);
    assert_eq!(notice.objects, [full(LOG)]);
    assert!(notice.refused.is_some());
}
