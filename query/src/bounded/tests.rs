#![allow(clippy::unwrap_used)]
use super::*;
use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use std::sync::atomic::{AtomicBool, Ordering};

/// A table of texts: 4 KiB of one letter, and of another.
const LONG: &str =
    "(SELECT repeat('a', 4096) AS a, repeat('b', 4096) AS b FROM generate_series(1, 4)) AS t";

async fn run(sql: &str) -> DfResult<Vec<RecordBatch>> {
    let context = SessionContext::new();
    register(&context)?;
    context.sql(sql).await?.collect().await
}

async fn assert_refused(sql: &str) {
    let error = run(sql).await.unwrap_err();
    assert!(
        matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
        "{sql}: {error}"
    );
}

async fn assert_gives(sql: &str, shown: &str) {
    let rows = run(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let value = array_value_to_string(rows[0].column(0), 0).unwrap();
    assert_eq!(value, shown, "{sql}");
}

#[tokio::test]
async fn what_would_make_too_much_is_refused_before_it_is_made() {
    for sql in [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat('abcdefgh', 100000000))",
        "SELECT lpad('x', 2000000000, 'y')",
        "SELECT rpad('x', 2000000000)",
        "SELECT array_repeat(1, 1000000000)",
        "SELECT list_repeat(1, 1000000000)",
        "SELECT array_resize(make_array(1), 1000000000, 0)",
        "SELECT range(1000000000)",
        "SELECT range(0, 1000000000)",
        "SELECT generate_series(1, 9000000000000000000)",
        "SELECT range(0, -1000000000, -2)",
        "SELECT generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01T00:00:00.9', INTERVAL '1 nanosecond')",
        "SELECT repeat('x', v * 1000000) FROM (VALUES (1), (100)) AS t(v)",
        "SELECT length(replace(replace(repeat('a', 1000), 'a', repeat('b', 1000)), 'b', repeat('c', 1000)))",
        "SELECT length(regexp_replace(repeat('a', 100000), 'a', repeat('b', 10000), 'g'))",
        "SELECT arrays_zip(range(0, v * 4000000), make_array(v), make_array(v)) FROM (VALUES (1)) AS t(v)",
    ] {
        assert_refused(sql).await;
    }
}

#[tokio::test]
async fn what_doubles_again_and_again_is_refused() {
    let (texts, lists) = ("max(length(s))", "max(array_length(s))");
    let text = "SELECT repeat('a', 50 + value % 10) AS s FROM generate_series(1, 1000)";
    let list = "SELECT make_array(value, value) AS s FROM generate_series(1, 1000)";
    for (first, doubled, asked) in [
        (text, "s || s", texts),
        (text, "concat(s, s)", texts),
        (text, "concat_ws('-', s, s)", texts),
        (text, "overlay(s placing s from 1 for 0)", texts),
        (text, "replace(s, 'a', 'aa')", texts),
        (text, "encode(s, 'hex')", texts),
        (list, "s || s", lists),
        (list, "array_concat(s, s)", lists),
    ] {
        let mut query = first.to_owned();
        for _ in 0..20 {
            query = format!("SELECT {doubled} AS s FROM ({query}) AS t");
        }
        assert_refused(&format!("SELECT {asked} FROM ({query}) AS t")).await;
    }
}

#[tokio::test]
async fn what_would_take_too_long_is_refused() {
    for sql in [
        "SELECT levenshtein(a, b) FROM (SELECT replace(a, 'a', 'xxxxxxxx') AS a, replace(b, 'b', 'yyyyyyyy') AS b FROM {LONG}) AS u",
        "SELECT position(repeat('a', 100000) || 'b' IN repeat('a', 200000))",
        "SELECT array_has_all(range(0, 30000), range(0, 30000))",
        "SELECT ltrim(repeat('a', 200000), repeat('b', 20000) || 'a')",
        "SELECT regexp_count(repeat('A', 250000), '.*[^A-Z]|[A-Z]')",
        "SELECT a ~ repeat('(a|b)', 10000) FROM {LONG}",
        "SELECT a !~* concat('(\\w{', '500}){100}') FROM {LONG}",
        "SELECT a SIMILAR TO '(((\\w{50}){50}){50})' FROM {LONG}",
    ] {
        assert_refused(&sql.replace("{LONG}", LONG)).await;
    }
}

