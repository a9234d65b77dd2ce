#![allow(clippy::unwrap_used)]
mod slow;

use super::*;
use crate::engine::{Engine, Limits};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::FutureExt;
use podtrail_ingest::store::Store;

/// A store without events: what these tests ask is made by the statements themselves.
async fn session(folder: &tempfile::TempDir) -> (Engine, Arc<Session>) {
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(2)).unwrap();
    let session = engine.session().await.unwrap();
    (engine, Arc::new(session))
}

fn executor(engine: &Engine, bounds: Bounds) -> Executor {
    let queries = Arc::clone(engine.queries());
    Executor::new(Handle::current(), bounds, Some(queries), Utc::now)
}

/// Rows without end, as far as anybody waits for them.
const ENDLESS: &str =
    "SELECT a.value FROM generate_series(1, 100000) a CROSS JOIN generate_series(1, 100000) b";

fn states(engine: &Engine) -> Vec<&'static str> {
    engine
        .queries()
        .rows()
        .iter()
        .map(|row| row.state)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_gives_its_rows_and_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let executor = executor(&engine, Bounds::default());
    let statement = Statement {
        parameters: Some(ParamValues::List(vec![
            datafusion::common::ScalarValue::Int64(Some(3)).into(),
        ])),
        by: "alice".to_owned(),
        door: "http",
        ..Statement::new("SELECT value FROM generate_series(1, 5) WHERE value > $1")
    };
    let rows = executor
        .run(&session, statement)
        .await
        .unwrap()
        .all()
        .await
        .unwrap();
    let values: Vec<i64> = rows
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(values, [4, 5]);
    let row = &engine.queries().rows()[0];
    assert_eq!(
        (row.by.as_str(), row.state, row.rows),
        ("alice", "finished", 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_reading_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let executor = executor(&engine, Bounds::default());
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE events",
        "DROP VIEW attribution",
        "INSERT INTO events SELECT * FROM events",
        "DELETE FROM events",
        "UPDATE events SET event_name = 'x'",
        "TRUNCATE events",
        "COPY events TO '/tmp/podtrail-test.parquet'",
        "COPY (SELECT 1) TO '/tmp/podtrail-test.csv'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "BEGIN",
        "COMMIT",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "EXPLAIN INSERT INTO events SELECT * FROM events",
        "EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events",
        "EXPLAIN CREATE TABLE t AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE events",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM \"s3://bucket/key.parquet\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * INTO t FROM events",
        "not sql",
        "",
    ] {
        match executor.run(&session, Statement::new(sql)).await {
            Err(Error::InvalidQuery(_)) => {}
            other => panic!("{sql}: {other:?}"),
        }
    }
    for sql in [
        "SELECT count(*) FROM events",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n",
        "EXPLAIN SELECT * FROM attribution",
        "EXPLAIN ANALYZE SELECT count(*) FROM events",
        "SHOW TABLES",
        "DESCRIBE events",
        "VALUES (1), (2)",
        "SELECT * FROM system.queries",
    ] {
        let answer = executor.run(&session, Statement::new(sql)).await;
        answer
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .all()
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_end_at_what_was_asked_for_and_fail_at_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        rows: 10,
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    let asked = |most_rows, sql: &str| Statement {
        most_rows,
        ..Statement::new(sql)
    };
    let few = "SELECT value FROM generate_series(1, 7)";
    let many = "SELECT value FROM generate_series(1, 50)";
    for (most, sql, count, truncated) in [
        (Some(3), few, 3, true),
        (Some(7), few, 7, false),
        (Some(100), many, 10, true),
        (None, few, 7, false),
    ] {
        let mut answer = executor.run(&session, asked(most, sql)).await.unwrap();
        let mut rows = 0;
        while let Some(batch) = answer.next().await {
            rows += batch.unwrap().num_rows();
        }
        assert_eq!(
            (rows, answer.is_truncated()),
            (count, truncated),
            "{most:?} {sql}"
        );
    }
    let answer = executor.run(&session, asked(None, many)).await.unwrap();
    assert!(matches!(answer.all().await, Err(Error::LimitExceeded(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_nobody_waits_for_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let executor = executor(
        &engine,
        Bounds {
            concurrent: 1,
            ..Bounds::default()
        },
    );
    let mut answer = executor
        .run(&session, Statement::new(ENDLESS))
        .await
        .unwrap();
    answer.next().await.unwrap().unwrap();
    assert_eq!(executor.running(), 1);
    drop(answer);
    // The only turn is free again: this would wait for it.
    let next = executor
        .run(&session, Statement::new("SELECT 1"))
        .await
        .unwrap();
    next.all().await.unwrap();
    assert_eq!(states(&engine), ["cancelled", "finished"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_ends_a_statement_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        time: Duration::from_millis(100),
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    let endless = "SELECT count(*) FROM (SELECT a.value + b.value FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a.value % 7 = b.value % 7)";
    let answer = executor.run(&session, Statement::new(endless)).await;
    let ended = match answer {
        Ok(answer) => answer.all().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
    // A reader that does not read does not hold it either, and does not see a short answer.
    let mut answer = executor
        .run(&session, Statement::new(ENDLESS))
        .await
        .unwrap();
    while executor.running() > 0 {
        tokio::task::yield_now().await;
    }
    let mut last = None;
    while let Some(batch) = answer.next().await {
        last = Some(batch);
    }
    assert!(matches!(last, Some(Err(Error::TimedOut(_)))));
}

#[test]
fn what_never_waits_is_stopped_too() {
    // As in the service: statements have a runtime of their own, which may be busy to its last thread.
    let service = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(crate::STACK_BYTES)
        .build()
        .unwrap();
    let workers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(crate::STACK_BYTES)
        .enable_all()
        .build()
        .unwrap();
    let handle = workers.handle().clone();
    service.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (_, session) = session(&folder).await;
        let bounds = Bounds {
            time: Duration::from_millis(200),
            ..Bounds::default()
        };
        let executor = Executor::new(handle, bounds, None, Utc::now);
        for condition in ["(x * y) % 7 = 3", "(x * y) % 7 = 9", "x % 3 = y % 3 AND (x * y) % 7 = 9"] {
            let endless = format!(
                "SELECT count(*) FROM generate_series(1, 3000000) a(x), generate_series(1, 3000000) b(y) WHERE {condition}"
            );
            let ended = match executor.run(&session, Statement::new(endless)).await {
                Ok(answer) => answer.all().await.map(drop),
                Err(error) => Err(error),
            };
            assert!(matches!(ended, Err(Error::TimedOut(_))), "{condition}: {ended:?}");
            // Its thread is free again.
            let next = executor.run(&session, Statement::new("SELECT 1")).await.unwrap();
            next.all().await.unwrap();
        }
        // One that came to a thread only after its time.
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        executor.runtime.spawn(async move { wait.recv() });
        let late = executor.run(&session, Statement::new("SELECT count(*) FROM generate_series(1, 3000000)"));
        let let_go = async {
            tokio::time::sleep(bounds.time * 2).await;
            drop(go_on);
        };
        let (late, ()) = tokio::join!(late, let_go);
        let ended = match late {
            Ok(answer) => answer.all().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
        // As deep and as long as a statement may be.
        let deep = format!("SELECT 1{}", " + 1".repeat(MOST_JOINTS_OF_TEST));
        let long = vec!["'x'"; 10_000].join(", ");
        let long = format!("SELECT count(*) FROM events WHERE event_name IN ({long})");
        let bounds = Bounds::default();
        let executor = Executor::new(executor.runtime.clone(), bounds, None, Utc::now);
        for sql in [deep, long] {
            let answer = executor.run(&session, Statement::new(sql)).await.unwrap();
            answer.all().await.unwrap();
        }
    });
    workers.shutdown_background();
}

/// As many operators as fit beside the keyword SELECT.
const MOST_JOINTS_OF_TEST: usize = crate::MOST_JOINTS - 1;

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        memory_bytes: 1 << 20,
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    let large = "SELECT array_agg(value) FROM generate_series(1, 5000000)";
    let ended = match executor.run(&session, Statement::new(large)).await {
        Ok(answer) => answer.all().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(matches!(ended, Err(Error::LimitExceeded(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_wait_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        concurrent: 1,
        waiting: 1,
        patience: Duration::from_mins(10),
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    let first = executor
        .run(&session, Statement::new(ENDLESS))
        .await
        .unwrap();
    let waiting = executor.run(&session, Statement::new("SELECT 1"));
    tokio::pin!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    let refused = executor.run(&session, Statement::new("SELECT 2")).await;
    assert!(matches!(refused, Err(Error::Busy)));
    drop(first);
    waiting.await.unwrap().all().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let executor = executor(&engine, Bounds::default());
    let number = || datafusion::common::ScalarValue::Int64(Some(1)).into();
    let list = |count| ParamValues::List((0..count).map(|_| number()).collect());
    let map = |name: &str| ParamValues::Map([(name.to_owned(), number())].into());
    for (sql, parameters, fits) in [
        ("SELECT $1 + 1", list(1), true),
        ("SELECT $a + 1", map("a"), true),
        ("SELECT 1", list(0), true),
        ("SELECT 1", list(1), false),
        ("SELECT $1 + 1", list(2), false),
        ("SELECT $1 + $2", list(1), false),
        ("SELECT $a + 1", map("b"), false),
    ] {
        let statement = Statement {
            parameters: Some(parameters),
            ..Statement::new(sql)
        };
        let answer = executor.run(&session, statement).await;
        assert_eq!(answer.is_ok(), fits, "{sql}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_get_wrong_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let executor = executor(&engine, Bounds::default());
    for sql in [
        "SELECT 1 / 0",
        "SELECT CAST('x' AS INT)",
        "SELECT * FROM nothing",
        "SELECT nothing FROM events",
        "SELECT value / (value - value) FROM generate_series(1, 3)",
        "SELECT to_timestamp('x')",
        "SELECT $1",
        "SELECT $1 AS a",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT a.n + 1 FROM t a, t b) SELECT count(*) FROM t",
    ] {
        let ended = match executor.run(&session, Statement::new(sql)).await {
            Ok(answer) => answer.all().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(
            matches!(ended, Err(Error::InvalidQuery(_))),
            "{sql}: {ended:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_told_to_who_gave_it_and_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let executor = executor(&engine, Bounds::default());
    let value = "(a-secret-value";
    let with_value = |sql: &str| Statement {
        parameters: Some(ParamValues::List(vec![
            datafusion::common::ScalarValue::Utf8(Some(value.to_owned())).into(),
        ])),
        ..Statement::new(sql)
    };
    let sql = "SELECT CAST($1 AS INT)";
    for sql in [
        sql,
        "SELECT to_timestamp($1)",
        "SELECT regexp_like(CAST(value AS VARCHAR), $1) FROM generate_series(1, 3)",
    ] {
        let ended = match executor.run(&session, with_value(sql)).await {
            Ok(answer) => answer.all().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(ended.is_err(), "{sql}");
    }
    let told = executor.run(&session, with_value(sql)).await.unwrap_err();
    assert!(told.to_string().contains(value), "{told}");
    // Without parameters the text is kept: whoever reads it has the statement as well.
    let plain = Statement::new("SELECT CAST('in the statement' AS INT)");
    executor.run(&session, plain).await.unwrap_err();
    let rows = engine.queries().rows();
    let errors: Vec<&str> = rows.iter().filter_map(|row| row.error.as_deref()).collect();
    assert_eq!(errors.len(), 5, "{errors:?}");
    for error in &errors[..4] {
        assert!(!error.contains("secret"), "{error}");
    }
    assert!(errors[3].starts_with("invalid_query"), "{errors:?}");
    assert!(errors[4].contains("in the statement"), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_noted_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        text_bytes: 100,
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    let long = format!("SELECT '{}'", "x".repeat(100));
    for sql in ["DROP TABLE events", &long] {
        executor
            .run(&session, Statement::new(sql))
            .await
            .unwrap_err();
    }
    let refused = Error::InvalidQuery("no statement at all".to_owned());
    executor.refused(&Statement::new("nonsense"), &refused);
    let fine = executor.run(&session, Statement::new("SELECT 1")).await;
    fine.unwrap().all().await.unwrap();
    let mut running = executor
        .run(&session, Statement::new(ENDLESS))
        .await
        .unwrap();
    running.next().await.unwrap().unwrap();
    // The service ends: nobody waits for what is left of it.
    engine.queries().cut_off();
    drop(running);
    let wanted = ["failed", "failed", "failed", "finished", "cancelled"];
    assert_eq!(states(&engine), wanted);
    let counted: Vec<(&str, u64)> = executor
        .ended()
        .iter()
        .map(|ended| (ended.outcome, ended.count))
        .collect();
    assert_eq!(
        counted,
        [("cancelled", 1), ("finished", 1), ("invalid_query", 3)]
    );
}
