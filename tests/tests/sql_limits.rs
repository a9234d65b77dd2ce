//! SQL over HTTP: what is told of statements, and what ends them: limits and clients that leave.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use podtrail_tests::forms::{ARROW, CSV, NDJSON};
use podtrail_tests::service::{Client, Service, Shared, demo, eventually};
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

static SHARED: Shared = Shared::new();

async fn shared() -> (Arc<Service>, Client) {
    let service = SHARED.get(&[]).await;
    let client = service.client();
    (service, client)
}

/// Statements whose text has this mark, as `system.queries` shows them.
async fn told(client: &Client, mark: &str) -> Vec<Value> {
    let query = json!({
        "query": "SELECT * FROM system.queries WHERE query LIKE concat('%/* ', $1, ' */%') ORDER BY id",
        "params": [mark],
    });
    client.post_sql(&query).await.expect(200).items()
}

#[tokio::test]
async fn system_queries_tells_who_asked_what_and_how_it_went() {
    let (_service, client) = shared().await;
    let ask = async |query: &str, limit: u64| {
        let query = format!("{query} /* told */");
        client
            .post_sql(&json!({"query": query, "limit": limit, "params": ["secret value"]}))
            .await
            .status
    };
    assert_eq!(
        ask("SELECT event_id FROM events WHERE event_id <> $1", 17).await,
        200
    );
    assert_eq!(
        ask("SELECT no_such_column FROM events WHERE event_id <> $1", 5).await,
        400
    );
    let told = told(&client, "told").await;
    let seen: Vec<(&str, u64, bool)> = told
        .iter()
        .map(|row| {
            (
                row["state"].as_str().unwrap(),
                row["rows"].as_u64().unwrap(),
                row["error"].is_string(),
            )
        })
        .collect();
    assert_eq!(seen, [("finished", 17, false), ("failed", 0, true)]);
    for row in &told {
        assert_eq!(
            (row["door"].as_str(), row["by"].as_str()),
            (Some("http"), Some("anonymous"))
        );
        assert!(
            row["started_at"].is_string() && row["elapsed_ms"].is_u64(),
            "{row}"
        );
        assert!(!row.to_string().contains("secret value"), "{row}");
    }
    // With parameters, an error is kept by its kind: its text may have their values.
    let error = told[1]["error"].as_str().unwrap();
    assert!(error.starts_with("invalid_query"), "{error}");
    // It sees itself run.
    let own = client
        .sql("SELECT state FROM system.queries WHERE query LIKE '%/* itself */%'")
        .await;
    assert_eq!(own, [json!({"state": "running"})]);
}

