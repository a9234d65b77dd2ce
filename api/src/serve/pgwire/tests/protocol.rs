use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use tokio_postgres::types::Type;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_simple_protocol_answers_in_text() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let rows = texts(
        &client,
        "SELECT 7 AS number, 'it''s' AS text, NULL AS nothing, true AS flag, 1.5 AS real, \
         TIMESTAMP '2026-05-01 10:00:00.25' AS time; ; SELECT 2",
    )
    .await;
    let expected = [
        Some("7"),
        Some("it's"),
        None,
        Some("t"),
        Some("1.5"),
        Some("2026-05-01 10:00:00.250000"),
    ];
    assert_eq!(rows[0], expected.map(|value| value.map(str::to_owned)));
    assert_eq!(rows[1], [Some("2".to_owned())]);
    assert!(texts(&client, "").await.is_empty());
    assert!(value(&client, "EXPLAIN SELECT 1").await.is_some());
    assert!(!texts(&client, "DESCRIBE events").await.is_empty());
    assert!(!texts(&client, "SHOW TABLES").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_extended_protocol_answers_in_binary() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let row = client
        .query_one(
            "SELECT CAST(1 AS SMALLINT), CAST(2 AS INT), CAST(3 AS BIGINT), CAST(1.5 AS DOUBLE), 'text', \
             CAST(NULL AS VARCHAR), false, DATE '2026-05-01', TIMESTAMP '2026-05-01 10:00:00', \
             CAST('2026-05-01T10:00:00.000001Z' AS TIMESTAMP WITH TIME ZONE), make_array('a', NULL)",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i16>(0), 1);
    assert_eq!(row.get::<_, i32>(1), 2);
    assert_eq!(row.get::<_, i64>(2), 3);
    assert!((row.get::<_, f64>(3) - 1.5).abs() < f64::EPSILON);
    assert_eq!(row.get::<_, &str>(4), "text");
    assert_eq!(row.get::<_, Option<&str>>(5), None);
    assert!(!row.get::<_, bool>(6));
    let date = NaiveDate::from_ymd_opt(2026, 5, 1).unwrap();
    assert_eq!(row.get::<_, NaiveDate>(7), date);
    let time = date.and_hms_opt(10, 0, 0).unwrap();
    assert_eq!(row.get::<_, chrono::NaiveDateTime>(8), time);
    let time = time + chrono::TimeDelta::microseconds(1);
    assert_eq!(row.get::<_, DateTime<Utc>>(9), time.and_utc());
    assert_eq!(row.get::<_, Vec<Option<&str>>>(10), [Some("a"), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_have_inferred_or_declared_types() {
    let stage = Stage::new().await;
    stage.ingest(&[record("one"), record("two")]).await;
    let client = stage.connect().await;
    let count =
        "SELECT count(*) FROM events WHERE event_name = $1 AND event_time >= $2 AND event_id <> $3";
    let begin: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let row = client
        .query_one(count, &[&"GetObject", &begin, &"two"])
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    let row = client.query_one("SELECT upper($1), $2, $1", &[&"a", &None::<&str>]);
    let row = row.await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "A");
    assert_eq!(row.get::<_, Option<&str>>(1), None);
    let row = client
        .query_one(
            "SELECT $1::bigint + 1, $2::date",
            &[&41_i64, &begin.date_naive()],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 42);
    assert_eq!(row.get::<_, NaiveDate>(1), begin.date_naive());
    let typed: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 4] = [
        (&7_i16, Type::INT2),
        (&0.5_f64, Type::FLOAT8),
        (&"x", Type::TEXT),
        (&begin, Type::TIMESTAMPTZ),
    ];
    let rows = client.query_typed("SELECT $1 * 2, $2 + 1, concat($3, 'y'), $4", &typed);
    let row = rows.await.unwrap().remove(0);
    assert_eq!(row.get::<_, i64>(0), 14);
    assert!((row.get::<_, f64>(1) - 1.5).abs() < f64::EPSILON);
    assert_eq!(row.get::<_, &str>(2), "xy");
    assert_eq!(row.get::<_, DateTime<Utc>>(3), begin);
    let rows = client.query(
        "SELECT event_id FROM events ORDER BY event_id LIMIT $1",
        &[&1_i64],
    );
    assert_eq!(rows.await.unwrap().len(), 1);
    let rows = client
        .query(
            "SELECT event_id FROM events WHERE event_id = ANY($1) OFFSET $2",
            &[&vec!["two", "three"], &0_i64],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(code(client.query("SELECT $2000", &[]).await), "42601");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_more_than_read_is_refused_in_both_protocols() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let cases = [
        ("CREATE TABLE t AS SELECT 1", "25006"),
        ("SELECT 1 AS a INTO t", "25006"),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "42601",
        ),
        ("DROP VIEW attribution", "25006"),
        ("INSERT INTO events SELECT * FROM events", "25006"),
        ("DELETE FROM events", "25006"),
        ("COPY (SELECT 1) TO '/tmp/pgwire-copy'", "25006"),
        ("COPY events FROM STDIN", "25006"),
        ("SET ROLE postgres", "25006"),
        ("SET datafusion.execution.batch_size = 1", "42704"),
        ("EXPLAIN ANALYZE DELETE FROM events", "25006"),
        ("SELECT * FROM '/etc/passwd'", "42P01"),
        ("SELECT * FROM nothing_such", "42P01"),
        ("SELECT nothing_such FROM events", "42703"),
        ("SELECT nothing_such(1)", "42883"),
        ("SELECT 1/0", "22012"),
        (
            "SELECT CAST('x' || role_arn AS INT) FROM (VALUES ('a')) AS r (role_arn)",
            "22P02",
        ),
        ("SELEC 1", "42601"),
    ];
    for (sql, expected) in cases {
        assert_eq!(code(client.simple_query(sql).await), expected, "{sql}");
        assert_eq!(code(client.query(sql, &[]).await), expected, "{sql}");
    }
    assert_eq!(code(client.prepare("SELECT 1; SELECT 2").await), "42601");
    assert_eq!(value(&client, "SELECT 1").await.as_deref(), Some("1"));
    assert!(!Path::new("/tmp/pgwire-copy").exists());
    let state = stage.snapshots.current().context().state();
    assert_ne!(state.config().batch_size(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_a_connections_own() {
    let stage = Stage::new().await;
    let (client, other) = (stage.connect().await, stage.connect().await);
    client
        .batch_execute(
            "SET application_name = 'mine'; SET TIME ZONE 'UTC'; SET extra_float_digits = 3",
        )
        .await
        .unwrap();
    assert_eq!(
        value(&client, "SHOW application_name").await.as_deref(),
        Some("mine")
    );
    assert_eq!(
        value(&other, "SHOW application_name").await.as_deref(),
        Some("")
    );
    let row = client
        .query_one("SHOW transaction_isolation", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "read committed");
    assert!(texts(&client, "SHOW ALL").await.len() > 10);
    assert_eq!(
        code(client.simple_query("SET TimeZone = 'Europe/Berlin'").await),
        "22023"
    );
    assert_eq!(
        code(client.simple_query("SHOW nothing_such").await),
        "42704"
    );
    client.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(
        value(&client, "SHOW application_name").await.as_deref(),
        Some("")
    );
    let client = stage
        .try_connect("options='-c statement_timeout=7s'")
        .await
        .unwrap();
    assert_eq!(
        value(&client, "SHOW statement_timeout").await.as_deref(),
        Some("7s")
    );
    let zone = stage.snapshots.current().context().state();
    assert_eq!(
        zone.config().options().execution.time_zone.as_deref(),
        Some("+00:00")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_failed_must_end() {
    let stage = Stage::new().await;
    let mut client = stage.connect().await;
    let mut transaction = client.transaction().await.unwrap();
    assert_eq!(
        code(transaction.query("SELECT nothing", &[]).await),
        "42703"
    );
    assert_eq!(code(transaction.query("SELECT 1", &[]).await), "25P02");
    transaction
        .batch_execute("ROLLBACK TO SAVEPOINT any")
        .await
        .unwrap();
    let inner = transaction.savepoint("inner").await.unwrap();
    assert_eq!(inner.query("SELECT 1", &[]).await.unwrap().len(), 1);
    inner.commit().await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(client.query("SELECT 1", &[]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_reads_the_snapshot_in_service() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let sql = "SELECT count(*) FROM events WHERE event_name = $1";
    let statement = client.prepare(sql).await.unwrap();
    let count = || async {
        let row = client.query_one(&statement, &[&"GetObject"]).await.unwrap();
        row.get::<_, i64>(0)
    };
    assert_eq!(count().await, 0);
    let before = Arc::downgrade(&stage.snapshots.current());
    stage.ingest(&[record("one")]).await;
    assert_eq!(count().await, 1);
    assert!(before.upgrade().is_none(), "the old snapshot is kept");
    stage.ingest(&[record("one"), record("two")]).await;
    assert_eq!(count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_pieces() {
    let stage = Stage::new().await;
    let mut client = stage.connect().await;
    let sql = "SELECT value, 'row ' || value AS text FROM generate_series(1, 1000)";
    let none: [&str; 0] = [];
    let rows = client.query_raw(sql, none).await.unwrap();
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    assert_eq!(rows.len(), 1000);
    assert_eq!(rows[999].get::<_, i64>(0), 1000);
    assert_eq!(rows[999].get::<_, &str>(1), "row 1000");
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(sql, &[]).await.unwrap();
    let mut pieces = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 300).await.unwrap();
        if rows.is_empty() {
            break;
        }
        pieces.push((rows.len(), rows[0].get::<_, i64>(0)));
    }
    assert_eq!(pieces, [(300, 1), (300, 301), (300, 601), (100, 901)]);
    stage.running(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_forgotten_when_a_client_says_so() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let statement = client.prepare("SELECT 1").await.unwrap();
    client.batch_execute("DEALLOCATE ALL").await.unwrap();
    assert_eq!(code(client.query(&statement, &[]).await), "26000");
    assert_eq!(
        code(client.simple_query("DEALLOCATE nothing_such").await),
        "26000"
    );
}