#[tokio::test]
async fn what_is_small_is_made_as_before() {
    for (sql, shown) in [
        ("SELECT repeat('ab', 3) AS v", "ababab"),
        ("SELECT lpad('x', 3, 'y') AS v", "yyx"),
        ("SELECT range(3) AS v", "[0, 1, 2]"),
        ("SELECT range(5, 0, -2) AS v", "[5, 3, 1]"),
        ("SELECT generate_series(1, 3) AS v", "[1, 2, 3]"),
        ("SELECT array_repeat('a', 2) AS v", "[a, a]"),
        ("SELECT repeat('x', NULL) AS v", ""),
        (
            "SELECT range(DATE '2026-05-01', DATE '2026-05-03', INTERVAL '1' DAY) AS v",
            "[2026-05-01, 2026-05-02]",
        ),
        (
            "SELECT array_length(generate_series(TIMESTAMP '2026-05-01', TIMESTAMP '2026-05-02', INTERVAL '1 hour')) AS v",
            "25",
        ),
        ("SELECT 'a' || 1 || 'b' AS v", "a1b"),
        ("SELECT [1, 2] || 3 AS v", "[1, 2, 3]"),
        ("SELECT 'a' || NULL AS v", ""),
        ("SELECT replace('a-b', '-', '+') AS v", "a+b"),
        (
            "SELECT regexp_replace('a-b-c', '-', '+', 'g') AS v",
            "a+b+c",
        ),
        ("SELECT position('b' IN 'abc') AS v", "2"),
        ("SELECT levenshtein('kitten', 'sitting') AS v", "3"),
        ("SELECT 'abc' ~ '^a' AS v", "true"),
        ("SELECT 'abc' ~* concat('^', 'A') AS v", "true"),
        ("SELECT 'abc' !~ 'x{2,3}' AS v", "true"),
        ("SELECT 'abc' SIMILAR TO '[a-c]{3}' AS v", "true"),
        (
            "SELECT a ~ 'x{3}' AS v FROM (VALUES (NULL), ('xxx')) AS t(a)",
            "",
        ),
        ("SELECT [1, 2, 3] @> [2] AS v", "true"),
    ] {
        assert_gives(sql, shown).await;
    }
}

#[tokio::test]
async fn names_of_columns_stay_what_they_were() {
    let sql = "SELECT a || b, a ~ 'x{3}', max(a || b) OVER () FROM (VALUES ('x', 'y')) AS t(a, b)";
    let rows = run(sql).await.unwrap();
    let plain = SessionContext::new().sql(sql).await.unwrap();
    let names = |fields: &arrow::datatypes::Fields| -> Vec<String> {
        fields.iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(
        names(rows[0].schema().fields()),
        names(plain.schema().as_arrow().fields())
    );
}

#[tokio::test]
async fn large_calls_are_made_in_portions_and_give_the_same() {
    // 100 rows of 900,000 bytes at worst: more than a portion.
    assert_gives(
        "SELECT sum(length(replace(a, 'ab', b))) FROM (SELECT concat('ab', repeat('-', 2998)) AS a, repeat('b', 600 - value % 2) AS b FROM generate_series(1, 100)) AS t",
        "359750",
    )
    .await;
}

#[tokio::test]
async fn calls_end_with_their_statement() {
    let context = SessionContext::new();
    register(&context).unwrap();
    // Values would be worked out while they are planned.
    let sql = "SELECT concat(value, value) FROM generate_series(1, 3)";
    let plan = context.sql(sql).await.unwrap().into_unoptimized_plan();
    let stop = Arc::new(AtomicBool::new(false));
    let work = Work::of(&plan, 512 << 20, &stop).unwrap();
    let mut state = context.state();
    state.config_mut().options_mut().extensions.insert(work);
    state.mark_start_execution();
    let plan = state.create_physical_plan(&plan).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let ended = datafusion::physical_plan::collect(plan, state.task_ctx()).await;
    assert!(ended.unwrap_err().to_string().contains("stopped"));
}

#[tokio::test]
async fn many_calls_share_the_memory() {
    let context = SessionContext::new();
    register(&context).unwrap();
    let calls: Vec<String> = (0..200).map(|n| format!("concat(value, {n})")).collect();
    let sql = format!("SELECT {} FROM generate_series(1, 3)", calls.join(", "));
    let plan = context.sql(&sql).await.unwrap().into_unoptimized_plan();
    let work = Work::of(&plan, 512 << 20, &Arc::default()).unwrap();
    assert!(work.call_bytes() < 8 << 20, "{work:?}");
    assert!(work.constant_bytes() < 8 << 10, "{work:?}");
}
