//! A bad record never costs its neighbours, and nothing ever panics or leaks.

use proptest::prelude::*;

use super::*;

/// A made-up STS session token.
fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}==", "AbC+dE/fG0123456789xyz".repeat(12))
}

/// A made-up JSON web token.
fn web_token() -> String {
    format!(
        "eyJhbGciOiJSUzI1NiJ9.{}.{}",
        "eyJzdWIiOiJzeXN0ZW0".repeat(3),
        "c2lnbmF0dXJlLXNpZ25hdHVyZQ".repeat(4)
    )
}

/// A made-up secret access key.
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(super) fn mint(id: usize) -> String {
    let policy = quoted(&format!(
        r#"{{"SecretString":"hush-hush-hush-hush","Token":"{}"}}"#,
        web_token()
    ));
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"WebIdentityUser","userName":"system:serviceaccount:a:b"}},"eventTime":"2026-01-02T03:04:05Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/r","webIdentityToken":"{jwt}","policy":{policy}}},"responseElements":{{"credentials":{{"secretAccessKey":"{SECRET_KEY}","sessionToken":"{sts}","accessKeyId":"ASIAEXAMPLE","expiration":"Jan 2, 2026, 4:04:05 AM"}}}},"userAgent":"curl Bearer {jwt}","eventID":"e{id}"}}"#,
        jwt = web_token(),
        sts = session_token(),
    )
}

fn assert_no_secret(text: &str) {
    for secret in [session_token(), web_token(), SECRET_KEY.to_owned()] {
        for piece in secret.as_bytes().windows(40) {
            assert!(
                memchr::memmem::find(text.as_bytes(), piece).is_none(),
                "{text}"
            );
        }
    }
    assert!(!text.contains("hush-hush-hush-hush"), "{text}");
}

/// Whatever the damage did to names and tokens, nothing that still looks like a token may be left.
fn assert_no_token(text: &str) {
    let base64 = |text: &str| {
        text.bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte))
            .count()
    };
    let text = &text.replace("REDACTED", "#");
    for (at, _) in text.match_indices("IQoJ") {
        assert!(
            base64(&text[at..]) < 100,
            "{}",
            &text[at.saturating_sub(30)..(at + 200).min(text.len())]
        );
    }
    for (at, _) in text.match_indices("eyJ") {
        let head = base64(&text[at..]);
        let rest = text[at + head..].strip_prefix('.').unwrap_or_default();
        assert!(
            head < 8 || base64(rest) < 8,
            "{}",
            &text[at.saturating_sub(30)..(at + 200).min(text.len())]
        );
    }
}

