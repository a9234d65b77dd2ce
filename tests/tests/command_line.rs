//! The command line as scripts use it: exit codes, streams, forms of output, bad input.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use podtrail_tests::program::{self, Run, number, run, run_with_input, sql};
use serde_json::{Value, json};

/// Shaped like a real one: long base64 that starts as STS session tokens do.
fn token() -> String {
    format!("IQoJb3JpZ2luX2VjE{}", "Qx7fK2".repeat(40))
}

fn record(event_id: &str, event_name: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": event_id, "eventTime": "2026-05-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com", "eventName": event_name, "awsRegion": "eu-central-1",
        "sourceIPAddress": "198.51.100.7", "userAgent": "=cmd|' /C calc'!A0",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "alice",
            "arn": "arn:aws:iam::111122223333:user/alice", "accessKeyId": "AKIAEXAMPLE000000001"},
        "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLE000000002", "sessionToken": token()}},
        "eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
        "recipientAccountId": "111122223333",
    })
}

fn trail(ids: &[&str]) -> Vec<u8> {
    let records: Vec<Value> = ids.iter().map(|id| record(id, "ListBuckets")).collect();
    json!({ "Records": records }).to_string().into_bytes()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with an input folder and a place for a store.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(place.input()).unwrap();
        place
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("input")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.input().join(name), bytes).unwrap();
    }

    fn ingest(&self) -> Run {
        run(&self.store(), &["ingest", self.input().to_str().unwrap()])
    }
}

fn one_event() -> Place {
    let place = Place::new();
    place.write("a.json", &trail(&["event-1"]));
    place.ingest().expect(0);
    place
}

