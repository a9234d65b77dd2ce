//! Clients that mean harm: each is refused or bounded, and meanwhile a client of good will gets every answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::large_stack_arrays
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use podtrail_tests::service::{Client, PATIENCE, Service, demo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const MOST_MEMORY: u64 = 3 << 29;

/// A service with small limits, and a client that asks it all the time.
struct Besieged {
    service: Service,
    client: Client,
    over: Arc<AtomicBool>,
    good: tokio::task::JoinHandle<usize>,
}

impl Besieged {
    async fn start() -> Self {
        let arguments = [
            "--sql-time",
            "3s",
            "--sql-memory-mib",
            "64",
            "--spill-mib",
            "64",
        ];
        let service = Service::start(&demo(), &arguments).await;
        let client = service.client();
        let over = Arc::new(AtomicBool::new(false));
        let good = tokio::spawn(ask_on(service.client(), Arc::clone(&over)));
        Self {
            service,
            client,
            over,
            good,
        }
    }

    /// Demands that it lives, stayed small and answered.
    async fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        let answers = self.good.await.unwrap();
        assert!(answers > 2, "{answers}");
        assert!(self.service.is_alive(), "{}", self.service.log());
        let peak = self.service.peak_memory();
        eprintln!(
            "{answers} answers meanwhile; resident at most: {} MiB",
            peak >> 20
        );
        assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
        let (code, log) = self.service.terminate().await;
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.service.authority()).await.unwrap()
    }
}

/// Asks again and again. Every answer has to come.
async fn ask_on(client: Client, over: Arc<AtomicBool>) -> usize {
    let mut answers = 0;
    loop {
        client.get("/api/v1/fallbacks?limit=1").await.expect(200);
        client.get("/api/v1/readiness").await.expect(200);
        let rows = client.sql("SELECT count(*) AS n FROM rejects").await;
        assert_eq!(rows, [json!({"n": 0})]);
        answers += 3;
        if over.load(Ordering::Relaxed) {
            return answers;
        }
    }
}

