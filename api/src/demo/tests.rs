use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::LazyLock;

use chrono::NaiveDateTime;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

/// A whole history in memory.
#[derive(Default)]
struct Memory {
    /// Key and decompressed text, in the order of delivery.
    objects: Vec<(String, String)>,
    truth: BTreeMap<String, Value>,
    /// The same rows as text.
    rows: Vec<String>,
}

impl DemoOutput for Memory {
    fn trail_object(&mut self, key: &str, gz: &[u8]) -> io::Result<()> {
        let mut text = String::new();
        GzDecoder::new(gz).read_to_string(&mut text)?;
        self.objects.push((key.to_owned(), text));
        Ok(())
    }

    fn truth(&mut self, row: &Truth<'_>) -> io::Result<()> {
        self.rows.push(serde_json::to_string(row)?);
        self.truth
            .insert(row.event_id.to_owned(), serde_json::to_value(row)?);
        Ok(())
    }
}

fn options(seed: u64) -> DemoOptions {
    DemoOptions {
        seed,
        end: "2026-08-20T12:00:00Z".parse().unwrap(),
        duration: Duration::hours(24),
        clusters: 1,
        events: None,
        records_per_file: None,
    }
}

struct History {
    summary: DemoSummary,
    memory: Memory,
    /// Every copy of every record with the object it is in.
    copies: Vec<(usize, Value)>,
    /// One copy of each record by its id.
    records: BTreeMap<String, Value>,
}

fn history(options: &DemoOptions) -> History {
    let mut memory = Memory::default();
    let summary = generate(options, &mut memory).unwrap();
    let mut copies = Vec::new();
    for (number, (_, text)) in memory.objects.iter().enumerate() {
        let mut object: Value = serde_json::from_str(text).unwrap();
        let Value::Array(records) = object["Records"].take() else {
            panic!("no records")
        };
        copies.extend(records.into_iter().map(|record| (number, record)));
    }
    let records = copies
        .iter()
        .map(|(_, record)| (id(record), record.clone()))
        .collect::<BTreeMap<_, _>>();
    History {
        summary,
        memory,
        copies,
        records,
    }
}

/// The demo's day, generated once for the tests that only read it.
fn day() -> &'static History {
    static DAY: LazyLock<History> = LazyLock::new(|| history(&options(7)));
    &DAY
}

/// A history whose records nobody looks into.
fn memory(options: &DemoOptions) -> (DemoSummary, Memory) {
    let mut memory = Memory::default();
    let summary = generate(options, &mut memory).unwrap();
    (summary, memory)
}