#[test]
fn wrong_usage_and_missing_things_exit_with_2_and_name_the_cause() {
    let place = Place::new();
    let store = place.store();
    let cases: [(&[&str], &str); 8] = [
        (&["ingest"], "SOURCE"),
        (&["ingest", "/no/such/folder"], "/no/such/folder"),
        (&["ingest", "no-such-*.json"], "no-such-*.json"),
        (&["ingest", "ftp://host/folder"], "ftp://"),
        (&["report", "nonsense"], "workloads"),
        (&["report", "workloads"], "store"),
        (&["sql", "SELECT 1"], "store"),
        (&["--output", "yaml", "doctor"], "yaml"),
    ];
    for (arguments, named) in cases {
        let run = run(&store, arguments).expect(2);
        assert!(run.stderr.contains(named), "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
    }
    assert!(!store.exists(), "a typing error makes no store");
}

#[test]
fn sql_is_read_only_and_its_errors_are_the_users() {
    let place = one_event();
    for statement in [
        "DROP TABLE events",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO events SELECT * FROM events",
        "DELETE FROM events",
        "UPDATE events SET event_name = 'x'",
        "COPY (SELECT 1) TO '/tmp/podtrail-must-not-exist.csv'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM no_such_table",
        "SELEC 1",
        "",
    ] {
        let run = run(&place.store(), &["sql", statement]);
        assert_eq!(
            run.code,
            Some(2),
            "{statement}: {} {}",
            run.stdout,
            run.stderr
        );
        assert!(run.stdout.is_empty(), "{statement}: {}", run.stdout);
    }
    assert!(!Path::new("/tmp/podtrail-must-not-exist.csv").exists());
    assert_eq!(number(&place.store(), "SELECT count(*) FROM events"), 1);
}

#[test]
fn every_form_of_output_holds_the_rows_and_nothing_else() {
    let place = one_event();
    let query = "SELECT event_id, event_time, user_agent, error_code FROM events";
    let print = |form: &str| run(&place.store(), &["sql", "-o", form, query]).expect(0);
    let row = json!({"event_id": "event-1", "event_time": "2026-05-01T10:00:00Z",
        "user_agent": "=cmd|' /C calc'!A0", "error_code": null});
    assert_eq!(print("ndjson").rows(), std::slice::from_ref(&row));
    assert_eq!(
        serde_json::from_str::<Value>(&print("json").stdout).unwrap(),
        json!([row])
    );
    assert_eq!(
        print("csv").stdout,
        "event_id,event_time,user_agent,error_code\nevent-1,2026-05-01T10:00:00Z,'=cmd|' /C calc'!A0,\n"
    );
    assert_eq!(
        print("markdown").stdout,
        "| event_id | event_time | user_agent | error_code |\n| --- | --- | --- | --- |\n\
         | event-1 | 2026-05-01T10:00:00Z | =cmd\\|' /C calc'!A0 |  |\n"
    );
    assert!(print("table").stdout.contains("event-1"));
    let bytes = |form: &str| {
        program::command(&place.store(), &["sql", "-o", form, query])
            .output()
            .unwrap()
            .stdout
    };
    assert!(bytes("parquet").starts_with(b"PAR1"));
    assert!(
        bytes("arrow").starts_with(&[0xff; 4]),
        "an Arrow IPC stream"
    );
    let piped = run_with_input(
        &place.store(),
        &["sql", "-o", "ndjson"],
        b"SELECT 1 AS one;\n",
    )
    .expect(0);
    assert_eq!(piped.rows(), [json!({"one": 1})]);
}

#[test]
fn unchanged_objects_are_not_read_again_and_changed_ones_are() {
    let place = Place::new();
    place.write("a.json", &trail(&["event-1", "event-2"]));
    place.write("b.json.gz", &gz(&trail(&["event-2", "event-3"])));
    let first = place.ingest().expect(0);
    assert!(
        first.stderr.contains("4: 3 new, 1 duplicate"),
        "{}",
        first.stderr
    );
    let again = place.ingest().expect(0);
    assert!(
        again.stderr.contains("nothing new: 2 objects"),
        "{}",
        again.stderr
    );
    place.write("a.json", &trail(&["event-1", "event-2", "event-4"]));
    let changed = place.ingest().expect(0);
    assert!(
        changed.stderr.contains("3: 1 new, 2 duplicate"),
        "{}",
        changed.stderr
    );
    assert_eq!(number(&place.store(), "SELECT count(*) FROM events"), 4);
    // The same objects by another name of their folder.
    let file = place.input().join("*.json");
    let globbed = run(&place.store(), &["ingest", file.to_str().unwrap()]).expect(0);
    assert!(globbed.stderr.contains("nothing new"), "{}", globbed.stderr);
    run(&place.store(), &["doctor"]).expect(0);
}

#[test]
fn standard_input_is_a_source() {
    let place = Place::new();
    let input = gz(&trail(&["event-1", "event-2"]));
    run_with_input(&place.store(), &["ingest", "-"], &input).expect(0);
    let again = run_with_input(&place.store(), &["ingest", "-"], &input).expect(0);
    assert!(again.stderr.contains("nothing new"), "{}", again.stderr);
    assert_eq!(number(&place.store(), "SELECT count(*) FROM events"), 2);
}

#[test]
fn bad_input_is_rejected_with_its_reason_and_costs_no_neighbour() {
    let place = Place::new();
    let whole = trail(&["truncated-1", "truncated-2"]);
    place.write("1-truncated.json", &whole[..whole.len() - 40]);
    let zipped = gz(&trail(&["corrupt-1"]));
    place.write("2-corrupt.json.gz", &zipped[..zipped.len() - 6]);
    let broken = format!(
        "{}\n{{\"eventVersion\": \"1.08\", broken {}\n{}\n",
        record("line-1", "GetObject"),
        token(),
        record("line-2", "GetObject")
    );
    place.write("3-lines.ndjson", broken.as_bytes());
    place.write(
        "4-digest.json",
        json!({"awsAccountId": "111122223333", "digestStartTime": "2026-05-01T10:00:00Z",
        "digestS3Bucket": "b", "previousDigestSignature": null, "logFiles": []})
        .to_string()
        .as_bytes(),
    );
    place.write(
        "5-notification.json",
        json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}}}]})
        .to_string()
        .as_bytes(),
    );
    place.write("6-text.json", b"not JSON at all");
    place.write("7-empty.json", b"");
    place.write("8-good.json", &trail(&["good-1"]));
    let run = place.ingest().expect(3);
    let kept = sql(
        &place.store(),
        "SELECT event_id FROM events ORDER BY event_id",
    );
    let kept: Vec<&str> = kept
        .iter()
        .map(|row| row["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        kept,
        ["corrupt-1", "good-1", "line-1", "line-2", "truncated-1"]
    );
    let rejects = sql(
        &place.store(),
        "SELECT split_part(object, '/input/', 2) AS object, reason FROM rejects
         WHERE object NOT LIKE '%corrupt%' ORDER BY object",
    );
    let rejects: Vec<String> = rejects
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["object"].as_str().unwrap(),
                row["reason"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        rejects,
        [
            "1-truncated.json truncated",
            "3-lines.ndjson invalid_json",
            "4-digest.json digest",
            "5-notification.json s3_notification",
            "6-text.json invalid_json",
        ]
    );
    let corrupt = "SELECT count(*) FROM rejects WHERE object LIKE '%corrupt%' AND reason IN ('truncated', 'corrupt_gzip')";
    assert_eq!(number(&place.store(), corrupt), 1);
    assert!(run.stderr.contains("rejected"), "{}", run.stderr);
    assert_eq!(
        number(
            &place.store(),
            "SELECT count(*) FROM ingested_objects WHERE status = 'empty'"
        ),
        1
    );
}

