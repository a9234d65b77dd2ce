//! A trail in S3, and a store in S3: read whole, interrupted and resumed, and verified.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use podtrail_tests::inspect::record_columns;
use podtrail_tests::program::{self, Run, command};
use podtrail_tests::public_keys::PublicKeys;
use podtrail_tests::s3_server::{BUCKET, Server, fill, run, start};
use podtrail_tests::trail::{self, ACCOUNTS, Delivered, PREFIX, REGIONS};
use serde_json::Value;

/// Hours and log files an hour of the trail: 20,088 log files in nine accounts and regions.
const HOURS: i64 = 24;
const LOGS: i64 = 93;

const FROM: &str = "--from=2026-02-28";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(10);

fn write(folder: &Path, delivered: &[Delivered]) {
    for object in delivered {
        let path = folder.join(&object.key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &object.bytes).unwrap();
    }
}

const ACTIVITIES: &str = "SELECT activity_id, sum(calls) AS calls FROM activities GROUP BY activity_id ORDER BY activity_id";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_trail_is_read_from_s3_into_s3_whatever_interrupts_it() {
    let server = Server::start().await;
    let delivered = trail::deliver(BUCKET, HOURS, LOGS);
    let logs: Vec<Delivered> = delivered
        .iter()
        .filter(|object| object.signature.is_none())
        .cloned()
        .collect();
    assert!(logs.len() > 20_000);
    fill(&server, &delivered);
    let store = format!("s3://{BUCKET}/store");
    let source = format!("s3://{BUCKET}/{PREFIX}");

    let plan = run(
        &server,
        &store,
        &["ingest", &source, FROM, "--dry-run", "-o", "csv"],
    )
    .await
    .expect(0);
    assert_eq!(
        plan.stdout.lines().count(),
        logs.len() + 1,
        "{}",
        plan.stderr
    );
    assert!(
        server.contents.keys("store/").is_empty(),
        "a dry run writes nothing"
    );

    // Killed after each of its first commits, wherever it then is.
    let mut killed = 0;
    for commits in 1..4 {
        let mut child = start(&server, &store, &["ingest", &source, FROM]);
        let begun = Instant::now();
        while server.contents.keys("store/_ingest/s3-").len() < commits
            && child.try_wait().unwrap().is_none()
        {
            assert!(begun.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "nothing was interrupted");
    let resumed = run(&server, &store, &["ingest", &source, FROM])
        .await
        .expect(0);
    let again = run(&server, &store, &["ingest", &source]).await.expect(0);
    assert!(again.stderr.contains("nothing"), "{}", again.stderr);

    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("trail"), &logs);
    let local = folder.path().join("store");
    program::run(
        &local,
        &["ingest", folder.path().join("trail").to_str().unwrap()],
    )
    .expect(0);
    let events = format!("SELECT {} FROM events ORDER BY event_id", record_columns());
    for query in [events.as_str(), ACTIVITIES] {
        let arguments = ["sql", "-o", "csv", query];
        let ours = run(&server, &store, &arguments).await.expect(0).stdout;
        let theirs = program::run(&local, &arguments).expect(0).stdout;
        assert!(ours.lines().count() > 100, "{}", resumed.stderr);
        assert!(ours == theirs, "{query}: the stores differ");
    }
    let objects = "SELECT count(*) AS objects, count(DISTINCT key) AS keys FROM ingested_objects WHERE status = 'ok'";
    let rows = run(&server, &store, &["sql", "-o", "ndjson", objects])
        .await
        .expect(0)
        .rows();
    assert_eq!(rows[0]["objects"], logs.len());
    assert_eq!(rows[0]["keys"], logs.len());
    run(&server, &store, &["doctor"]).await.expect(0);
    is_proven_until_a_byte_changes(&server, &delivered).await;
}

/// Verifies the whole trail, and after a change an hour of one account and region.
async fn is_proven_until_a_byte_changes(server: &Server, delivered: &[Delivered]) {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, trail::public_keys()).unwrap();
    let source = format!("s3://{BUCKET}/{PREFIX}");
    let verify = [
        "verify",
        &source,
        "--keys",
        keys.to_str().unwrap(),
        "-o",
        "ndjson",
    ];
    let all = [&verify[..], &["--to=2026-03-02T00:30:00Z"]].concat();
    let whole = run(server, "unused", &all).await.expect(0);
    let valid = format!("{} valid\nproven: ", delivered.len());
    assert!(
        whole.stdout.is_empty() && whole.stderr.contains(&valid),
        "{}{}",
        whole.stdout,
        whole.stderr
    );

    let (account, region) = (ACCOUNTS[1], REGIONS[2]);
    let noon = format!("/{account}_CloudTrail_{region}_20260301T12");
    let mut of_noon = delivered.iter().filter(|object| object.key.contains(&noon));
    let altered = of_noon.nth(50).unwrap();
    let mut bytes = altered.bytes.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    server.contents.put(&altered.key, bytes, &[]);
    let narrow = [
        "--account",
        account,
        "--region",
        region,
        "--from=2026-03-01T12:00:00Z",
        "--to=2026-03-01T13:00:00Z",
    ];
    let some = [&verify[..], &narrow].concat();
    let found = run(server, "unused", &some).await.expect(1).rows();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["status"], "log_altered");
    assert_eq!(found[0]["object"], format!("s3://{BUCKET}/{}", altered.key));
}