/// How often `word` is in all objects, one number for each.
fn counts(memory: &Memory, word: &str) -> Vec<usize> {
    memory
        .objects
        .iter()
        .map(|(_, text)| text.matches(word).count())
        .collect()
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn id(record: &Value) -> String {
    text(record, "/eventID").to_owned()
}

fn issued_key(record: &Value) -> Option<&str> {
    record
        .pointer("/responseElements/credentials/accessKeyId")?
        .as_str()
}

fn fnv1a(texts: impl Iterator<Item = String>) -> u64 {
    texts.fold(0xcbf2_9ce4_8422_2325, |hash, text| {
        text.bytes().fold(hash, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}

/// Of keys, texts and truth, but not of the compressed bytes, which may change
/// with the compressor.
fn fingerprint(options: &DemoOptions) -> u64 {
    let mut memory = Memory::default();
    generate(options, &mut memory).unwrap();
    let objects = memory
        .objects
        .into_iter()
        .flat_map(|(key, text)| [key, text]);
    fnv1a(objects.chain(memory.rows))
}

#[test]
fn a_seed_gives_the_same_history_for_ever() {
    assert_eq!(fingerprint(&options(7)), fingerprint(&options(7)));
    assert_ne!(fingerprint(&options(7)), fingerprint(&options(8)));
    // Changes only when somebody means to change what the demo shows.
    assert_eq!(
        format!("{:016x}", fingerprint(&options(7))),
        "19181d327764a360"
    );
}

#[test]
fn nothing_reads_the_clock_or_another_source_of_chance() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for word in [
            "::now(",
            "SystemTime",
            "Instant",
            "HashMap",
            "HashSet",
            "getrandom",
        ] {
            assert!(!source.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn truth_has_one_row_for_each_event() {
    let history = day();
    let ids: BTreeSet<_> = history.records.keys().collect();
    assert_eq!(ids, history.memory.truth.keys().collect());
    assert_eq!(history.memory.rows.len(), ids.len());
    assert_eq!(history.summary.events, ids.len() as u64);
    assert_eq!(history.summary.records, history.copies.len() as u64);
    assert_eq!(history.summary.objects, history.memory.objects.len() as u64);
    assert!((3_000..=8_000).contains(&ids.len()), "{}", ids.len());
}

#[test]
fn truth_reads_back_into_its_type() {
    let history = history(&DemoOptions {
        duration: Duration::hours(2),
        ..options(1)
    });
    for row in &history.memory.rows {
        let truth: Truth<'_> = serde_json::from_str(row).unwrap();
        assert_eq!(&serde_json::to_string(&truth).unwrap(), row);
        assert_eq!(truth.access_path.is_none(), truth.outsider.is_some());
        assert_eq!(truth.cause.is_some(), {
            truth.access_path == Some("node_role") && truth.actor == Some("workload")
        });
        assert_eq!(truth.issuer.is_some(), truth.access_path == Some("irsa"));
    }
}

#[test]
fn every_record_is_complete() {
    let all = history(&DemoOptions {
        clusters: 2,
        events: Some(18_000),
        ..options(3)
    });
    for record in all.records.values() {
        for member in [
            "eventVersion",
            "userIdentity",
            "eventTime",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "requestParameters",
            "responseElements",
            "requestID",
            "eventID",
            "readOnly",
            "eventType",
            "managementEvent",
            "recipientAccountId",
            "eventCategory",
        ] {
            assert!(record.get(member).is_some(), "{member} missing in {record}");
        }
        let event = id(record);
        assert_eq!((event.len(), &event[14..15]), (36, "4"), "{record}");
        assert_eq!(text(record, "/recipientAccountId").len(), 12);
        let data = text(record, "/eventCategory") == "Data";
        assert_eq!(record["managementEvent"], Value::Bool(!data));
        let service = text(record, "/sourceIPAddress").ends_with(".amazonaws.com")
            || text(record, "/sourceIPAddress") == "AWS Internal";
        assert_eq!(record.get("tlsDetails").is_none(), service, "{record}");
    }
}

#[test]
fn calls_carry_the_time_at_which_their_key_was_issued() {
    let all = day();
    let mut issued: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in all.records.values() {
        if let Some(key) = issued_key(record) {
            assert!(text(record, "/responseElements/credentials/sessionToken").starts_with("IQoJ"));
            issued.insert(key, record);
        }
    }
    let mut joined = 0;
    for record in all.records.values() {
        let Some(by) = issued.get(text(record, "/userIdentity/accessKeyId")) else {
            continue;
        };
        joined += 1;
        let created = text(
            record,
            "/userIdentity/sessionContext/attributes/creationDate",
        );
        assert_eq!(created, text(by, "/eventTime"), "{record}");
        assert!(text(record, "/eventTime") >= created);
        let expires = text(by, "/responseElements/credentials/expiration");
        let expires = NaiveDateTime::parse_from_str(expires, "%b %d, %Y, %I:%M:%S %p").unwrap();
        let expires = expires.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        assert!(text(record, "/eventTime") <= expires.as_str(), "{record}");
        let truth = &all.memory.truth[&id(record)];
        if truth["access_path"].is_string() {
            let copy = &all.records[truth["issuing_event_id"].as_str().unwrap()];
            assert_eq!(issued_key(copy), issued_key(by));
        }
    }
    assert!(joined > 3_000, "{joined}");
}

#[test]
fn forwarded_calls_have_fresh_keys_and_the_session_of_a_direct_call() {
    let all = day();
    let session = |record: &Value| {
        let created = "/userIdentity/sessionContext/attributes/creationDate";
        (
            text(record, "/userIdentity/arn").to_owned(),
            text(record, created).to_owned(),
        )
    };
    let (forwarded, direct): (Vec<_>, Vec<_>) = all
        .records
        .values()
        .filter(|record| text(record, "/userIdentity/type") == "AssumedRole")
        .partition(|record| {
            text(record, "/userIdentity/invokedBy") == "secretsmanager.amazonaws.com"
        });
    let keys: BTreeSet<_> = direct
        .iter()
        .map(|record| text(record, "/userIdentity/accessKeyId"))
        .collect();
    let sessions: BTreeSet<_> = direct.iter().map(|record| session(record)).collect();
    assert!(forwarded.len() > 50);
    for record in forwarded {
        assert!(!keys.contains(text(record, "/userIdentity/accessKeyId")));
        assert!(sessions.contains(&session(record)));
        assert_eq!(all.memory.truth[&id(record)]["access_path"], "irsa");
    }
}

#[test]
fn instance_credentials_are_delivered_in_pairs() {
    let all = day();
    let mut pairs: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in all.records.values() {
        if text(record, "/userIdentity/invokedBy") == "ec2.amazonaws.com" {
            assert!(
                record
                    .pointer("/responseElements/assumedRoleUser")
                    .is_none()
            );
            assert!(
                record
                    .pointer("/requestParameters/durationSeconds")
                    .is_none()
            );
            pairs
                .entry(text(record, "/requestID"))
                .or_default()
                .push(record);
        }
    }
    assert!(pairs.len() >= 12, "{}", pairs.len());
    for pair in pairs.values() {
        let [one, two] = pair[..] else {
            panic!("no pair: {pair:?}")
        };
        for same in ["/eventTime", "/requestParameters/roleSessionName"] {
            assert_eq!(text(one, same), text(two, same));
        }
        assert_ne!(issued_key(one), issued_key(two));
        assert_ne!(text(one, "/sharedEventID"), text(two, "/sharedEventID"));
    }
}

#[test]
fn the_other_account_has_a_copy_of_each_cross_account_assumption() {
    let all = day();
    let mut shared: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in all.records.values() {
        if text(record, "/eventName") == "AssumeRole" {
            shared
                .entry(text(record, "/sharedEventID"))
                .or_default()
                .push(record);
        }
    }
    let mut copies = 0;
    for group in shared.values() {
        let [a, b] = group[..] else { continue };
        copies += 1;
        let types = [a, b].map(|record| text(record, "/userIdentity/type"));
        assert!(
            types.contains(&"AssumedRole") && types.contains(&"AWSAccount"),
            "{types:?}"
        );
        assert_eq!(issued_key(a), issued_key(b));
        assert_ne!(
            text(a, "/recipientAccountId"),
            text(b, "/recipientAccountId")
        );
        let pods = [a, b].map(|record| &all.memory.truth[&id(record)]["pod"]);
        assert_eq!(pods[0], pods[1]);
    }
    assert!(copies > 20, "{copies}");
    let hops: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .filter_map(|row| row["hops"].as_u64())
        .collect();
    assert_eq!(hops, BTreeSet::from([0, 1, 2]));
}

#[test]
fn pod_identity_names_the_pod_and_the_agent_does_not() {
    let all = day();
    let mut pods = BTreeSet::new();
    for record in all.records.values() {
        let truth = &all.memory.truth[&id(record)];
        if text(record, "/userIdentity/invokedBy") == "pods.eks.amazonaws.com" {
            let tags = record["requestParameters"]["tags"].as_array().unwrap();
            let tag = |name: &str| {
                tags.iter()
                    .find(|tag| tag["key"] == name)
                    .map(|tag| &tag["value"])
                    .unwrap()
            };
            assert_eq!(tags.len(), 6);
            assert_eq!(tag("kubernetes-pod-uid"), &truth["pod_uid"]);
            assert_eq!(tag("kubernetes-service-account"), &truth["service_account"]);
            assert_eq!(truth["access_path"], "pod_identity");
            pods.insert(truth["pod_uid"].to_string());
        }
        if text(record, "/eventName") == "AssumeRoleForPodIdentity" {
            assert_eq!(truth["component"], "eks-pod-identity-agent");
            assert!(record["responseElements"].is_null() && truth["pod"].is_null());
        }
    }
    assert!(
        pods.len() > 5,
        "pods are replaced over the day: {}",
        pods.len()
    );
}

#[test]
fn the_cast_is_complete() {
    let all = day();
    let seen: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .map(|row| {
            [
                "access_path",
                "actor",
                "component",
                "service_account",
                "outsider",
            ]
            .map(|name| row[name].as_str().unwrap_or("-"))
        })
        .collect();
    for want in [
        ["node_role", "workload", "-", "default", "-"],
        ["irsa", "workload", "-", "my-sa", "-"],
        ["irsa", "workload", "-", "aws-load-balancer-controller", "-"],
        ["pod_identity", "workload", "-", "s3-sa", "-"],
        ["node_role", "node_agent", "kubelet", "-", "-"],
        ["node_role", "node_agent", "vpc-cni", "-", "-"],
        ["node_role", "node_agent", "ssm-agent", "-", "-"],
        ["node_role", "node_agent", "image-pull", "-", "-"],
        ["node_role", "node_agent", "nodeadm", "-", "-"],
        ["node_role", "node_agent", "instance-credentials", "-", "-"],
        [
            "cluster_role",
            "control_plane",
            "cloud-controller-manager",
            "-",
            "-",
        ],
        [
            "eks_service_linked_role",
            "control_plane",
            "eks-nodegroup",
            "-",
            "-",
        ],
        ["-", "-", "-", "-", "ci"],
        ["-", "-", "-", "-", "ecs_task"],
        ["-", "-", "-", "-", "lambda"],
        ["-", "-", "-", "-", "ec2_instance"],
        ["-", "-", "-", "-", "person"],
    ] {
        assert!(seen.contains(&want), "{want:?}");
    }
    let fallbacks: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .filter(|row| row["cause"].is_string())
        .map(|row| (row["pod"].to_string(), row["cause"].to_string()))
        .collect();
    let no = "\"no_binding\"".to_owned();
    let pods = ["\"eks-iam-test1\"", "\"eks-iam-test2\""];
    assert_eq!(
        fallbacks,
        pods.map(|pod| (pod.to_owned(), no.clone())).into()
    );
}

#[test]
fn delivery_looks_like_the_real_one() {
    let all = history(&DemoOptions {
        events: Some(15_000),
        ..options(12)
    });
    let twice = 1000 * (all.copies.len() - all.records.len()) / all.records.len();
    assert!((15..25).contains(&twice), "{twice} of a thousand");
    let mut objects = vec![Vec::new(); all.memory.objects.len()];
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (object, record) in &all.copies {
        assert_eq!(record, &all.records[&id(record)], "copies are identical");
        objects[*object].push(text(record, "/eventTime"));
        first.entry(id(record)).or_insert(*object);
    }
    let disorder = objects.iter().filter(|times| !times.is_sorted()).count();
    let share = 100 * disorder / objects.len();
    assert!((20..40).contains(&share), "{share} percent");
    let early = first.iter().filter(|(event, object)| {
        let by = all.memory.truth[*event]["issuing_event_id"].as_str();
        by.is_some_and(|by| first[by] > **object)
    });
    assert!(
        early.count() > 10,
        "calls delivered before the record that names them"
    );
    let global = all.records.values().filter(|record| {
        text(record, "/eventName") == "AssumeRoleWithWebIdentity"
            && text(record, "/awsRegion") == "us-east-1"
    });
    assert!(global.count() > 10, "global STS");
    for (key, _) in &all.memory.objects {
        let (folder, name) = key.rsplit_once('/').unwrap();
        let parts: Vec<_> = name.split('_').collect();
        let day = parts[3][..8].to_owned();
        assert!(folder.ends_with(&format!("{}/{}/{}", &day[..4], &day[4..6], &day[6..])));
        assert!(folder.starts_with(&format!("AWSLogs/{}/CloudTrail/{}/", parts[0], parts[2])));
        assert_eq!(parts[4].len(), "0123456789abcdef.json.gz".len());
    }
}

#[test]
fn some_sessions_have_no_issuing_record() {
    let all = day();
    let without = all.records.values().filter(|record| {
        let truth = &all.memory.truth[&id(record)];
        text(record, "/userIdentity/type") == "AssumedRole"
            && truth["access_path"].is_string()
            && truth["issuing_event_id"].is_null()
    });
    assert!(without.count() > 0);
    let gap = |name: &str| {
        all.records
            .values()
            .find(|r| text(r, "/eventName") == name)
            .map(|r| text(r, "/eventTime"))
    };
    let (from, to) = (gap("StopLogging").unwrap(), gap("StartLogging").unwrap());
    let inside = all.records.values().filter(|record| {
        text(record, "/recipientAccountId") == "111122223333"
            && (from < text(record, "/eventTime") && text(record, "/eventTime") < to)
    });
    assert!(inside.count() < 10, "only the seconds before logging stops");
}

#[test]
fn the_number_of_events_is_met_and_sessions_grow_slower() {
    let (small, few) = memory(&DemoOptions {
        events: Some(20_000),
        ..options(14)
    });
    let (large, many) = memory(&DemoOptions {
        events: Some(80_000),
        ..options(14)
    });
    for (got, want) in [(small.events, 20_000), (large.events, 80_000)] {
        assert!(got.abs_diff(want) < want / 33, "{got} of {want}");
    }
    let sessions = |memory| counts(memory, "\"sessionToken\"").iter().sum::<usize>();
    assert!(sessions(&many) < 2 * sessions(&few));
}

#[test]
fn objects_can_be_large() {
    let large = Some(50);
    let options = DemoOptions {
        records_per_file: large,
        events: Some(30_000),
        ..options(15)
    };
    let sizes = counts(&memory(&options).1, "\"eventVersion\"");
    assert!(sizes.iter().all(|&size| size <= 50));
    assert!(sizes.iter().filter(|&&size| size == 50).count() > sizes.len() / 4);
}

#[test]
fn more_clusters_live_in_other_accounts_and_regions() {
    let all = history(&DemoOptions {
        clusters: 3,
        ..options(16)
    });
    let clusters: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .filter_map(|row| row["cluster"].as_str())
        .collect();
    assert_eq!(clusters, BTreeSet::from(["eks-002", "eks-003", "myeks"]));
    let regions: BTreeSet<_> = all
        .records
        .values()
        .map(|record| text(record, "/awsRegion"))
        .collect();
    assert!(regions.len() >= 3, "{regions:?}");
    let ids: BTreeMap<_, BTreeSet<_>> =
        all.records
            .values()
            .fold(BTreeMap::new(), |mut ids, record| {
                let issuer = "/userIdentity/sessionContext/sessionIssuer";
                let arn = text(record, &format!("{issuer}/arn"));
                if !arn.is_empty() {
                    let id = text(record, &format!("{issuer}/principalId"));
                    ids.entry(arn).or_insert_with(BTreeSet::new).insert(id);
                }
                ids
            });
    assert!(ids.values().all(|ids| ids.len() == 1), "a role has one id");
}

#[test]
fn an_output_that_fails_ends_the_generation() {
    struct Full;
    impl DemoOutput for Full {
        fn trail_object(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("disk full"))
        }
        fn truth(&mut self, _: &Truth<'_>) -> io::Result<()> {
            Ok(())
        }
    }
    let error = generate(&options(1), &mut Full).unwrap_err();
    assert!(matches!(error, DemoError::Object { .. }), "{error}");
}

#[test]
fn a_history_without_length_is_empty() {
    let all = history(&DemoOptions {
        duration: Duration::zero(),
        ..options(1)
    });
    assert_eq!(all.summary, DemoSummary::default());
}