#[test]
fn no_secret_reaches_the_store() {
    let place = Place::new();
    place.write("a.json", &trail(&["event-1"]));
    place.write(
        "b.ndjson",
        format!("{{\"sessionToken\": \"{}\" broken\n", token()).as_bytes(),
    );
    place.ingest().expect(3);
    let everything = |table: &str| {
        run(
            &place.store(),
            &["sql", "-o", "ndjson", &format!("SELECT * FROM {table}")],
        )
        .expect(0)
        .stdout
    };
    for table in ["events", "activities", "rejects", "ingested_objects"] {
        let text = everything(table);
        assert!(!text.is_empty(), "{table}");
        assert!(!text.contains("IQoJ"), "{table}: {text}");
    }
    assert!(
        everything("events").contains("ASIAEXAMPLE000000002"),
        "the key id is kept"
    );
}

/// Runs the program where it may use so many KiB of address space. glibc reserves 64 MiB of addresses for the memory of
/// each thread, whatever the thread uses of it: two such places are for all threads here.
fn ingest_within(place: &Place, kibibytes: u64) -> Run {
    let script = format!("ulimit -v {kibibytes}; exec \"$@\"");
    Command::new("bash")
        .args(["-c", &script, "bash"])
        .env("MALLOC_ARENA_MAX", "2")
        .arg(program::path())
        .arg("--store")
        .arg(place.store())
        .arg("ingest")
        .arg(place.input())
        .output()
        .unwrap()
        .into()
}

#[test]
fn bombs_long_lines_and_deep_nesting_meet_a_limit_and_not_the_memory() {
    let place = Place::new();
    let good = |id: &str| record(id, "GetObject").to_string();
    // A line of 100 MB between two records.
    let mut long = good("long-1").into_bytes();
    long.extend_from_slice(b"\n{\"eventVersion\": \"1.08\", \"filler\": \"");
    long.resize(long.len() + (100 << 20), b'x');
    long.extend_from_slice(format!("\"}}\n{}\n", good("long-2")).as_bytes());
    place.write("1-long.ndjson", &long);
    drop(long);
    let deep = format!(
        "{}\n{{\"eventVersion\": {}{}}}\n{}\n",
        good("deep-1"),
        "[".repeat(100_000),
        "]".repeat(100_000),
        good("deep-2")
    );
    place.write("2-deep.ndjson", deep.as_bytes());
    // 256 MiB of blanks in 256 KiB.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..256 {
        bomb.write_all(&blanks).unwrap();
    }
    place.write("3-bomb.json.gz", &bomb.finish().unwrap());
    place.write("4-good.json", &trail(&["good-1"]));
    let run = ingest_within(&place, 1 << 20).expect(3);
    for reason in ["record_too_large", "too_deep", "decompression_bomb"] {
        assert!(run.stderr.contains(reason), "{reason}: {}", run.stderr);
    }
    let kept = sql(
        &place.store(),
        "SELECT event_id FROM events ORDER BY event_id",
    );
    let kept: Vec<&str> = kept
        .iter()
        .map(|row| row["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(kept, ["deep-1", "deep-2", "good-1", "long-1", "long-2"]);
}

#[test]
fn explain_tells_who_and_why_not() {
    let place = one_event();
    let told = run(&place.store(), &["explain", "event-1"]).expect(0);
    assert!(
        told.stdout
            .starts_with("not attributed to a cluster: it was made by an IAM user"),
        "{}",
        told.stdout
    );
    let told = run(&place.store(), &["explain", "event-1", "-o", "json"]).expect(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["event"]["event_name"], "ListBuckets");
    assert_eq!(told["attribution"], Value::Null);
    let user = "arn:aws:iam::111122223333:user/alice";
    let told = run(&place.store(), &["explain", user]).expect(0);
    assert!(told.stdout.starts_with("not attributed"), "{}", told.stdout);
    assert!(
        told.stdout.contains("AKIAEXAMPLE000000001"),
        "{}",
        told.stdout
    );
    let unknown = run(&place.store(), &["explain", "it's not there"]).expect(2);
    assert!(
        unknown.stderr.contains("it's not there"),
        "{}",
        unknown.stderr
    );
}

/// Imports a pod of namespace `shop` into the inventory of a cluster, as kubectl prints it.
fn import_pod(place: &Place, cluster: &str, account: &str, pod: &str) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": pod, "namespace": "shop", "uid": format!("{cluster}-{pod}"),
            "creationTimestamp": "2026-05-01T09:00:00Z"},
        "spec": {"serviceAccountName": account, "nodeName": "node-1",
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        "status": {"phase": "Running", "podIP": "10.0.1.50", "startTime": "2026-05-01T09:00:00Z"},
    }]});
    let file = place.folder.path().join(format!("{cluster}-{pod}.json"));
    std::fs::write(&file, list.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let at = "2026-05-01T10:00:00Z";
    let arguments = [
        "inventory",
        "import",
        file,
        "--cluster",
        cluster,
        "--at",
        at,
    ];
    run(&place.store(), &arguments).expect(0);
}