fn file(records: &[String], shape: usize) -> String {
    let list = records.join(",");
    match shape % 5 {
        0 => format!(r#"{{"Records":[{list}]}}"#),
        1 => records.join("\n"),
        2 => format!(
            "[{}]",
            records
                .iter()
                .map(|text| pretty(text))
                .collect::<Vec<_>>()
                .join(",\n")
        ),
        3 => records
            .iter()
            .map(|text| format!(r#"{{"EventId":"x","CloudTrailEvent":{}}}"#, quoted(text)))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => format!("[{list}]"),
    }
}

#[test]
fn secrets_go_and_the_rest_stays() {
    for shape in 0..5 {
        let (_, found) = run(file(&[mint(0), event(1)], shape));
        assert_eq!((found.ids.len(), found.rejects.len()), (2, 0));
        assert_no_secret(&found.everything());
        let shown = &found.shown[0];
        assert!(
            shown.contains("ASIAEXAMPLE") && shown.contains("user_agent: curl Bearer REDACTED"),
            "{shown}"
        );
        assert!(
            !shown.contains("sessionToken") && !shown.contains("SecretString"),
            "{shown}"
        );
    }
}

#[test]
fn one_broken_record_costs_only_itself() {
    let good = |id: usize| event(id);
    let broken = [
        (
            "missing quote",
            event(9).replacen("\"ListBuckets\"", "\"ListBuckets", 1),
        ),
        (
            "missing opening quote",
            event(9).replacen("\"ListBuckets\"", "ListBuckets\"", 1),
        ),
        (
            "missing closing bracket",
            event(9).replacen("\"111122223333\"}", "\"111122223333\"", 1),
        ),
        (
            "missing opening bracket",
            event(9).replacen("{\"type\"", "\"type\"", 1),
        ),
        (
            "extra closing bracket",
            event(9).replacen("\"111122223333\"}", "\"111122223333\"}}", 1),
        ),
        ("missing comma", event(9).replacen("\",\"", "\"\"", 1)),
        ("missing colon", event(9).replacen("\":\"", "\"\"", 1)),
        (
            "missing last bracket",
            event(9).trim_end_matches('}').to_owned(),
        ),
        ("cut in a string", event(9)[..200].to_owned()),
        (
            "cut before a value",
            event(9).split_once("\"eventTime\":").unwrap().0.to_owned() + "\"eventTime\":",
        ),
        ("trailing comma", event(9).replacen("true}", "true,}", 1)),
        (
            "bad escape",
            event(9).replacen("ListBuckets", "List\\Buckets", 1),
        ),
        (
            "control character",
            event(9).replacen("ListBuckets", "List\u{1}Buckets", 1),
        ),
        ("bad number", event(9).replacen("true", "01.2", 1)),
        ("half a literal", event(9).replacen("true", "tru", 1)),
    ];
    for (name, bad) in broken {
        for (shape, text) in [
            (
                "lines",
                [&good(0), &good(1), &bad, &good(2), &good(3)]
                    .map(String::as_str)
                    .join("\n"),
            ),
            (
                "records",
                format!(
                    r#"{{"Records":[{},{},{bad},{},{}]}}"#,
                    good(0),
                    good(1),
                    good(2),
                    good(3)
                ),
            ),
            (
                "bad first",
                format!("[{bad},{},{},{},{}]", good(0), good(1), good(2), good(3)),
            ),
        ] {
            let (_, found) = run(&text);
            let ids: Vec<_> = found
                .ids
                .iter()
                .filter(|id| *id != "e9" && !id.starts_with("derived-"))
                .collect();
            assert_eq!(
                ids,
                ["e0", "e1", "e2", "e3"],
                "{name}, {shape}: {:#?}",
                found.rejects
            );
            assert!(
                (1..=2).contains(&found.rejects.len()),
                "{name}, {shape}: {:#?}",
                found.rejects
            );
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_cost_one_record() {
    let mut bytes = events(3).join("\n").into_bytes();
    let at = event(0).len() + 20;
    bytes[at] = 0xff;
    let (_, found) = run(&bytes);
    assert_eq!(
        (found.ids, found.rejects.len()),
        (vec!["e0".to_owned(), "e2".to_owned()], 1)
    );
    assert_eq!(found.rejects[0].reason, RejectReason::InvalidUtf8);
}

#[test]
fn truncated_text_keeps_what_is_whole() {
    for shape in [0, 1, 4] {
        let text = file(&events(5), shape);
        for cut in 0..text.len() {
            let (_, found) = run(&text[..cut]);
            let whole = (0..5)
                .filter(|id| text[..cut].contains(&event(*id)))
                .count();
            assert_eq!(
                found.ids.len(),
                whole,
                "shape {shape} cut at {cut}: {:?}",
                found.rejects
            );
            assert!(
                found.rejects.len() <= 1,
                "shape {shape} cut at {cut}: {:?}",
                found.rejects
            );
            assert!(
                found
                    .reasons()
                    .iter()
                    .all(|reason| *reason == RejectReason::Truncated)
            );
        }
    }
}

#[test]
fn truncated_and_damaged_gzip_keeps_what_is_whole() {
    let text = (0..3000)
        .map(|id| event(id).replace("ann", &format!("ann{}", id * 7919 % 1000)))
        .collect::<Vec<_>>()
        .join("\n");
    let whole = gz(&text);
    for cut in [11, 500, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let (_, found) = run(&whole[..cut]);
        assert_eq!(found.reasons(), [RejectReason::Truncated], "cut at {cut}");
        assert!(cut < 500 || !found.ids.is_empty());
    }
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle..middle + 8].fill(0xff);
    let (_, found) = run(&damaged);
    assert!(
        found.reasons().contains(&RejectReason::CorruptGzip),
        "{:?}",
        found.reasons()
    );
    assert!(found.ids.len() > 1000, "{}", found.ids.len());
    let mut checksum = whole.clone();
    let at = whole.len() - 6;
    checksum[at] ^= 1;
    let (_, found) = run(&checksum);
    assert_eq!(
        (found.ids.len(), found.reasons()),
        (3000, vec![RejectReason::CorruptGzip])
    );
}

#[test]
fn gzip_cut_in_its_trailer_is_truncated_and_nothing_else() {
    for shape in [0, 1, 4] {
        let whole = gz(file(&events(5), shape));
        for cut in whole.len() - 8..whole.len() {
            let (_, found) = run(&whole[..cut]);
            assert_eq!(
                (found.ids.len(), found.reasons()),
                (5, vec![RejectReason::Truncated]),
                "shape {shape} cut at {cut}: {:?}",
                found.rejects
            );
        }
    }
}

#[test]
fn refused_text_does_not_begin_inside_a_token() {
    let limits = Limits {
        record_bytes: 1000,
        ..Limits::default()
    };
    let token = session_token();
    let before = format!(r#"{{"Records":[{}],"more":""#, event(0));
    for behind in [17, 30, 39] {
        let spaces = limits::CHUNK + behind - before.len() - token.len();
        for end in ["\n", "", "\",]"] {
            let text = format!("{before}{}{token}{end}", " ".repeat(spaces));
            let (_, found) = run_with(text.as_bytes(), &limits);
            assert_eq!((found.ids.len(), found.rejects.len()), (1, 1));
            let rest = &token[token.len() - behind..];
            assert!(!found.rejects[0].text.contains(rest), "{behind} {end}");
        }
    }
}

#[test]
fn the_object_limit_holds_in_damaged_gzip() {
    let text = events(100).join("\n");
    let mut damaged = gz(&text);
    let at = damaged.len() - 30;
    damaged[at..at + 8].fill(0xff);
    let limits = Limits {
        object_bytes: 2000,
        ..Limits::default()
    };
    let (outcome, found) = run_with(&damaged[..], &limits);
    assert_eq!(outcome.bytes_inflated, 2000);
    assert_eq!(found.ids.len(), 2000 / (event(0).len() + 1));
    assert_eq!(found.reasons(), [RejectReason::ObjectTooLarge]);
}

#[test]
fn damage_is_linear() {
    let begun = std::time::Instant::now();
    for unit in [
        "{\"a\":",
        "{\"x\":[\n",
        "[",
        "\"",
        "{\"eventVersion\":[1,2,3,\n",
        "}",
        "{\"Records\":[",
        ",{\"eventVersion\"",
        "\\",
        "{\n",
    ] {
        let text = unit.repeat((1 << 20) / unit.len());
        run(&text);
        run(format!("[{text}"));
        run(quoted(&text));
    }
    assert!(begun.elapsed().as_secs() < 120, "{:?}", begun.elapsed());
}

#[test]
fn an_open_value_does_not_swallow_the_next_line() {
    let text = format!(
        "{}\n{{\"eventVersion\":\"1.08\",\"x\":\n{}\n",
        event(0),
        event(1)
    );
    let (_, found) = run(text);
    assert_eq!(found.ids, ["e0", "e1"]);
}

#[test]
fn a_member_behind_the_records_does_not_swallow_what_follows() {
    let more = events(2_500)[1..].join(",");
    assert!(more.len() > 2 * limits::CHUNK, "more than one chunk");
    for (name, end, reason) in [
        ("not closed", "", RejectReason::Truncated),
        ("broken at its end", "]]", RejectReason::InvalidJson),
    ] {
        let text = format!(r#"{{"Records":[{}],"more":[{more}{end}"#, event(0));
        let (_, found) = run(&text);
        assert_eq!(found.ids.len(), 2_500, "{name}: {:?}", found.rejects);
        assert_eq!(found.reasons()[0], reason, "{name}");
    }
}

#[test]
fn a_record_in_a_broken_wrapper_is_found() {
    let text = format!(
        "[{{\"aws\":{{\"cloudtrail\":{}}},\n{{\"aws\":{{\"cloudtrail\":{}}}}}]",
        event(0),
        event(1)
    );
    let (_, found) = run(text);
    assert_eq!(found.ids, ["e0", "e1"], "{:?}", found.rejects);
}

#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize, usize),
    Cut(usize),
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len().max(1);
    match *change {
        _ if bytes.is_empty() => {}
        Change::Set(at, byte) => bytes[at % length] = byte,
        Change::Insert(at, byte) => bytes.insert(at % length, byte),
        Change::Remove(at, count) => {
            let at = at % length;
            bytes.drain(at..(at + count).min(length));
        }
        Change::Cut(at) => bytes.truncate(at % length),
    }
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        proptest::sample::select(b"\"\\{}[],:\n 0e-tfn\xff\x00".to_vec()),
        any::<u8>()
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<usize>(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        (any::<usize>(), 1usize..40).prop_map(|(at, count)| Change::Remove(at, count)),
        any::<usize>().prop_map(Change::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(byte(), 0..400)) {
        run(&bytes);
        run(gz(&bytes));
        run([&b"{\"Records\":["[..], &bytes].concat());
    }

    #[test]
    fn changed_files_leak_nothing_and_do_not_depend_on_reads(
        shape in 0usize..5,
        changes in proptest::collection::vec(change(), 1..6),
        piece in 1usize..500,
        packed in any::<bool>(),
    ) {
        let text = file(&[mint(0), event(1), mint(2), event(3)], shape);
        let mut bytes = if packed { gz(&text) } else { text.into_bytes() };
        for change in &changes {
            apply(&mut bytes, change);
        }
        let (outcome, found) = run(&bytes);
        assert_no_token(&found.everything());
        let (slow, same) = run_with(Slow(&bytes, piece), &Limits::default());
        prop_assert_eq!(&found, &same);
        prop_assert_eq!(outcome.kind, slow.kind);
    }

    #[test]
    fn one_change_costs_one_record(shape in 0usize..5, at in any::<usize>(), hit in 0usize..6, change in change()) {
        prop_assume!(!matches!(change, Change::Cut(_)));
        let mut records = events(6);
        let mut bytes = std::mem::take(&mut records[hit]).into_bytes();
        let at = 1 + at % (bytes.len() - 2);
        match change {
            Change::Set(_, byte) => bytes[at] = byte,
            Change::Insert(_, byte) => bytes.insert(at, byte),
            Change::Remove(_, count) => { bytes.drain(at..(at + count).min(bytes.len() - 1)); }
            Change::Cut(_) => {}
        }
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        prop_assume!(shape != 2 || serde_json::from_str::<serde_json::Value>(&text).is_ok());
        records[hit] = text;
        let (_, found) = run(file(&records, shape));
        for id in (0..6).filter(|id| *id != hit) {
            let id = format!("e{id}");
            prop_assert!(found.ids.contains(&id), "{} lost: {:?}", id, found.rejects);
        }
    }
}
