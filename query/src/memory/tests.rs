#![allow(clippy::unwrap_used)]
use super::*;
use arrow::util::display::array_value_to_string;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::collect;
use datafusion::prelude::{SessionConfig, SessionContext};

/// Runs a statement with 64 MiB of memory.
async fn run(sql: &str) -> DfResult<Vec<RecordBatch>> {
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .with_batch_size(1_024);
    let context = SessionContext::new_with_config(config);
    let state = context.state();
    let plan = state.create_logical_plan(sql).await?;
    let plan = within_memory(state.create_physical_plan(&plan).await?)?;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(64 << 20)))
        .build_arc()?;
    let task = TaskContext::from(&state).with_runtime(runtime);
    collect(plan, Arc::new(task)).await
}

async fn assert_refused(sql: &str) {
    let error = run(sql).await.unwrap_err();
    assert!(
        matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
        "{sql}: {error}"
    );
}

#[tokio::test]
async fn windows_that_hold_too_much_are_refused() {
    let rows =
        "(SELECT repeat('x', 1000 + value % 2) AS x, value FROM generate_series(1, 50000)) AS t";
    for window in [
        "SELECT max(n), max(length(x)) FROM (SELECT x, count(*) OVER () AS n FROM {rows}) AS u",
        "SELECT max(n), max(length(x)) FROM (SELECT x, count(*) OVER (PARTITION BY value % 2) AS n FROM {rows}) AS u",
        // What they give is large, not what they get.
        "SELECT max(length(n)) FROM (SELECT max(CASE WHEN value = 7 THEN repeat('y', 100000) ELSE '' END) OVER () AS n FROM generate_series(1, 50000)) AS u",
        "SELECT max(array_length(n)) FROM (SELECT array_agg(value) OVER (ORDER BY value) AS n FROM generate_series(1, 50000)) AS u",
        "SELECT max(length(n)) FROM (SELECT string_agg('y', '') OVER () AS n FROM generate_series(1, 50000)) AS u",
    ] {
        assert_refused(&window.replace("{rows}", rows)).await;
    }
}

#[tokio::test]
async fn windows_that_hold_little_are_answered() {
    for (sql, shown) in [
        (
            "SELECT sum(n) FROM (SELECT count(*) OVER () AS n FROM generate_series(1, 1000)) AS t",
            "1000000",
        ),
        (
            "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY value) AS n FROM generate_series(1, 200000)) AS t",
            "200000",
        ),
        // Many partitions, each of which is small.
        (
            "SELECT max(n) FROM (SELECT sum(value % 3) OVER (PARTITION BY value / 10 ORDER BY value) AS n FROM generate_series(1, 500000)) AS t",
            "11",
        ),
        (
            "SELECT max(array_length(n)) FROM (SELECT array_agg(value) OVER (PARTITION BY value / 10) AS n FROM generate_series(1, 100000)) AS t",
            "10",
        ),
        // All together they have more than the memory: they come out as they go in.
        (
            "SELECT max(n) FROM (SELECT length(x) + row_number() OVER () AS n FROM (SELECT repeat('x', 1000 + value % 2) AS x, value FROM generate_series(1, 100000)) AS t) AS u",
            "101000",
        ),
        (
            "SELECT sum(n) FROM (SELECT lag(value) OVER (ORDER BY value) AS n FROM generate_series(1, 100)) AS t",
            "4950",
        ),
    ] {
        let rows = run(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let value = array_value_to_string(rows[0].column(0), 0).unwrap();
        assert_eq!(value, shown, "{sql}");
    }
}

#[tokio::test]
async fn what_a_window_gives_at_once_comes_in_batches() {
    let rows = run("SELECT value, count(*) OVER () AS n FROM generate_series(1, 5000)")
        .await
        .unwrap();
    assert!(rows.iter().all(|batch| batch.num_rows() <= 1_024));
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 5_000);
}

#[tokio::test]
async fn wide_rows_are_not_copied_for_each_element_of_long_lists() {
    let sql = |bytes: usize, elements: usize| {
        format!(
            "SELECT count(v), max(length(s)) FROM (SELECT repeat('x', {bytes} + value) AS s, unnest(range(0, {elements})) AS v FROM generate_series(1, 2)) AS t"
        )
    };
    assert_refused(&sql(20_000, 100_000)).await;
    for (bytes, elements) in [(20_000, 100), (10, 100_000)] {
        let rows = run(&sql(bytes, elements)).await.unwrap();
        let count = array_value_to_string(rows[0].column(0), 0).unwrap();
        assert_eq!(count, (2 * elements).to_string());
    }
}

#[tokio::test]
async fn very_wide_rows_are_not_joined_with_all_others() {
    assert_refused(
        "SELECT max(length(a.s) + b.value) FROM (SELECT string_agg(repeat('x', 100), '') AS s FROM generate_series(1, 20000)) AS a, generate_series(1, 10) AS b(value)",
    )
    .await;
}

#[tokio::test]
async fn joins_without_equal_columns_do_not_begin_again() {
    let rows = "(SELECT repeat('x', 2000 + value % 2) AS x, value FROM generate_series(1, 50000))";
    for join in ["JOIN", "LEFT JOIN"] {
        assert_refused(&format!(
            "SELECT count(*) FROM {rows} AS a {join} {rows} AS b ON a.x < b.x"
        ))
        .await;
    }
}
