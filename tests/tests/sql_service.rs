//! SQL over HTTP: parameters, forms, what is refused, limits, what is told of statements.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use podtrail_tests::forms::{ARROW, CSV, NDJSON, arrow, csv, ndjson};
use podtrail_tests::service::{Answer, Client, OwnStore, Service, Shared};
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

static SHARED: Shared = Shared::new();

async fn shared() -> (Arc<Service>, Client) {
    let service = SHARED.get(&[]).await;
    let client = service.client();
    (service, client)
}

async fn ask(client: &Client, body: Value, accept: &str) -> Answer {
    Client::send(client.statement(&body).header(ACCEPT, accept)).await
}

/// Every file below a folder, with its size and time.
fn files(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().to_str().unwrap().to_owned();
                found.insert(name, (meta.len(), meta.modified().unwrap()));
            }
        }
    }
    found
}

#[tokio::test]
async fn parameters_fill_placeholders_by_place_and_by_name() {
    let (_service, client) = shared().await;
    for (query, params, row) in [
        (
            "SELECT $1 AS a, $2 AS b, $1 AS c",
            json!([1, "x"]),
            json!({"a": 1, "b": "x", "c": 1}),
        ),
        (
            "SELECT $n AS n, $t AS t",
            json!({"n": 1.5, "t": true}),
            json!({"n": 1.5, "t": true}),
        ),
        ("SELECT $1 AS a", json!([null]), json!({"a": null})),
        (
            "SELECT $1 AS a",
            json!(["'; DROP TABLE events; --"]),
            json!({"a": "'; DROP TABLE events; --"}),
        ),
        (
            "SELECT count(*) AS n FROM events WHERE event_time < $1 AND event_name LIKE $2",
            json!(["2026-05-01T12:00:00Z", "%"]),
            json!({"n": 0}),
        ),
    ] {
        let answer = client
            .post_sql(&json!({"query": query, "params": params}))
            .await
            .expect(200);
        assert_eq!(answer.items(), [row], "{query}");
    }
    for (query, params) in [
        ("SELECT $1 AS a", json!([])),
        ("SELECT $1 AS a", Value::Null),
        ("SELECT $a AS a", json!({"b": 1})),
        ("SELECT $1 AS a", json!([[1]])),
        ("SELECT $1 AS a", json!([{"x": 1}])),
        ("SELECT $1 AS a", json!("x")),
        ("SELECT event_id FROM $1", json!(["events"])),
    ] {
        let answer = client
            .post_sql(&json!({"query": query, "params": params}))
            .await;
        assert_eq!(answer.status, 400, "{query} {params}: {}", answer.text());
        answer.problem(400);
    }
}

#[tokio::test]
async fn every_form_holds_the_same_rows() {
    let (_service, client) = shared().await;
    let query = "SELECT event_id, event_time, error_code, read_only, 1.5 AS half, event_date, \
                 json_object_keys(request_parameters) AS keys FROM events ORDER BY event_id LIMIT 3000";
    let body = json!({"query": query, "limit": 5000});
    let answer = ask(&client, body.clone(), "application/json")
        .await
        .expect(200);
    let rows = answer.items();
    assert_eq!(rows.len(), 3000);
    let told = answer.json();
    assert_eq!(told["truncated"], false);
    assert_eq!(
        told["columns"][1],
        json!({"name": "event_time", "type": "Timestamp(µs, \"UTC\")"})
    );
    assert!(told["snapshot"]["events"].is_u64() && told["elapsed_ms"].is_u64());
    assert_eq!(ndjson(&ask(&client, body.clone(), NDJSON).await.body), rows);
    assert_eq!(arrow(&ask(&client, body.clone(), ARROW).await.body), rows);
    let answer = ask(&client, body, CSV).await;
    assert!(answer.header("x-podtrail-elapsed-ms").is_some());
    // It is of now, whatever is asked again.
    assert_eq!(answer.header("etag"), None);
    let table = csv(&answer.text());
    assert_eq!(
        table[0],
        [
            "event_id",
            "event_time",
            "error_code",
            "read_only",
            "half",
            "event_date",
            "keys"
        ]
    );
    assert_eq!(table.len(), 3001);
    for (line, row) in table[1..].iter().zip(&rows) {
        assert_eq!(line[0], row["event_id"].as_str().unwrap());
        assert_eq!(line[1], row["event_time"].as_str().unwrap());
    }
    // No rows are an answer in every form as well.
    let none = json!({"query": "SELECT event_id FROM events WHERE false"});
    assert!(
        ask(&client, none.clone(), "application/json")
            .await
            .expect(200)
            .items()
            .is_empty()
    );
    assert!(
        ask(&client, none.clone(), NDJSON)
            .await
            .expect(200)
            .body
            .is_empty()
    );
    assert_eq!(
        ask(&client, none.clone(), CSV).await.expect(200).text(),
        "event_id\n"
    );
    assert!(arrow(&ask(&client, none, ARROW).await.expect(200).body).is_empty());
}

