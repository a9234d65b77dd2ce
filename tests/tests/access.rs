//! Who may ask: tokens, TLS, names of hosts; and how the service ends.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use podtrail_tests::forms::NDJSON;
use podtrail_tests::program::{Run, command, run};
use podtrail_tests::service::{Client, Service, Shared, demo, eventually};
use reqwest::header::{ACCEPT, HOST};
use serde_json::json;

static SHARED: Shared = Shared::new();

async fn shared() -> (Arc<Service>, Client) {
    let service = SHARED.get(&[]).await;
    let client = service.client();
    (service, client)
}

/// A file of tokens.
struct Tokens {
    folder: tempfile::TempDir,
}

impl Tokens {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("tokens.jsonl")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let file = self.file();
        let mut all = vec!["token", "--tokens", file.to_str().unwrap()];
        all.extend(arguments);
        run("unused".as_ref(), &all)
    }

    /// Makes a token and gives its id and what a client has to show.
    fn create(&self, name: &str, more: &[&str]) -> (String, String) {
        let mut arguments = vec!["create", name];
        arguments.extend(more);
        let made = self.run(&arguments).expect(0);
        let secret = made.stdout.trim().to_owned();
        assert!(
            secret.len() > 30 && !secret.contains(char::is_whitespace),
            "{secret}"
        );
        assert!(!made.stderr.contains(&secret), "{}", made.stderr);
        let id = self.list().iter().find(|row| row["name"] == name).unwrap()["id"].clone();
        (id.as_str().unwrap().to_owned(), secret)
    }

    fn list(&self) -> Vec<serde_json::Value> {
        self.run(&["list", "--output", "ndjson"]).expect(0).rows()
    }

    async fn serve(&self) -> (Service, Client) {
        let file = self.file();
        let service = Service::start(&demo(), &["--tokens", file.to_str().unwrap()]).await;
        let client = service.client();
        (service, client)
    }
}

#[test]
fn an_address_that_others_reach_needs_authentication() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let run = run(&demo(), &["serve", "--listen", listen]).expect(2);
        assert!(
            run.stderr.contains("--tokens") && run.stderr.contains("--oidc-issuer"),
            "{}",
            run.stderr
        );
    }
    for arguments in [
        &["serve", "--tokens", "/no/such/file"][..],
        &["serve", "--oidc-issuer", "https://login.example.com"],
        &["serve", "--tls-cert", "/no/such/file"],
        &[
            "serve",
            "--tls-cert",
            "/no/such/file",
            "--tls-key",
            "/no/such/file",
        ],
        &["serve", "--listen", "nonsense"],
        &["serve", "--sql-concurrent", "0"],
    ] {
        let run = run(&demo(), arguments).expect(2);
        assert!(
            !run.stderr.is_empty() && run.stdout.is_empty(),
            "{arguments:?}"
        );
    }
    let missing = run(
        "/no/such/store".as_ref(),
        &["serve", "--listen", "127.0.0.1:0"],
    )
    .expect(2);
    assert!(
        missing.stderr.contains("/no/such/store"),
        "{}",
        missing.stderr
    );
}