/// Verifies a trail of two hours with the keys that CloudTrail gives when asked.
async fn verify_with(server: &Server, keys: &PublicKeys) -> Run {
    let source = format!("s3://{BUCKET}/{PREFIX}");
    let arguments = [
        "verify",
        &source,
        "--to=2026-03-01T02:30:00Z",
        "-o",
        "ndjson",
    ];
    let mut command = command(Path::new("unused"), &arguments);
    // Each service has a server of its own.
    command
        .envs(server.environment())
        .env_remove("PODTRAIL_ENDPOINT_URL")
        .env("AWS_ENDPOINT_URL_S3", &server.endpoint)
        .env("AWS_ENDPOINT_URL_CLOUDTRAIL", keys.url());
    tokio::task::spawn_blocking(move || Run::from(command.output().unwrap()))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_asked_of_cloudtrail_in_the_region_of_each_digest() {
    let server = Server::start().await;
    fill(&server, &trail::deliver(BUCKET, 2, 2));
    let keys = PublicKeys::start();
    let whole = verify_with(&server, &keys).await.expect(0);
    assert!(
        whole.stdout.is_empty() && whole.stderr.contains("proven: "),
        "{}{}",
        whole.stdout,
        whole.stderr
    );
    // Two pages of each region, for all its accounts.
    let mut regions = keys.regions();
    regions.sort();
    assert_eq!(regions, REGIONS.map(|region| [region; 2]).concat());

    let refused = verify_with(&server, &PublicKeys::denying()).await;
    let rows = refused.expect(1).rows();
    let digests: Vec<&Value> = rows
        .iter()
        .filter(|row| row["subject"] == "digest")
        .collect();
    assert_eq!(digests.len(), 2 * ACCOUNTS.len() * REGIONS.len());
    for digest in digests {
        assert_eq!(digest["status"], "unreadable", "{digest}");
        let cause = digest["cause"].as_str().unwrap();
        let region = digest["aws_region"].as_str().unwrap();
        for part in [region, "allow the IAM action cloudtrail:ListPublicKeys"] {
            assert!(cause.contains(part), "{cause} without {part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_overwrites_is_refused_before_it_has_tables() {
    let server = Server::start().await;
    server.contents.ignore_conditions();
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("records.json");
    std::fs::write(&trail, "{\"Records\": []}").unwrap();
    let store = format!("s3://{BUCKET}/store");
    for arguments in [&["ingest", trail.to_str().unwrap()][..], &["maintain"]] {
        let refused = run(&server, &store, arguments).await.expect(2);
        for part in [store.as_str(), "conditional writes"] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
        let written = server.contents.keys("store/");
        let of_check = |key: &String| key.starts_with("store/_ingest/");
        assert!(written.iter().all(of_check), "{written:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digests_prove_the_trail_and_one_altered_byte_is_named() {
    let server = Server::start().await;
    let delivered = trail::deliver(BUCKET, 3, 4);
    fill(&server, &delivered);
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, trail::public_keys()).unwrap();
    let source = format!("s3://{BUCKET}/{PREFIX}");
    let verify = [
        "verify",
        &source,
        "--keys",
        keys.to_str().unwrap(),
        "--to=2026-03-01T03:30:00Z",
        "-o",
        "ndjson",
    ];
    let whole = run(&server, "unused", &verify).await.expect(0);
    assert!(
        whole.stdout.is_empty() && whole.stderr.contains("proven"),
        "{}{}",
        whole.stdout,
        whole.stderr
    );

    // Reading it keeps what the digests say of each log file.
    let folder_store = folder.path().join("store");
    let store = folder_store.to_str().unwrap();
    let ingest = [
        "ingest",
        &source,
        "--from=2026-03-01",
        "--to=2026-03-01T03:30:00Z",
        "--verify",
        "--keys",
        keys.to_str().unwrap(),
    ];
    run(&server, store, &ingest).await.expect(0);
    let coverage = run(&server, store, &["report", "coverage", "-o", "ndjson"])
        .await
        .expect(0)
        .rows();
    assert_eq!(coverage.len(), 9, "{coverage:?}");
    for row in &coverage {
        assert_eq!(
            (&row["log_files"], &row["proven_log_files"]),
            (&12.into(), &12.into()),
            "{row}"
        );
    }

    let altered = delivered
        .iter()
        .filter(|object| object.signature.is_none())
        .nth(7)
        .unwrap();
    let mut bytes = altered.bytes.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    server.contents.put(&altered.key, bytes, &[]);
    let found = run(&server, "unused", &verify).await.expect(1).rows();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["status"], "log_altered");
    assert_eq!(found[0]["object"], format!("s3://{BUCKET}/{}", altered.key));

    let again = run(&server, store, &ingest).await.expect(1);
    assert!(
        again.stderr.contains("log_altered") && again.stderr.contains(&altered.key),
        "{}",
        again.stderr
    );
    let status = "SELECT digest_status FROM ingested_objects WHERE digest_status <> 'valid'";
    let rows = run(&server, store, &["sql", "-o", "ndjson", status])
        .await
        .expect(0)
        .rows();
    assert_eq!(rows, [serde_json::json!({"digest_status": "log_altered"})]);

    // A copy in a folder, with the digests' metadata beside them, tells the same.
    write(folder.path(), &delivered);
    for digest in delivered.iter().filter(|object| object.signature.is_some()) {
        let head = serde_json::json!({"Metadata": {"signature": digest.signature, "signature-algorithm": "SHA256withRSA"}});
        std::fs::write(
            folder.path().join(format!("{}.head.json", digest.key)),
            head.to_string(),
        )
        .unwrap();
    }
    let copy = folder.path().join(PREFIX);
    let offline = [
        "verify",
        copy.to_str().unwrap(),
        "--keys",
        keys.to_str().unwrap(),
    ];
    program::run(Path::new("unused"), &offline).expect(0);
    std::fs::remove_file(folder.path().join(&altered.key)).unwrap();
    let found = program::run(Path::new("unused"), &offline).expect(1);
    assert!(
        found.stdout.contains("log_missing"),
        "{}{}",
        found.stdout,
        found.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_at_an_address_is_in_its_bucket_whatever_style_is_asked_for() {
    let server = Server::start().await;
    let store = format!("s3://{BUCKET}/store");
    let records = program::workspace().join("query/tests/scenarios/people/records.json");
    let child = command(Path::new(&store), &["ingest", records.to_str().unwrap()])
        .envs(server.environment())
        .env_remove("PODTRAIL_STORE_PATH_STYLE")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await;
    Run::from(ended.unwrap()).expect(0);
    // Taken for the bucket, the first folder of a key would be missing.
    let keys = server.contents.keys("");
    assert!(
        !keys.is_empty() && keys.iter().all(|key| key.starts_with("store/")),
        "{keys:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_forbidden_is_named() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let place = store.to_str().unwrap();
    for (arguments, code, named) in [
        (&["ingest", "s3://"][..], 2, "s3://"),
        (
            &["ingest", "s3://podtrail-test/x", "--from=yesterday"],
            2,
            "yesterday",
        ),
        (&["ingest", "s3://podtrail-test/x", "--account=12"], 2, "12"),
        (&["ingest", "ftp://host/x"], 2, "ftp://"),
        (&["verify", "/no/such/folder"], 2, "/no/such/folder"),
        (
            &["ingest", "lookup://eu-west-1", "--verify"],
            2,
            "lookup://",
        ),
        (&["ingest", "-", "--verify"], 2, "only a trail"),
        (
            &["ingest", "s3://podtrail-test/x", "--keys=/no/keys"],
            2,
            "--verify",
        ),
        (
            &[
                "ingest",
                "s3://podtrail-test/x",
                "--verify",
                "--keys=/no/keys",
            ],
            2,
            "/no/keys",
        ),
    ] {
        let run = run(&server, place, arguments).await.expect(code);
        assert!(run.stderr.contains(named), "{arguments:?}: {}", run.stderr);
    }
    let wrong = command(&store, &["ingest", "s3://podtrail-test/x"])
        .envs(server.environment())
        .env("AWS_SECRET_ACCESS_KEY", "wrong")
        .output();
    let wrong = tokio::task::spawn_blocking(move || Run::from(wrong.unwrap()))
        .await
        .unwrap();
    assert_ne!(wrong.code, Some(0), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("podtrail-test"), "{}", wrong.stderr);
}