#[tokio::test]
async fn limits_of_rows_are_told() {
    let (_service, client) = shared().await;
    let query = "SELECT event_id FROM events";
    for (limit, rows, truncated) in [
        (1, 1, true),
        (6_000, 6_000, true),
        (1_000_000, 6_584, false),
        (6_584, 6_584, false),
    ] {
        let answer = client
            .post_sql(&json!({"query": query, "limit": limit}))
            .await
            .expect(200);
        assert_eq!(answer.items().len(), rows, "limit {limit}");
        assert_eq!(answer.json()["truncated"], truncated, "limit {limit}");
    }
    let crossed = "SELECT a.event_id FROM events a CROSS JOIN events b";
    let answer = client
        .post_sql(&json!({"query": crossed}))
        .await
        .expect(200);
    assert_eq!(answer.items().len(), 10_000);
    assert_eq!(answer.json()["truncated"], true);
    client
        .post_sql(&json!({"query": query, "limit": 0}))
        .await
        .problem(400);
}

#[tokio::test]
async fn errors_of_the_statement_are_the_clients() {
    let (_service, client) = shared().await;
    let long = format!("SELECT 1 -- {}", "x".repeat(256 << 10));
    for query in [
        "",
        "--",
        "SELEC 1",
        "SELECT * FROM no_such_table",
        "SELECT no_such_column FROM events",
        "SELECT no_such_function(1)",
        "SELECT 1 AS a, 2 AS a",
        "SELECT CAST('x' AS INT) AS n",
        "SELECT event_id FROM events WHERE event_id",
        "SELECT 'x",
        &long,
    ] {
        let answer = client.post_sql(&json!({"query": query})).await;
        assert_eq!(
            answer.status,
            400,
            "{}: {}",
            &query[..query.len().min(80)],
            answer.text()
        );
        let problem = answer.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.is_empty() && !detail.contains(".rs:"), "{detail}");
    }
}

/// What has to be refused: it changes something, or reaches beyond the catalog.
const FORBIDDEN: &[&str] = &[
    "CREATE TABLE x AS SELECT 1",
    "CREATE TABLE x (a INT)",
    "CREATE OR REPLACE TABLE events AS SELECT 1",
    "CREATE VIEW x AS SELECT 1",
    "CREATE SCHEMA x",
    "CREATE DATABASE x",
    "CREATE FUNCTION f(INT) RETURNS INT RETURN $1",
    "CREATE INDEX i ON events (event_id)",
    "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE UNBOUNDED EXTERNAL TABLE x STORED AS PARQUET LOCATION 's3://bucket/x/'",
    "DROP TABLE events",
    "DROP TABLE IF EXISTS events",
    "DROP VIEW attribution",
    "DROP SCHEMA system CASCADE",
    "DROP FUNCTION role_name",
    "ALTER TABLE events ADD COLUMN x INT",
    "ALTER TABLE events RENAME TO x",
    "ALTER VIEW attribution AS SELECT 1",
    "INSERT INTO events SELECT * FROM events",
    "INSERT INTO rejects VALUES (1)",
    "INSERT OVERWRITE events SELECT * FROM events",
    "UPDATE events SET event_name = 'x'",
    "DELETE FROM events",
    "MERGE INTO events USING events e ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE events",
    "COPY events TO '{folder}/x.csv'",
    "COPY (SELECT 1) TO '{folder}/x.parquet' STORED AS PARQUET",
    "COPY events FROM '/etc/passwd'",
    "SET datafusion.execution.batch_size = 1",
    "SET TIME ZONE 'UTC'",
    "RESET datafusion.execution.batch_size",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "EXPLAIN INSERT INTO events SELECT * FROM events",
    "EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events",
    "EXPLAIN ANALYZE VERBOSE DELETE FROM events",
    "EXPLAIN CREATE TABLE x AS SELECT 1",
    "EXPLAIN DROP TABLE events",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/x.csv'",
    "EXPLAIN SET datafusion.execution.batch_size = 1",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM '{folder}/store/events'",
    "SELECT * FROM 'file.csv'",
    "SELECT * FROM 's3://bucket/file.parquet'",
    "SELECT * FROM \"s3://bucket/file.parquet\"",
    "SELECT * FROM 'https://example.com/x.csv'",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM delta_scan('/etc')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM url('https://example.com/x.csv')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * INTO x FROM events",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE events",
    "DROP TABLE events; SELECT 1",
    "WITH x AS (INSERT INTO events SELECT * FROM events RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x",
    "SELECT (SELECT 1 FROM (INSERT INTO events SELECT * FROM events))",
    "VACUUM",
    "VACUUM events",
    "OPTIMIZE events",
    "ANALYZE events",
    "ANALYZE TABLE events COMPUTE STATISTICS",
    "GRANT SELECT ON events TO x",
    "REVOKE SELECT ON events FROM x",
    "LOCK TABLE events",
    "CALL f()",
    "DO $$ x $$",
    "LISTEN x",
    "LOAD 'x'",
    "KILL 1",
    "USE system",
    "ATTACH DATABASE 'x' AS y",
    "INSTALL x",
    "PRAGMA x",
    "REFRESH MATERIALIZED VIEW x",
];