#[tokio::test]
async fn the_other_system_tables_tell_what_is() {
    let (_service, client) = shared().await;
    let files = client.sql("SELECT * FROM system.data_files").await;
    assert!(files.len() >= 4, "{files:?}");
    for file in &files {
        let path = demo()
            .join(file["table"].as_str().unwrap())
            .join(file["path"].as_str().unwrap());
        let size = std::fs::metadata(&path).unwrap().len();
        assert_eq!(file["size_bytes"], json!(size), "{file}");
    }
    for table in ["events", "activities", "ingested_objects", "inventory"] {
        let counts = client
            .sql(&format!(
                "SELECT (SELECT sum(records) FROM system.data_files WHERE \"table\" = '{table}') AS said, (SELECT count(*) FROM {table}) AS is"
            ))
            .await;
        assert_eq!(counts[0]["said"], counts[0]["is"], "{table}");
    }
    for table in ["ingested_objects", "rejects"] {
        let counts = client
            .sql(&format!("SELECT (SELECT count(*) FROM system.{table}) AS a, (SELECT count(*) FROM {table}) AS b"))
            .await;
        assert_eq!(counts[0]["a"], counts[0]["b"]);
    }
    let functions = client.sql("SELECT * FROM system.functions").await;
    let names: Vec<&str> = functions
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in [
        "role_name",
        "is_denied",
        "json_get_str",
        "service_account_name",
        "user_agent_program",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    for row in &functions {
        assert!(
            row["usage"]
                .as_str()
                .unwrap()
                .starts_with(row["name"].as_str().unwrap())
        );
        assert!(row["doc"].as_str().unwrap().ends_with('.'), "{row}");
    }
    let functions = client
        .sql(
            "SELECT role_name('arn:aws:iam::111122223333:role/a/b/name') AS role, is_denied('AccessDenied') AS denied, \
             service_account_name('system:serviceaccount:ns:sa') AS sa, service_account_namespace('system:serviceaccount:ns:sa') AS ns",
        )
        .await;
    assert_eq!(
        functions,
        [json!({"role": "name", "denied": true, "sa": "sa", "ns": "ns"})]
    );
}

/// Waits until a statement with this mark has ended, and gives its state.
async fn state(client: &Client, mark: &str) -> String {
    eventually(mark, || async {
        let rows = told(client, mark).await;
        let state = rows.last()?["state"].as_str()?.to_owned();
        (state != "running").then_some(state)
    })
    .await
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_statement() {
    let (_service, client) = shared().await;
    let query = "SELECT a.*, b.event_id AS other FROM events a CROSS JOIN events b /* streams */";
    let mut response = client
        .statement(&json!({"query": query, "limit": 1_000_000}))
        .header(ACCEPT, NDJSON)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let first = response.chunk().await.unwrap().unwrap();
    assert!(!first.is_empty());
    assert_eq!(told(&client, "streams").await[0]["state"], "running");
    drop(response);
    assert_eq!(state(&client, "streams").await, "cancelled");
    // One that has no row yet.
    let asked = client.statement(&json!({"query": "SELECT count(*) AS n FROM generate_series(1, 1000000000000) /* counts */"}));
    let asking = tokio::spawn(asked.send());
    eventually("a statement that runs", || async {
        let rows = told(&client, "counts").await;
        (rows.first()?["state"] == "running").then_some(())
    })
    .await;
    asking.abort();
    assert!(asking.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(state(&client, "counts").await, "cancelled");
}

/// Demands a refusal, or a body that is cut off: never a short answer that looks whole.
async fn assert_ended(client: &Client, body: &Value, accept: &str, status: u16) {
    let request = client.statement(body).header(ACCEPT, accept);
    match Client::try_send(request).await {
        Ok(answer) => {
            answer.problem(status);
        }
        Err(error) => assert!(
            error.is_body() || error.is_decode() || error.is_request(),
            "{error:?}"
        ),
    }
}

#[tokio::test]
async fn limits_end_statements_and_say_so() {
    let arguments = [
        "--sql-time",
        "2s",
        "--sql-rows",
        "1000",
        "--sql-memory-mib",
        "16",
        "--spill-mib",
        "1",
        "--sql-concurrent",
        "2",
    ];
    let service = Service::start(&demo(), &arguments).await;
    let client = service.client();
    for (mark, query) in [
        (
            "slow",
            "SELECT count(*) AS n FROM generate_series(1, 1000000000000) /* slow */",
        ),
        (
            "deep",
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) AS n FROM t /* deep */",
        ),
        (
            "sums",
            "SELECT sum(length(concat(a.event_id, b.event_id, c.event_id))) AS n FROM events a, events b, events c /* sums */",
        ),
    ] {
        assert_ended(&client, &json!({"query": query}), "application/json", 504).await;
        assert_eq!(state(&client, mark).await, "failed");
        let error = told(&client, mark).await[0]["error"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(error.contains("longer than 2 s"), "{error}");
    }
    for (mark, query) in [
        (
            "sorts",
            "SELECT a.event_id AS n FROM events a, events b ORDER BY a.user_agent, b.event_id, n LIMIT 100000 /* sorts */",
        ),
        (
            "groups",
            "SELECT count(*) AS n FROM (SELECT DISTINCT a.event_id AS x, b.event_id AS y FROM events a, events b) /* groups */",
        ),
        (
            "lists",
            "SELECT array_length(array_agg(concat(a.user_agent, b.event_id))) AS n FROM events a, events b /* lists */",
        ),
    ] {
        assert_ended(&client, &json!({"query": query}), "application/json", 422).await;
        assert_eq!(state(&client, mark).await, "failed");
        let error = told(&client, mark).await[0]["error"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(error.contains("more than it may use"), "{error}");
    }
    let all = json!({"query": "SELECT event_id FROM events /* all */"});
    for accept in [NDJSON, CSV, ARROW] {
        assert_ended(&client, &all, accept, 422).await;
    }
    let answer = client
        .post_sql(&json!({"query": "SELECT event_id FROM events", "limit": 5_000}))
        .await
        .expect(200);
    assert_eq!(
        (answer.items().len(), &answer.json()["truncated"]),
        (1_000, &json!(true))
    );
    // Others were not harmed.
    assert_eq!(client.sql("SELECT 1 AS n").await, [json!({"n": 1})]);
    client.get("/api/v1/workloads").await.expect(200);
}

#[tokio::test]
async fn clients_that_read_slowly_hold_up_nobody() {
    let service = Service::start(&demo(), &["--sql-concurrent", "2"]).await;
    let client = service.client();
    let query = "SELECT a.*, b.event_id AS other FROM events a CROSS JOIN events b";
    let mut slow = Vec::new();
    // As many as may work, and as many as may wait for their readers beside those.
    for _ in 0..4 {
        let mut response = client
            .statement(&json!({"query": query, "limit": 1_000_000}))
            .header(ACCEPT, NDJSON)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        response.chunk().await.unwrap().unwrap();
        slow.push(response);
    }
    assert_eq!(client.sql("SELECT 1 AS n").await, [json!({"n": 1})]);
    let ended = client
        .sql("SELECT error FROM system.queries WHERE state = 'failed'")
        .await;
    for row in ended {
        let error = row["error"].as_str().unwrap();
        assert!(error.contains("too slowly"), "{error}");
    }
}

#[tokio::test]
async fn what_a_killed_service_leaves_the_next_removes() {
    let place = tempfile::tempdir().unwrap();
    let arguments = ["--spill-folder", place.path().to_str().unwrap()];
    let folders = || -> Vec<_> {
        let entries = std::fs::read_dir(place.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    let killed = Service::start(&demo(), &arguments).await;
    let left = folders();
    assert_eq!(left.len(), 1, "{left:?}");
    drop(killed);
    assert_eq!(folders(), left);
    let service = Service::start(&demo(), &arguments).await;
    let own = folders();
    assert_eq!(own.len(), 1, "{own:?}");
    assert_ne!(own, left);
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(folders().is_empty(), "{:?}", folders());
}

#[tokio::test]
async fn statements_have_a_line_of_audit_and_nothing_secret_is_logged() {
    let service = Service::started(
        &demo(),
        &["--log-format", "json"],
        &[("PODTRAIL_LOG", "info")],
    );
    let client = service.client();
    service.ready(&client).await;
    let bearing = client.bearing("podtrail-token-secret-1");
    let body = json!({"query": "SELECT count(*) AS n FROM events WHERE event_name <> $1 /* audited */", "params": ["value-secret-2"]});
    bearing.post_sql(&body).await.expect(200);
    bearing.post_sql(&json!({"query": "SELECT nothing FROM events /* audited */", "params": ["value-secret-3"]})).await.problem(400);
    // The engine's errors quote the values that they are about.
    for query in [
        "SELECT CAST($1 AS INT) AS n",
        "SELECT to_timestamp($1) AS n",
        "SELECT count(*) AS n FROM events WHERE event_time > $1",
        "SELECT count(*) AS n FROM events WHERE regexp_like(event_id, $1)",
    ] {
        let query = format!("{query} /* audited */");
        let body = json!({"query": query, "params": ["(value-secret-9"]});
        for accept in ["application/json", NDJSON] {
            let request = bearing.statement(&body).header(ACCEPT, accept);
            let answer = Client::send(request).await;
            assert!(answer.status >= 400, "{query}: {}", answer.text());
        }
    }
    let told = client
        .sql("SELECT error FROM system.queries WHERE error IS NOT NULL")
        .await;
    assert!(told.len() >= 9, "{told:?}");
    assert!(!json!(told).to_string().contains("-secret-"), "{told:?}");
    let long = format!("SELECT 1 /* audited */ -- {}", "x".repeat(256 << 10));
    bearing.post_sql(&json!({"query": long})).await.problem(400);
    bearing
        .get("/api/v1/events?cluster=query-secret-4&limit=1")
        .await
        .expect(200);
    bearing
        .get("/api/v1/events?nonsense=query-secret-5")
        .await
        .problem(400);
    bearing
        .get("/api/v1/explain/path-secret-6")
        .await
        .problem(404);
    bearing.get("/api/path-secret-7").await.problem(404);
    let cookie = client
        .request("GET", "/api/v1/coverage")
        .header("cookie", "session=cookie-secret-8");
    Client::send(cookie).await.expect(200);
    let named = client
        .request("GET", "/healthz")
        .header("x-request-id", "the-last-one");
    Client::send(named).await.expect(200);
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0));
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let audit: Vec<&Value> = lines
        .iter()
        .filter(|line| line["target"] == "podtrail::audit")
        .filter(|line| line.to_string().contains("/* audited */"))
        .collect();
    assert_eq!(audit.len(), 11, "{audit:?}");
    let failed = std::iter::repeat_n(("failed", 0), 10);
    let outcomes = std::iter::once(("finished", 1)).chain(failed);
    for (line, (state, rows)) in audit.iter().zip(outcomes) {
        let fields = &line["fields"];
        assert_eq!(fields["state"], state);
        assert_eq!(fields["rows"], rows);
        assert_eq!(
            (fields["by"].as_str(), fields["door"].as_str()),
            (Some("anonymous"), Some("http"))
        );
        assert!(
            fields["query"].as_str().unwrap().contains("/* audited */"),
            "{fields}"
        );
    }
    assert!(
        lines
            .iter()
            .any(|line| line.to_string().contains("the-last-one")),
        "requests are logged"
    );
    assert!(!log.contains("-secret-"), "{log}");
}