#[test]
fn tokens_are_kept_as_hashes_that_only_their_owner_reads() {
    let tokens = Tokens::new();
    let (id, secret) = tokens.create("grafana", &["--scope", "sql", "--expires", "90d"]);
    let mode = std::fs::metadata(tokens.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (other, _) = tokens.create("reader", &[]);
    let mode = std::fs::metadata(tokens.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_to_string(tokens.file()).unwrap();
    // The id is in both.
    let own = secret.splitn(3, '_').nth(2).unwrap();
    assert!(
        own.len() > 20 && !kept.contains(own) && !kept.contains(&secret),
        "{kept}"
    );
    let listed = tokens.list();
    assert_eq!(listed.len(), 2);
    let row = listed.iter().find(|row| row["id"] == json!(id)).unwrap();
    assert_eq!(row["scopes"], "read,sql");
    assert!(
        row["expires_at"].is_string() && row["revoked_at"].is_null(),
        "{row}"
    );
    assert!(!json!(listed).to_string().contains(own));
    tokens.run(&["revoke", &other]).expect(0);
    assert!(
        tokens
            .list()
            .iter()
            .any(|row| row["revoked_at"].is_string())
    );
    let unknown = tokens.run(&["revoke", "nonsense"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    let wrong = tokens.run(&["create", "x", "--scope", "everything"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}

#[tokio::test]
async fn a_token_allows_what_its_scope_says() {
    let tokens = Tokens::new();
    let (_, read) = tokens.create("reader", &[]);
    let (analyst, sql) = tokens.create("analyst", &["--scope", "sql"]);
    let (operator, admin) = tokens.create("operator", &["--scope", "admin"]);
    let (_service, client) = tokens.serve().await;
    let statement = json!({"query": "SELECT 1 AS n"});
    for open in ["/healthz", "/readyz"] {
        client.get(open).await.expect(200);
    }
    for closed in [
        "/metrics",
        "/api/v1/summary",
        "/api/v1/events?limit=1",
        "/api/v1/reports/workloads",
    ] {
        let answer = client.get(closed).await;
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer"),
            "{closed}"
        );
        answer.problem(401);
        client.bearing(&read).get(closed).await.expect(200);
    }
    client.post_sql(&statement).await.problem(401);
    client
        .bearing(&read)
        .post_sql(&statement)
        .await
        .problem(403);
    for token in [&sql, &admin] {
        let bearing = client.bearing(token);
        bearing.post_sql(&statement).await.expect(200);
        bearing.get("/api/v1/coverage").await.expect(200);
    }
    // Only a statement that runs is told of, under the token's id and name.
    let by = client
        .bearing(&sql)
        .sql("SELECT DISTINCT \"by\" AS name FROM system.queries")
        .await;
    let by: BTreeSet<&str> = by.iter().map(|row| row["name"].as_str().unwrap()).collect();
    let wanted = [format!("{analyst} analyst"), format!("{operator} operator")];
    assert_eq!(by, wanted.iter().map(String::as_str).collect());
    let mut near = read.clone();
    let last = near.pop().unwrap();
    near.push(if last == 'A' { 'B' } else { 'A' });
    for wrong in [
        "nonsense",
        "",
        &near,
        &read[1..],
        &format!("{read}x"),
        &format!("{read} {read}"),
    ] {
        client
            .bearing(wrong)
            .get("/api/v1/coverage")
            .await
            .problem(401);
    }
    for header in [
        format!("Basic {read}"),
        read.clone(),
        format!("Bearer{read}"),
    ] {
        let request = client
            .request("GET", "/api/v1/coverage")
            .header("authorization", header);
        Client::send(request).await.problem(401);
    }
    let in_the_query = format!("/api/v1/coverage?access_token={read}");
    client.get(&in_the_query).await.problem(401);
}

#[tokio::test]
async fn a_session_tells_what_its_token_allows() {
    let tokens = Tokens::new();
    let (id, read) = tokens.create("reader", &[]);
    let (_, sql) = tokens.create("analyst", &["--scope", "sql"]);
    let (_service, client) = tokens.serve().await;
    // The page that asks for a token loads without one.
    for open in ["/", "/fallbacks"] {
        let answer = client.get(open).await.expect(200);
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("text/html; charset=utf-8"), "{open}");
    }
    client.get("/api/v1/session").await.problem(401);
    let wrong = client.bearing("nonsense");
    wrong.get("/api/v1/session").await.problem(401);
    let session = async |token| {
        client
            .bearing(token)
            .get("/api/v1/session")
            .await
            .expect(200)
    };
    let answer = session(&read).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        answer.json(),
        json!({"authentication": "token", "name": format!("{id} reader"), "scopes": ["read"], "version": version})
    );
    assert_eq!(session(&sql).await.json()["scopes"], json!(["read", "sql"]));

    let (_service, client) = shared().await;
    let answer = client.get("/api/v1/session").await.expect(200);
    assert_eq!(
        answer.json(),
        json!({"authentication": "none", "name": null, "scopes": ["read", "sql", "admin"], "version": version})
    );
}

#[tokio::test]
async fn a_token_ends_when_it_expires_and_when_it_is_revoked() {
    let tokens = Tokens::new();
    let (id, secret) = tokens.create("lasting", &[]);
    let (_service, client) = tokens.serve().await;
    client
        .bearing(&secret)
        .get("/api/v1/coverage")
        .await
        .expect(200);
    // Made while the service runs.
    let (_, brief) = tokens.create("brief", &["--expires", "2s"]);
    let status = async |token: &str, wanted: u16| {
        let bearing = client.bearing(token);
        eventually("the token's turn", || async {
            (bearing.get("/api/v1/coverage").await.status == wanted).then_some(())
        })
        .await;
    };
    status(&brief, 401).await;
    let (_, late) = tokens.create("late", &[]);
    status(&late, 200).await;
    tokens.run(&["revoke", &id]).expect(0);
    status(&secret, 401).await;
    client
        .bearing(&late)
        .get("/api/v1/coverage")
        .await
        .expect(200);
}

#[tokio::test]
async fn without_authentication_only_the_machines_own_names_are_answered() {
    let (service, client) = shared().await;
    let port = service.authority().rsplit(':').next().unwrap();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("evil.example".to_owned(), 421),
        (format!("evil.example:{port}"), 421),
        (format!("localhost.evil.example:{port}"), 421),
        (format!("127.0.0.1.evil.example:{port}"), 421),
        ("169.254.169.254".to_owned(), 421),
    ] {
        let ask = |method, path| client.request(method, path).header(HOST, &host);
        assert_eq!(
            Client::send(ask("GET", "/api/v1/coverage")).await.status,
            status,
            "{host}"
        );
        let sql = ask("POST", "/api/v1/sql").json(&json!({"query": "SELECT 1 AS n"}));
        assert_eq!(Client::send(sql).await.status, status, "{host}");
        assert_eq!(
            Client::send(ask("GET", "/metrics")).await.status,
            status,
            "{host}"
        );
        assert_eq!(
            Client::send(ask("GET", "/healthz")).await.status,
            200,
            "{host}"
        );
    }
}

/// Makes a certificate for localhost with its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let config = folder.join("openssl.cnf");
    // Without this openssl makes one of an authority, which may not serve.
    let text = "[req]\ndistinguished_name = name\nx509_extensions = leaf\n[name]\n\
                [leaf]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = DNS:localhost, IP:127.0.0.1\n";
    std::fs::write(&config, text).unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=podtrail", "-config"])
        .arg(&config)
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    (certificate, key)
}

#[tokio::test]
async fn https_is_served_with_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let arguments = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let service = Service::started(&demo(), &arguments, &[]);
    assert!(
        service.address().starts_with("https://"),
        "{}",
        service.address()
    );
    let trusted = reqwest::Certificate::from_pem(&std::fs::read(&certificate).unwrap()).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([trusted])
        .build()
        .unwrap();
    let client = Client::with(http, service.address());
    service.ready(&client).await;
    let answer = client.get("/api/v1/coverage").await.expect(200);
    assert!(answer.header("strict-transport-security").is_some());
    // Nothing is served in the clear, and nobody is served who does not trust it.
    let clear = Client::new(&format!("http://{}", service.authority()));
    assert!(clear.try_get("/healthz").await.is_err());
    assert!(
        Client::new(service.address())
            .try_get("/healthz")
            .await
            .is_err()
    );
    let (code, _) = service.terminate().await;
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn tokens_in_clear_text_are_warned_of() {
    let tokens = Tokens::new();
    tokens.create("reader", &[]);
    let file = tokens.file();
    for (listen, warned) in [("127.0.0.1:0", false), ("0.0.0.0:0", true)] {
        let arguments = ["--listen", listen, "--tokens", file.to_str().unwrap()];
        let service = Service::started(&demo(), &arguments, &[]);
        let (code, log) = service.terminate().await;
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(log.contains("clear text"), warned, "{listen}: {log}");
    }
}

#[tokio::test]
async fn sigterm_lets_answers_in_flight_end() {
    let service = Service::start(&demo(), &["--drain", "60s"]).await;
    let client = service.client();
    let query = "SELECT a.event_id, b.event_name FROM events a CROSS JOIN events b";
    let mut response = client
        .statement(&json!({"query": query, "limit": 200_000}))
        .header(ACCEPT, NDJSON)
        .send()
        .await
        .unwrap();
    let mut lines = 0;
    let mut count = |bytes: &[u8]| lines += bytecount(bytes);
    count(&response.chunk().await.unwrap().unwrap());
    service.ask_to_end();
    // It takes no more connections, and what is under way is given whole.
    let fresh = service.client();
    eventually("a door that is closed", || async {
        fresh.try_get("/healthz").await.is_err().then_some(())
    })
    .await;
    while let Some(bytes) = response.chunk().await.unwrap() {
        count(&bytes);
    }
    assert_eq!(lines, 200_000);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("cut off"), "{log}");
}

