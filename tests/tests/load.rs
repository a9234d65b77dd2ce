//! Many clients at once: reports, lists, SQL, and readers that are slow. Times are printed, never judged.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use podtrail_tests::forms::NDJSON;
use podtrail_tests::service::{Client, Service, demo};
use reqwest::header::ACCEPT;
use serde_json::json;
use tokio::task::JoinSet;

/// Clients at once, and how many of them read slowly.
const CLIENTS: usize = 64;
const SLOW: usize = 8;
const SLOW_ROWS: usize = 4_000;

/// Requests of all of them; none is begun after the time.
const REQUESTS: usize = 1_500;
const TIME: Duration = Duration::from_secs(15);

const MOST_MEMORY: u64 = 3 << 29;

/// Mostly what is quick, so that nobody waits for a turn longer than the service lets them, on a slow machine as well.
const TARGETS: [&str; 10] = [
    "/api/v1/fallbacks?limit=10",
    "/api/v1/readiness",
    "/api/v1/reports/fallbacks",
    "/api/v1/ingestion",
    "/api/v1/coverage",
    "/openapi.json",
    "/api/v1/reports/readiness",
    "/api/v1/fallbacks?namespace=shop",
    "/metrics",
    "/api/v1/workloads?namespace=shop",
];

const STATEMENTS: [&str; 4] = [
    "SELECT count(*) AS n FROM events",
    "SELECT * FROM system.queries LIMIT 10",
    "SELECT event_id, event_time, request_parameters FROM events LIMIT 500",
    "SELECT actor, sum(calls) AS n FROM activity_attribution GROUP BY 1",
];

/// Asks one thing after the other, and notes how long each took.
async fn ask(
    client: Client,
    number: usize,
    taken: Arc<AtomicUsize>,
    end: Instant,
) -> Vec<Duration> {
    let mut times = Vec::new();
    while Instant::now() < end && taken.fetch_add(1, Ordering::Relaxed) < REQUESTS {
        let began = Instant::now();
        let turn = number + times.len();
        let answer = if turn.is_multiple_of(3) {
            let query = STATEMENTS[(turn / 3) % STATEMENTS.len()];
            client.post_sql(&json!({"query": query})).await
        } else {
            client.get(TARGETS[turn % TARGETS.len()]).await
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        times.push(began.elapsed());
    }
    times
}

/// Reads a long answer, with a rest after each part of it. Few of them ask SQL: a statement keeps its turn until it is
/// read.
async fn read_slowly(client: Client, number: usize) -> usize {
    let request = if number < SLOW / 4 {
        client.statement(
            &json!({"query": "SELECT * FROM events ORDER BY event_id", "limit": SLOW_ROWS}),
        )
    } else {
        client.request("GET", &format!("/api/v1/events?limit={SLOW_ROWS}"))
    };
    let mut response = request.header(ACCEPT, NDJSON).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut lines = 0;
    while let Some(bytes) = response.chunk().await.unwrap() {
        lines += bytes.split(|byte| *byte == b'\n').count() - 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lines
}

fn print_times(mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_millis();
    eprintln!(
        "{} requests: p50 {} ms, p99 {} ms, max {} ms",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clients_get_every_answer_in_bounded_memory() {
    let service = Service::start(&demo(), &[]).await;
    let client = service.client();
    let taken = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + TIME;
    let mut slow = JoinSet::new();
    for number in 0..SLOW {
        slow.spawn(read_slowly(client.clone(), number));
    }
    let mut quick = JoinSet::new();
    for number in 0..CLIENTS - SLOW {
        quick.spawn(ask(client.clone(), number, Arc::clone(&taken), end));
    }
    let times = quick.join_all().await.concat();
    assert!(times.len() >= CLIENTS - SLOW, "each asked at least once");
    assert_eq!(slow.join_all().await, [SLOW_ROWS; SLOW]);
    let peak = service.peak_memory();
    print_times(times);
    eprintln!("resident at most: {} MiB", peak >> 20);
    assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0));
    assert!(!log.contains("panicked"), "{log}");
}
