//! Clients that people have: psql, psycopg, an ADBC driver. `tests/run.sh` installs them.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Command, Output};

use podtrail_tests::program;
use podtrail_tests::service::{Service, demo};

/// The Python that has the drivers; none where they are not installed.
fn python() -> Option<PathBuf> {
    let clients = std::env::var_os("PODTRAIL_CLIENTS");
    if clients.is_none() {
        eprintln!("skipped: the clients are not installed; tests/run.sh does that");
    }
    Some(PathBuf::from(clients?).join("python"))
}

fn script(name: &str) -> PathBuf {
    program::workspace().join("tests/clients").join(name)
}

#[track_caller]
fn expect_ok(output: &Output) {
    let told = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{wrong}");
    assert!(told.trim_end().ends_with("OK"), "{told}{wrong}");
}

/// Starts a service for PostgreSQL clients and gives host and port of theirs.
async fn with_postgresql(arguments: &[&str]) -> (Service, String, String) {
    let all = [&["--pg-listen", "127.0.0.1:0"], arguments].concat();
    let service = Service::started(&demo(), &all, &[]);
    let greeting = "podtrail serves postgresql://";
    let address = podtrail_tests::service::eventually("an address for PostgreSQL", || async {
        let log = service.log();
        let line = log.lines().find_map(|line| line.strip_prefix(greeting))?;
        Some(line.trim_end_matches("/podtrail").to_owned())
    })
    .await;
    let (host, port) = address.split_once(':').unwrap();
    (service, host.to_owned(), port.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn psycopg_reads_with_and_without_a_token() {
    let Some(python) = python() else { return };
    let run = |arguments: &[&str]| {
        Command::new(&python)
            .arg(script("postgresql.py"))
            .args(arguments)
            .output()
            .unwrap()
    };
    let (_service, host, port) = with_postgresql(&[]).await;
    expect_ok(&run(&[&host, &port]));

    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.jsonl");
    let tokens = tokens.to_str().unwrap();
    let made = program::run(
        folder.path(),
        &[
            "token", "--tokens", tokens, "create", "tool", "--scope", "sql",
        ],
    )
    .expect(0);
    let (_closed, host, port) = with_postgresql(&["--tokens", tokens]).await;
    expect_ok(&run(&[&host, &port, made.stdout.trim()]));
    let refused = run(&[&host, &port, "wrong"]);
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("password authentication failed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.jsonl");
    let tokens = file.to_str().unwrap();
    let token = |arguments: &[&str]| {
        let all = [&["token", "--tokens", tokens], arguments].concat();
        program::run(folder.path(), &all).expect(0).stdout
    };
    let secret = token(&["create", "tool", "--scope", "sql"]);
    let (_service, host, port) = with_postgresql(&["--tokens", tokens]).await;
    let config = format!(
        "host={host} port={port} user=tester dbname=podtrail password={}",
        secret.trim()
    );
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.simple_query("SELECT 1").await.unwrap();
    token(&["revoke", secret.split('_').nth(1).unwrap()]);
    let failure = podtrail_tests::service::eventually("the end of the connection", || async {
        client.simple_query("SELECT 1").await.err()
    })
    .await;
    let code = failure.code().map(tokio_postgres::error::SqlState::code);
    assert_eq!(code, Some("28000"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_shows_what_there_is() {
    if Command::new("psql").arg("--version").output().is_err() {
        eprintln!("skipped: psql is not installed; tests/run.sh does that");
        return;
    }
    let (_service, host, port) = with_postgresql(&[]).await;
    for (command, shown) in [
        ("\\d", "attribution"),
        ("\\dt", "events"),
        ("\\d events", "event_id"),
        ("\\d+", "attribution"),
        ("\\d+ events", "event_id"),
        ("\\d+ attribution", "event_id"),
        ("\\dt+", "events"),
        ("\\dv+", "attribution"),
        ("\\dn+", "public"),
        ("\\l", "podtrail"),
        ("\\l+", "podtrail"),
        ("\\db+", "pg_default"),
        ("\\du", "List of roles"),
        ("\\dT", "List of data types"),
        ("\\df+", "List of functions"),
        ("\\z", "Access privileges"),
        ("\\dp events", "events"),
        ("SELECT count(*) > 0 AS there FROM attribution", "there"),
    ] {
        let output = Command::new("psql")
            .args([
                "-X", "-h", &host, "-p", &port, "-U", "tester", "-d", "podtrail", "-c", command,
            ])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let wrong = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {told}{wrong}");
        assert!(told.contains(shown), "{command}: {told}{wrong}");
        let others = |line: &str| line.starts_with(" postgres ");
        assert!(!told.lines().any(others), "another database: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adbc_driver_reads_by_flight_sql() {
    let Some(python) = python() else { return };
    let service = Service::start(&demo(), &[]).await;
    let output = Command::new(python)
        .arg(script("flight_sql.py"))
        .arg(format!("grpc://{}", service.authority()))
        .output()
        .unwrap();
    expect_ok(&output);
}