#[test]
fn explain_finds_pods_by_their_names() {
    let place = one_event();
    import_pod(&place, "prod", "web", "web-0");
    import_pod(&place, "test", "web", "web-0");
    import_pod(&place, "prod", "cart", "cart-0");
    for name in ["cart-0", "shop/cart-0"] {
        let told = run(&place.store(), &["explain", name]).expect(0);
        let begins = "prod/shop/cart/cart-0: workload shop/cart made no call";
        assert!(told.stdout.starts_with(begins), "{}", told.stdout);
        let told = run(&place.store(), &["explain", name, "-o", "json"]).expect(0);
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(told["subject"], "prod/shop/cart/cart-0");
    }
    for name in ["web-0", "shop/web-0"] {
        let told = run(&place.store(), &["explain", name]).expect(0).stdout;
        assert!(told.starts_with("2 pods are named web-0"), "{told}");
        for subject in ["prod/shop/web/web-0", "test/shop/web/web-0"] {
            assert!(told.contains(subject), "{told}");
            run(&place.store(), &["explain", subject]).expect(0);
        }
    }
    for (name, said) in [
        ("web-1", "no event web-1 in the store, and no pod web-1 of"),
        ("other/web-0", "no pod web-0 in a namespace other of"),
        ("not_a_pod", "no event not_a_pod in the store; an event id,"),
    ] {
        let told = run(&place.store(), &["explain", name]).expect(2);
        assert!(told.stderr.contains(said), "{}", told.stderr);
    }
}

/// A store with the records and the inventory of a scenario of attribution.
fn scenario(name: &str) -> Place {
    let place = Place::new();
    let folder = program::workspace()
        .join("query/tests/scenarios")
        .join(name);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (records, inventory) = (path("records.json"), path("inventory"));
    run(&place.store(), &["ingest", &records]).expect(0);
    run(&place.store(), &["inventory", "import", &inventory]).expect(0);
    place
}

#[test]
fn a_report_fails_a_pipeline_where_it_is_asked_to() {
    let place = scenario("fallback_no_binding");
    let report = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        run(&place.store(), &arguments)
    };
    for (arguments, code) in [
        ("report fallbacks", 0),
        ("report fallbacks --fail-on unknown", 1),
        ("report fallbacks --fail-on inferred", 1),
        ("report fallbacks --fail-on exact", 0),
        ("report fallbacks --fail-on unknown --namespace none", 0),
        ("report readiness --fail-on unknown", 1),
        ("report readiness --fail-on breaks", 1),
        ("report denied --fail-on candidate", 1),
        ("report denied --fail-on exact", 0),
        ("report unused --fail-on unused", 1),
        ("report unused --fail-on wildcard_trust", 0),
    ] {
        let ran = report(arguments);
        assert_eq!(ran.code, Some(code), "{arguments}: {ran:?}");
    }
    let rows = report("report fallbacks -o ndjson").expect(0).rows();
    assert_eq!(rows.len(), 1);
    let failed = report("report fallbacks -o ndjson --fail-on unknown").expect(1);
    assert_eq!(failed.rows(), rows, "what is found is printed");
    for (arguments, named) in [
        (
            "report fallbacks --fail-on breaks",
            "unknown, candidate, inferred, exact",
        ),
        ("report workloads --fail-on exact", "no findings"),
    ] {
        let refused = report(arguments).expect(2);
        assert!(refused.stderr.contains(named), "{}", refused.stderr);
        assert!(refused.stdout.is_empty(), "{}", refused.stdout);
    }
    // Nothing is known that would break, and too little was observed to say that nothing does.
    let place = scenario("fallback_host_network");
    let store = place.store();
    run(&store, &["report", "readiness", "--fail-on", "breaks"]).expect(0);
    run(&store, &["report", "readiness", "--fail-on", "unknown"]).expect(1);
}

#[test]
fn completions_are_printed_for_a_shell() {
    let place = Place::new();
    let script = run(&place.store(), &["completions", "bash"])
        .expect(0)
        .stdout;
    assert!(
        script.contains("ingest") && script.contains("fallbacks") || script.contains("report"),
        "{script}"
    );
}

#[test]
fn an_unreadable_object_is_said_and_tried_again() {
    let place = Place::new();
    place.write("a.json", &trail(&["event-1"]));
    let link = place.input().join("b.json");
    std::os::unix::fs::symlink(place.input().join("gone.json"), &link).unwrap();
    let run = place.ingest().expect(3);
    assert!(run.stderr.contains("b.json"), "{}", run.stderr);
    place.write("gone.json", &trail(&["event-2"]));
    place.ingest().expect(0);
    assert_eq!(number(&place.store(), "SELECT count(*) FROM events"), 2);
}