#[tokio::test]
async fn whatever_does_more_than_read_is_refused_and_changes_nothing() {
    let own = OwnStore::of_demo();
    let service = Service::start(&own.store(), &[]).await;
    let client = service.client();
    let before = files(own.folder());
    let tables = "SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2";
    let known = client.sql(tables).await;
    let folder = own.folder().to_str().unwrap();
    let mut wrong = Vec::new();
    for statement in FORBIDDEN {
        let query = statement.replace("{folder}", folder);
        for query in [
            query.clone(),
            format!("  /* SELECT */ {query} ;"),
            query.to_lowercase(),
        ] {
            let answer = client.post_sql(&json!({"query": query})).await;
            if answer.status != 400 {
                wrong.push(format!("{} {query}", answer.status));
                continue;
            }
            let problem = answer.problem(400);
            assert!(!problem.to_string().contains("root:"), "{problem}");
        }
    }
    assert!(
        wrong.is_empty(),
        "not refused with 400:\n{}",
        wrong.join("\n")
    );
    assert_eq!(files(own.folder()), before, "something was written");
    assert_eq!(client.sql(tables).await, known);
    let size = client.sql("SHOW datafusion.execution.batch_size").await;
    assert_eq!(size[0]["value"], "1024");
    assert_eq!(
        client.sql("SELECT count(*) AS n FROM events").await,
        [json!({"n": 6_584})]
    );
}

#[tokio::test]
async fn what_only_reads_is_allowed() {
    let (_service, client) = shared().await;
    for query in [
        "SELECT 1;",
        "VALUES (1), (2)",
        "EXPLAIN SELECT * FROM attribution",
        "EXPLAIN ANALYZE SELECT count(*) FROM events",
        "DESCRIBE events",
        "SHOW TABLES",
        "SHOW COLUMNS FROM attribution",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) AS s FROM t",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT 1 AS a UNION ALL SELECT 2 EXCEPT SELECT 3",
        "SELECT event_name, row_number() OVER (PARTITION BY event_source ORDER BY event_time) AS n FROM events LIMIT 1",
        "SELECT * FROM events e JOIN attribution a USING (event_id) LIMIT 1",
        "SELECT unnest(json_object_keys(request_parameters)) AS key FROM events LIMIT 1",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM system.queries",
    ] {
        let answer = client.post_sql(&json!({"query": query})).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert!(!answer.items().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn json_columns_are_read_by_functions_and_operators() {
    let (_service, client) = shared().await;
    let rows = client
        .sql(
            "SELECT request_parameters AS json, request_parameters->>'bucketName' AS arrow, \
             json_get_str(request_parameters, 'bucketName') AS str, json_text(request_parameters, 'bucketName') AS own, \
             request_parameters ? 'bucketName' AS has, json_length(request_parameters) AS length, \
             json_object_keys(request_parameters) AS keys \
             FROM events WHERE request_parameters IS NOT NULL ORDER BY event_id LIMIT 2000",
        )
        .await;
    let mut buckets = 0;
    for row in &rows {
        let json: Value = serde_json::from_str(row["json"].as_str().unwrap()).unwrap();
        let bucket = json.get("bucketName").unwrap_or(&Value::Null);
        for name in ["arrow", "str", "own"] {
            assert_eq!(&row[name], bucket, "{name}: {row}");
        }
        assert_eq!(row["has"], json!(json.get("bucketName").is_some()));
        let members = json.as_object().unwrap();
        assert_eq!(row["length"], json!(members.len()));
        assert_eq!(row["keys"].as_array().unwrap().len(), members.len());
        buckets += usize::from(bucket.is_string());
    }
    assert!(buckets > 100, "{buckets}");
    let one = client
        .sql(
            "SELECT json_get_int(j, 'a', 0) AS i, json_get_float(j, 'f') AS f, json_get_bool(j, 'b') AS b, \
             json_get_json(j, 'a') AS j, json_as_text(j, 'f') AS t, json_contains(j, 'x') AS x, json_get_str(j, 'f') AS none, \
             j->'o'->>'p' AS deep FROM (SELECT '{\"a\": [7], \"f\": 1.5, \"b\": true, \"o\": {\"p\": \"q\"}}' AS j)",
        )
        .await;
    let wanted = json!({"i": 7, "f": 1.5, "b": true, "j": "[7]", "t": "1.5", "x": false, "none": null, "deep": "q"});
    assert_eq!(one, [wanted]);
}

#[tokio::test]
async fn a_part_of_a_json_column_comes_whole_in_every_form() {
    let (_service, client) = shared().await;
    let query = "SELECT request_parameters->'filterSet' AS part FROM events WHERE request_parameters ? 'filterSet' LIMIT 3";
    for accept in ["application/json", NDJSON, CSV, ARROW] {
        let answer = ask(&client, json!({"query": query}), accept)
            .await
            .expect(200);
        assert!(!answer.body.is_empty(), "{accept}");
    }
}