fn bytecount(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

#[tokio::test]
async fn the_time_to_drain_is_bounded() {
    let service = Service::start(&demo(), &["--drain", "1s"]).await;
    let client = service.client();
    let query = "SELECT count(*) AS n FROM generate_series(1, 1000000000000) /* endless */";
    let asked = client.statement(&json!({"query": query}));
    let asking = tokio::spawn(Client::try_send(asked));
    eventually("a statement that runs", || async {
        let rows = client.sql("SELECT id FROM system.queries WHERE query LIKE '%/* endless */' AND state = 'running'").await;
        (!rows.is_empty()).then_some(())
    })
    .await;
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("1 requests were cut off"), "{log}");
    // What was cut off has its line of audit as well.
    let endless = |line: &&str| line.contains("generate_series(1, 1000000000000)");
    let line = log.lines().find(endless);
    assert!(line.is_some_and(|line| line.contains("cancelled")), "{log}");
    assert!(asking.await.unwrap().is_err(), "an answer that was cut off");
}

#[tokio::test]
async fn metrics_have_their_names_and_count() {
    let service = Service::start(&demo(), &[]).await;
    let client = service.client();
    for _ in 0..3 {
        client.get("/api/v1/coverage").await.expect(200);
    }
    client.get("/api/v1/events?limit=0").await.problem(400);
    client
        .get("/api/v1/workloads/myeks/shop/cart")
        .await
        .expect(200);
    client
        .get("/api/no/such/path/with/a/secret")
        .await
        .problem(404);
    client.get("/a/page/with/a/secret").await.expect(200);
    client.sql("SELECT 1 AS n").await;
    let answer = client.get("/metrics").await.expect(200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let lines = [
        r#"podtrail_http_requests_total{method="GET",route="/api/v1/coverage",status="200"} 3"#,
        r#"podtrail_http_requests_total{method="GET",route="/api/v1/events",status="400"} 1"#,
        r#"podtrail_http_requests_total{method="GET",route="/{*path}",status="404"} 1"#,
        r#"podtrail_http_requests_total{method="GET",route="/{*path}",status="200"} 1"#,
        r#"podtrail_http_requests_total{method="POST",route="/api/v1/sql",status="200"} 1"#,
        r#"podtrail_http_request_duration_seconds_count{method="GET",route="/api/v1/coverage"} 3"#,
        "podtrail_http_requests_in_flight 1",
        r#"podtrail_queries_total{door="http",outcome="finished"} 1"#,
        r#"podtrail_queries_running{kind="sql"} 0"#,
        "podtrail_snapshot_stale_seconds 0",
    ];
    // What ends with an answer's last byte is counted behind it.
    let text = eventually(&format!("metrics with {lines:#?}"), || async {
        let text = client.get("/metrics").await.expect(200).text();
        lines
            .iter()
            .all(|line| text.lines().any(|each| each == *line))
            .then_some(text)
    })
    .await;
    assert!(
        text.lines()
            .any(|line| line.starts_with("podtrail_snapshot_age_seconds "))
    );
    assert!(!text.contains("secret") && !text.contains("shop/cart"));
    let names: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split(['{', ' ']).next().unwrap())
        .collect();
    assert!(
        names.iter().all(|name| name.starts_with("podtrail_")),
        "{names:?}"
    );
    // What the store holds.
    let calls = client.sql("SELECT count(*) AS n FROM attribution").await[0]["n"]
        .as_u64()
        .unwrap();
    let told: u64 = text
        .lines()
        .filter(|line| line.starts_with("podtrail_attribution_events_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(told, calls);
}

#[tokio::test]
async fn two_services_cannot_have_one_address() {
    let (service, _) = shared().await;
    let taken = service.authority().to_owned();
    let other = command(&demo(), &["serve", "--listen", &taken])
        .output()
        .unwrap();
    let other = Run::from(other).expect(2);
    assert!(other.stderr.contains(&taken), "{}", other.stderr);
}
