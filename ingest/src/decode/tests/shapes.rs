//! Delivery shapes, look-alikes and limits.

use super::*;

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|id| format!("e{id}")).collect()
}

#[test]
#[allow(clippy::too_many_lines)]
fn every_shape_gives_its_records() {
    let all = events(3);
    let list = all.join(",");
    let message = |text: &str| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(text));
    let item = |text: &String| {
        format!(
            r#"{{"EventId":"x","EventName":"ListBuckets","Resources":[],"CloudTrailEvent":{}}}"#,
            quoted(text)
        )
    };
    let bus = |text: &String| {
        format!(
            r#"{{"version":"0","id":"x","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","resources":[],"detail":{text}}}"#
        )
    };
    let subscription = format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logEvents":[{}]}}"#,
        all.iter()
            .map(|text| message(text))
            .collect::<Vec<_>>()
            .join(",")
    );
    let lookup = format!(
        r#"{{"Events":[{}],"NextToken":"eyJ2IjoiMiJ9"}}"#,
        all.iter().map(item).collect::<Vec<_>>().join(",")
    );
    let each = |wrap: &dyn Fn(&String) -> String, between: &str| {
        all.iter().map(wrap).collect::<Vec<_>>().join(between)
    };
    let records = format!(r#"{{"Records":[{list}]}}"#);
    let shapes = [
        ("log file", records.clone()),
        ("byte order mark", format!("\u{feff}{records}")),
        ("pretty", pretty(&records)),
        (
            "records last",
            format!(r#"{{"a":"Records","b":{{"Records":[1]}},"c":[[]],"Records":[{list}]}}"#),
        ),
        (
            "records in the middle",
            format!(r#"{{"a":{{"x":1}},"Records":[{list}],"b":"]}}","c":[1,{{}}]}}"#),
        ),
        (
            "two lists of records",
            format!(
                r#"{{"Records":[{}],"x":1,"Records":[{},{}]}}"#,
                all[0], all[1], all[2]
            ),
        ),
        ("bare array", format!("[{list}]")),
        (
            "array of arrays",
            format!("[[{}],[{},{}]]", all[0], all[1], all[2]),
        ),
        ("lines", all.join("\n")),
        (
            "lines with carriage returns and gaps",
            all.join("\r\n\r\n") + "\r\n",
        ),
        ("lines with commas", all.join(",\n")),
        ("concatenated", all.concat()),
        ("concatenated pretty", each(&|text| pretty(text), "\n")),
        (
            "concatenated log files",
            each(&|text| pretty(&format!(r#"{{"Records":[{text}]}}"#)), "\n"),
        ),
        (
            "log file a line",
            each(&|text| format!(r#"{{"Records":[{text}]}}"#), "\n"),
        ),
        ("lines of JSON strings", each(&|text| quoted(text), "\n")),
        (
            "array of JSON strings",
            format!("[{}]", each(&|text| quoted(text), ",")),
        ),
        ("lookup-events", lookup.clone()),
        ("lookup-events pretty", pretty(&lookup)),
        ("lookup-events items", each(&item, "\n")),
        ("subscription", subscription.clone()),
        ("subscription pretty", pretty(&subscription)),
        (
            "subscription in a test",
            format!(r#"[{{"data":{subscription},"log":"cloudwatch:cloudtrail"}}]"#),
        ),
        (
            "export lines",
            each(&|text| format!("2026-01-02T03:04:05.123Z {text}"), "\n"),
        ),
        ("event bus", each(&bus, "\n")),
        ("event bus array", format!("[{}]", each(&bus, ","))),
        (
            "data of records",
            format!(r#"[{{"data":{records},"description":"x"}}]"#),
        ),
        (
            "data of detail",
            format!(
                "[{}]",
                each(
                    &|text| format!(r#"{{"data":{{"account":1,"detail":{text}}}}}"#),
                    ","
                )
            ),
        ),
        (
            "override",
            format!(
                "[{}]",
                each(&|text| format!(r#"{{"override_record":{text}}}"#), ",")
            ),
        ),
        (
            "open search",
            each(
                &|text| {
                    format!(r#"{{"event":{{"result":"ACCEPT"}},"aws":{{"cloudtrail":{text}}}}}"#)
                },
                "\n",
            ),
        ),
        (
            "test events",
            format!(
                r#"{{"test_events":[{}]}}"#,
                each(
                    &|text| format!(r#"{{"metadata":{{}},"event":{text}}}"#),
                    ","
                )
            ),
        ),
        (
            "container log",
            each(
                &|text| format!(r#"{{"time":"x","stream":"stdout","log":{}}}"#, quoted(text)),
                "\n",
            ),
        ),
        (
            "queue message",
            format!(
                r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:1:t","Message":{}}}"#,
                quoted(&format!("[{list}]"))
            ),
        ),
    ];
    for (name, text) in shapes {
        for (how, bytes) in [("plain", text.clone().into_bytes()), ("gzip", gz(&text))] {
            let (outcome, found) = run(&bytes);
            assert_eq!(found.ids, ids(3), "{name} {how}: {:?}", found.rejects);
            assert_eq!(found.rejects, [], "{name} {how}");
            assert_eq!(outcome.kind, ObjectKind::CloudTrail);
            assert_eq!(
                (outcome.bytes_in, outcome.bytes_inflated),
                (bytes.len() as u64, text.len() as u64),
                "{name} {how}"
            );
            for piece in [1, 7, 4096] {
                assert_eq!(
                    run_with(Slow(&bytes, piece), &Limits::default()).1,
                    found,
                    "{name} {how} by {piece}"
                );
            }
        }
    }
}

#[test]
fn gzip_members_follow_each_other() {
    let text = format!("[{}]", events(4).join(","));
    let (one, two) = text.split_at(300);
    let mut bytes = [gz(one), gz(""), gz(two)].concat();
    assert_eq!(run(&bytes).1.ids, ids(4));
    bytes.extend([0; 512]);
    assert_eq!(run(&bytes).1.rejects, [], "padding");
    bytes.extend(b"tail");
    let (_, found) = run(&bytes);
    assert_eq!(
        (found.ids.len(), found.reasons()),
        (4, vec![RejectReason::CorruptGzip])
    );
}

#[test]
fn nothing_is_nothing() {
    for text in [
        "",
        " \n",
        "[]",
        "\u{feff}",
        "{\"Records\":[]}",
        "{\"Events\": [ ] , \"NextToken\":\"x\"}",
        "[]\n[]\n",
    ] {
        let (outcome, found) = run(text);
        assert_eq!(
            (outcome.kind, found),
            (ObjectKind::Empty, Found::default()),
            "{text:?}"
        );
        assert_eq!(run(gz(text)).0.kind, ObjectKind::Empty, "{text:?}");
    }
    assert_eq!(run(b"").0.bytes_in, 0);
}

#[test]
fn look_alikes_are_refused() {
    use ObjectKind as K;
    use RejectReason as R;
    let s3 = r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-01-02T03:04:05.000Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:AIDA1"},"requestParameters":{"sourceIPAddress":"192.0.2.1"},"s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}"#;
    let sns = |message: &str| {
        format!(
            r#"{{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":{}}}"#,
            quoted(message)
        )
    };
    let announced = r#"{"s3Bucket":"b","s3ObjectKey":["AWSLogs/1.json.gz"]}"#;
    let cases = [
        (s3.to_owned(), R::S3Notification, K::S3Notification),
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#.to_owned(), R::S3Notification, K::S3Notification),
        (sns(s3), R::S3Notification, K::S3Notification),
        (sns(announced), R::SnsNotification, K::SnsNotification),
        (announced.to_owned(), R::SnsNotification, K::SnsNotification),
        (sns("hello"), R::SnsNotification, K::SnsNotification),
        (r#"{"awsAccountId":"111122223333","digestStartTime":"x","digestS3Bucket":"b","logFiles":[]}"#.to_owned(), R::Digest, K::Digest),
        (r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination."}]}"#.to_owned(), R::ControlMessage, K::ControlMessage),
        (r#"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"","message":"1526951139,db-1,ann,localhost,CONNECT"}]}"#.to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        (r#"{"eventId":"1","eventVersion":"1","acsRegion":"cn-hangzhou","eventName":"ConsoleSignin","userIdentity":{"type":"root-account"}}"#.to_owned(), R::OtherCloud, K::OtherCloud),
        (r#"{"eventVersion":"1","eventName":"GetUser","eventSource":"ram.aliyuncs.com","userIdentity":{"type":"x"}}"#.to_owned(), R::OtherCloud, K::OtherCloud),
        (r#"{"protoPayload":{"serviceName":"iam.googleapis.com"},"insertId":"1","logName":"projects/p"}"#.to_owned(), R::OtherCloud, K::OtherCloud),
        (r#"{"records":[{"time":"x","resourceId":"/SUBSCRIPTIONS/1","operationName":"MICROSOFT.X/WRITE"}]}"#.to_owned(), R::OtherCloud, K::OtherCloud),
        (r#"{"version":"0","detail-type":"GuardDuty Finding","source":"aws.guardduty","detail":{"id":"1","service":{"action":{}}}}"#.to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        (r#"{"version":"0","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","detail":{"state":"running"}}"#.to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        (r#"{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"}}}"#.to_owned(), R::S3Notification, K::S3Notification),
        (r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","verb":"create"}"#.to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        (r#"{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":"{}"}]}"#.to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        (r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        ("{}".to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        ("[1]".to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        ("[[1]]".to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        ("[null,]".to_owned(), R::NotCloudTrail, K::NotCloudTrail),
        ("time,name\n1,a\n2,b\n".to_owned(), R::InvalidJson, K::Unreadable),
        ("123 456\n".to_owned(), R::InvalidJson, K::Unreadable),
        ("\"a\",\"b\"\n\"c\",\"d\"\n".to_owned(), R::InvalidJson, K::Unreadable),
        ("PK\u{3}\u{4}xxxx".to_owned(), R::UnsupportedArchive, K::Unreadable),
    ];
    for (text, reason, kind) in cases {
        let (outcome, found) = run(&text);
        assert_eq!(
            (found.ids.len(), found.reasons(), outcome.kind),
            (0, vec![reason], kind),
            "{text}"
        );
    }
}

#[test]
fn other_containers_are_named() {
    for (bytes, detail) in [
        (&b"\x28\xb5\x2f\xfd..."[..], "zstd"),
        (b"BZh9", "bzip2"),
        (b"PAR1", "Parquet"),
        (&gz(gz("[]")), "gzip inside gzip"),
    ] {
        let (_, found) = run(bytes);
        assert_eq!(
            (found.reasons(), found.rejects[0].detail.as_str()),
            (vec![RejectReason::UnsupportedArchive], detail)
        );
    }
    let utf16: Vec<u8> = "{\"Records\":[]}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(
        run([&b"\xff\xfe"[..], &utf16].concat()).1.reasons(),
        [RejectReason::InvalidUtf8]
    );
    assert_eq!(run(utf16).1.reasons(), [RejectReason::InvalidUtf8]);
}

#[test]
fn partial_records_are_taken() {
    for text in [
        r#"{"eventName":"ConsoleLogin","userIdentity":{"type":"Root"}}"#,
        r#"{"eventName":"ConsoleLogin","eventSource":"signin.amazonaws.com"}"#,
        r#"{"eventVersion":"1.08","eventName":"X","userIdentity":null}"#,
        r#"{"eventVersion":"1.08","eventType":"AwsCloudTrailInsight","insightDetails":{},"eventCategory":"Insight"}"#,
        r#"{"eventVersion":"1.0","eventCategory":"ActivityAuditLog","eventData":{"eventName":"x"}}"#,
        r#"{"detail-type":"...","detail":{"eventName":"X","userIdentity":{},"eventVersion":"..."}}"#,
    ] {
        let (_, found) = run(text);
        assert_eq!(
            (found.ids.len(), found.rejects.len()),
            (1, 0),
            "{text} {:?}",
            found.rejects
        );
        assert!(
            found.ids[0].starts_with("derived-") && found.ids[0].len() == 40,
            "{text}"
        );
    }
}

#[test]
fn a_record_is_found_once() {
    let one = event(1);
    let both = format!(
        r#"{{"detail":{one},"message":{},"Records":{{"Records":[{one}]}}}}"#,
        quoted(&one)
    );
    assert_eq!(run(both).1.ids, ["e1"]);
    let mut deep = one;
    for _ in 0..12 {
        deep = format!(r#"{{"data":{deep}}}"#);
    }
    assert_eq!(
        run(deep).1.reasons(),
        [RejectReason::NotCloudTrail],
        "bounded unwrapping"
    );
}

#[test]
fn offsets_point_at_the_value() {
    let text = format!("[\n{},\n{{}} ,17]", event(0));
    let (_, found) = run(&text);
    let at: Vec<_> = found
        .rejects
        .iter()
        .map(|reject| &text[usize::try_from(reject.offset).unwrap()..][..2])
        .collect();
    assert_eq!(at, ["{}", "17"]);
}

#[test]
fn limits_are_named_and_cost_no_neighbour() {
    let limits = Limits {
        record_bytes: 600_000,
        ..Limits::default()
    };
    let long = format!(
        r#"{{"eventVersion":"1.08","eventID":"long","x":"{}"}}"#,
        "y\\\"".repeat(400_000)
    );
    let deep = format!(
        r#"{{"eventVersion":"1.08","x":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let open = format!(r#"{{"eventVersion":"1.08","x":{}"#, "[".repeat(100_000));
    for (bad, reason) in [
        (&long, RejectReason::RecordTooLarge),
        (&deep, RejectReason::TooDeep),
        (&open, RejectReason::TooDeep),
    ] {
        for text in [
            [&event(0), bad, &event(1)].map(String::as_str).join("\n"),
            format!("[{},\n{bad},\n{}]", event(0), event(1)),
            format!(r#"{{"Records":[{},{bad},{}]}}"#, event(0), event(1)),
        ] {
            let (_, found) = run_with(text.as_bytes(), &limits);
            assert_eq!(
                (found.ids.clone(), found.reasons()[0]),
                (ids(2), reason),
                "{:?}",
                found.reasons()
            );
            assert!(found.rejects.len() <= 2);
        }
    }
    let around = format!(
        r#"{{"big":"{}","Records":[{}],"more":[{}0]}}"#,
        "y".repeat(2_000_000),
        event(0),
        "7,".repeat(500_000)
    );
    assert_eq!(
        run_with(around.as_bytes(), &limits).1.rejects,
        [],
        "long members around the records"
    );
    let (_, found) = run_with(&long.as_bytes()[..1_000_000], &limits);
    assert_eq!(found.reasons(), [RejectReason::RecordTooLarge]);
    let digest = format!(
        r#"{{"digestStartTime":"x","logFiles":[{}1]}}"#,
        "1,".repeat(400_000)
    );
    assert_eq!(
        run_with(digest.as_bytes(), &limits).0.kind,
        ObjectKind::Digest
    );
}

#[test]
fn depth_is_counted_in_the_record() {
    let nested = |depth: usize| {
        format!(
            r#"{{"eventVersion":"1.08","eventName":"x","a":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert_eq!(run(nested(127)).0.records, 1);
    assert_eq!(run(nested(128)).1.reasons(), [RejectReason::TooDeep]);
}

#[test]
fn bombs_and_huge_objects_stop() {
    // The bounds that hold where nobody sets any can be reached.
    let bomb = gz(format!("[{},\"{}\"]", event(0), "x".repeat(200 << 20)));
    let (outcome, found) = run_with(&bomb[..], &Limits::default());
    assert_eq!((found.ids.len(), outcome.rejected), (1, 2));
    assert!(found.reasons().contains(&RejectReason::DecompressionBomb));
    assert!(outcome.bytes_inflated < 70 << 20);
    let limits = Limits {
        object_bytes: 2000,
        ..Limits::default()
    };
    let text = events(100).join("\n");
    let (outcome, found) = run_with(text.as_bytes(), &limits);
    assert_eq!(found.reasons(), [RejectReason::ObjectTooLarge]);
    assert_eq!(
        (found.ids.len(), outcome.bytes_inflated),
        (2000 / (event(0).len() + 1), 2000)
    );
}