/// Reads what comes until the other side closes; empty where it resets the connection.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE * 2, stream.read_to_end(&mut bytes)).await;
    read.expect("the connection is closed").map_or_else(
        |_| String::new(),
        |_| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// Sends this and reads what comes until the other side closes.
async fn exchange(besieged: &Besieged, bytes: &[u8]) -> String {
    let mut stream = besieged.connect().await;
    // It may refuse before it has read all.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// Sends a head byte by byte, for ever.
async fn drip(mut stream: TcpStream) {
    let (mut from, mut to) = stream.split();
    let dripping = async {
        let _ = to
            .write_all(b"GET /api/v1/summary HTTP/1.1\r\nhost: localhost\r\n")
            .await;
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        answer = rest(&mut from) => assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}"),
        () = dripping => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_little_or_nonsense_are_closed() {
    let besieged = Besieged::start().await;
    let mut dripping = JoinSet::new();
    for _ in 0..20 {
        dripping.spawn(drip(besieged.connect().await));
    }
    let mut idle = Vec::new();
    for _ in 0..450 {
        idle.push(besieged.connect().await);
    }
    besieged.client.get("/api/v1/readiness").await.expect(200);
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for bytes in [
        hello.as_slice(),
        &noise,
        b"\r\n\r\n\r\n\r\nnonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        &[0; 70_000],
    ] {
        let answer = exchange(&besieged, bytes).await;
        assert!(
            answer.is_empty()
                || answer.starts_with("HTTP/1.1 4")
                || answer.starts_with("HTTP/1.0 4"),
            "{answer}"
        );
    }
    for (head, status) in [
        (
            format!(
                "GET /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
                "x".repeat(20_000)
            ),
            "414",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
                "x".repeat(100_000)
            ),
            "431",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
                "x: y\r\n".repeat(1_000)
            ),
            "431",
        ),
        (
            "GET /api/v1/coverage HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
            "4",
        ),
    ] {
        let answer = exchange(&besieged, head.as_bytes()).await;
        assert!(
            answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{status}: {answer}"
        );
    }
    dripping.join_all().await;
    drop(idle);
    besieged.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_end_are_refused() {
    let besieged = Besieged::start().await;
    let head = "POST /api/v1/sql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let announced = format!("{head}content-length: 10737418240\r\n\r\n{{");
    let answer = exchange(&besieged, announced.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    let mut stream = besieged.connect().await;
    let (mut from, mut to) = stream.split();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let mut sent = 0;
    let endless = async {
        let begun = to
            .write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes())
            .await;
        let mut open = begun.is_ok();
        while open && sent < 256 << 20 {
            open = to.write_all(chunk.as_bytes()).await.is_ok();
            sent += chunk.len();
        }
    };
    let (answer, ()) = tokio::join!(rest(&mut from), endless);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer}"
    );
    assert!(sent < 256 << 20, "all of it was taken");
    let nested = |open: &str, close: &str| {
        let depth = 100_000;
        format!(
            "{{\"query\": \"SELECT 1\", \"params\": {}{}}}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    for body in [
        nested("[", "]"),
        nested("[", ""),
        nested("{\"a\":", "}"),
        "[".repeat(900_000),
    ] {
        let request = besieged
            .client
            .request("POST", "/api/v1/sql")
            .header("content-type", "application/json");
        Client::send(request.body(body)).await.problem(400);
    }
    let deep = json!({"query": "SELECT json_get_str($1, 0) AS a, json_text($1, 'x') AS b", "params": ["[".repeat(400_000)]});
    let answer = besieged.client.post_sql(&deep).await;
    assert!([200, 400].contains(&answer.status), "{}", answer.text());
    besieged.end().await;
}

/// Runs a statement that asks for too much. Gives its status; 0 where the answer was cut off.
async fn attempt(client: &Client, query: &str) -> u16 {
    let request = client.statement(&json!({"query": query}));
    Client::try_send(request).await.map_or(0, |answer| {
        if answer.status != 200 {
            let status = answer.status;
            answer.problem(status);
            return status;
        }
        200
    })
}

fn chain(first: &str, more: &str, times: usize) -> String {
    format!(
        "SELECT count(*) AS n FROM events WHERE {first}{}",
        more.repeat(times)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_and_long_statements_are_refused_or_answered() {
    let besieged = Besieged::start().await;
    let client = &besieged.client;
    let values: Vec<String> = (0..10_000)
        .map(|number| format!("'value-{number}'"))
        .collect();
    let listed = format!(
        "SELECT count(*) AS n FROM events WHERE event_name IN ({})",
        values.join(", ")
    );
    assert_eq!(client.sql(&listed).await, [json!({"n": 0})]);
    let names: Vec<Value> = (0..10_000)
        .map(|number| json!(format!("value-{number}")))
        .collect();
    let places: Vec<String> = (1..=10_000).map(|number| format!("${number}")).collect();
    let query = format!(
        "SELECT count(*) AS n FROM events WHERE event_name IN ({})",
        places.join(", ")
    );
    let answer = client
        .post_sql(&json!({"query": query, "params": names}))
        .await
        .expect(200);
    assert_eq!(answer.items(), [json!({"n": 0})]);
    for (what, query) in [
        (
            "parentheses",
            format!("SELECT {}1{} AS n", "(".repeat(10_000), ")".repeat(10_000)),
        ),
        (
            "open parentheses",
            format!("SELECT {}", "(".repeat(100_000)),
        ),
        ("ands", chain("true", " AND read_only", 10_000)),
        ("ors", chain("false", " OR event_name = 'x'", 10_000)),
        (
            "nots",
            format!("SELECT {} true AS n", "NOT ".repeat(10_000)),
        ),
        ("minuses", format!("SELECT {}1 AS n", "- ".repeat(10_000))),
        ("sums", format!("SELECT 1{} AS n", " + 1".repeat(50_000))),
        (
            "functions",
            format!(
                "SELECT {}'x'{} AS n",
                "upper(".repeat(10_000),
                ")".repeat(10_000)
            ),
        ),
        (
            "cases",
            format!(
                "SELECT {}1{} AS n",
                "CASE WHEN true THEN ".repeat(5_000),
                " END".repeat(5_000)
            ),
        ),
        (
            "subqueries",
            format!(
                "SELECT * FROM {}events{}",
                "(SELECT * FROM ".repeat(2_000),
                ")".repeat(2_000)
            ),
        ),
        (
            "unions",
            format!("SELECT 1 AS n{}", " UNION ALL SELECT 1".repeat(2_000)),
        ),
        (
            "joins",
            format!(
                "SELECT count(*) AS n FROM rejects{}",
                " CROSS JOIN rejects".repeat(500)
            ),
        ),
        ("casts", format!("SELECT 1{} AS n", "::INT".repeat(20_000))),
        (
            "indexes",
            format!("SELECT [1]{} AS n", "[1]".repeat(20_000)),
        ),
        (
            "columns",
            format!(
                "SELECT 1 AS c{}",
                (0..5_000)
                    .map(|n| format!(", {n} AS c{n}"))
                    .collect::<String>()
            ),
        ),
        (
            "arrows",
            format!(
                "SELECT request_parameters{} AS n FROM events",
                "->'a'".repeat(10_000)
            ),
        ),
        (
            "lists",
            format!("SELECT {}{} AS n", "[".repeat(10_000), "]".repeat(10_000)),
        ),
        (
            "types",
            format!(
                "SELECT CAST(NULL AS {}INT{}) AS n",
                "ARRAY<".repeat(5_000),
                ">".repeat(5_000)
            ),
        ),
    ] {
        let status = attempt(client, &query).await;
        assert!(
            [200, 400, 422, 504].contains(&status),
            "{what}: {status} {}",
            besieged.service.log()
        );
    }
    let long = format!("SELECT '{}' AS n", "x".repeat(300 << 10));
    assert_eq!(attempt(client, &long).await, 400);
    besieged.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_explode_are_bounded() {
    let besieged = Besieged::start().await;
    let client = &besieged.client;
    for query in [
        "SELECT repeat('x', 2000000000) AS n",
        "SELECT length(repeat('x', 2000000000)) AS n",
        "SELECT length(repeat(repeat('x', 1000000), 100000)) AS n",
        "SELECT lpad('x', 2000000000, 'y') AS n",
        "SELECT rpad('x', 2000000000, 'y') AS n",
        "SELECT length(replace(repeat('a', 10000000), 'a', repeat('b', 10000))) AS n",
        "SELECT length(regexp_replace(repeat('a', 10000000), 'a', repeat('b', 10000), 'g')) AS n",
        "SELECT array_length(range(1, 10000000000)) AS n",
        "SELECT array_length(generate_series(1, 10000000000)) AS n",
        "SELECT array_length(generate_series(TIMESTAMP '1700-01-01', TIMESTAMP '2200-01-01', INTERVAL '1 second')) AS n",
        "SELECT array_length(array_repeat(repeat('x', 1000000), 100000)) AS n",
        "SELECT string_agg(repeat('x', 100000), ',') AS n FROM events",
        "SELECT array_agg(concat(a.event_id, b.event_id)) AS n FROM events a, events b",
        "SELECT max(repeat(a.event_id, 1000000)) AS n FROM events a",
        "SELECT count(*) AS n FROM generate_series(1, 1000000000000)",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) AS n FROM t",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t CROSS JOIN (VALUES (1), (2)) AS v (x)) SELECT count(*) AS n FROM t",
        "WITH RECURSIVE t AS (SELECT 'x' AS s UNION ALL SELECT concat(s, s) FROM t) SELECT max(length(s)) AS n FROM t",
        "SELECT sum(length(concat(a.event_id, b.event_id, c.event_id))) AS n FROM events a, events b, events c",
        "SELECT a.event_id AS n FROM events a, events b ORDER BY a.user_agent, b.user_agent, n LIMIT 1000000",
        "SELECT count(*) AS n FROM (SELECT DISTINCT a.event_id AS x, b.event_id AS y FROM events a, events b)",
        "SELECT levenshtein(replace(repeat('a', 400), 'a', repeat('b', 400)), replace(repeat('a', 400), 'a', repeat('c', 400))) AS n",
        "SELECT count(*) AS n FROM events a, events b WHERE levenshtein(repeat(a.event_id, 300), repeat(b.event_id, 300)) = 1",
        "SELECT regexp_count(repeat('A', 250000), '.*[^A-Z]|[A-Z]') AS n",
        "SELECT count(*) AS n FROM events WHERE user_agent ~ '(((\\w{50}){50}){50})'",
        "SELECT max(n) AS n, max(length(x)) AS l FROM (SELECT concat(a.event_id, b.event_id) AS x, count(*) OVER () AS n FROM events a, (SELECT * FROM events LIMIT 3000) b) c",
        "SELECT max(array_length(n)) AS n FROM (SELECT array_agg(event_id) OVER (ORDER BY event_time) AS n FROM events) a",
    ] {
        let status = attempt(client, query).await;
        assert!(
            [400, 422, 504].contains(&status),
            "{status}: {query}\n{}",
            besieged.service.log()
        );
    }
    let mut doubled = "SELECT event_id AS s FROM events".to_owned();
    for _ in 0..20 {
        doubled = format!("SELECT s || s AS s FROM ({doubled}) AS t");
    }
    let doubled = format!("SELECT max(length(s)) AS n FROM ({doubled}) AS t");
    assert_eq!(attempt(client, &doubled).await, 422);
    besieged.end().await;
}
