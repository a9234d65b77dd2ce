use arrow::array::AsArray;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

use super::*;

/// Gives the ids of rows of arguments, in their order.
async fn ids(rows: &[&str]) -> Vec<String> {
    let context = SessionContext::new();
    context.register_udf(ScalarUDF::from(CallerId::new()));
    let mut ids = Vec::new();
    for row in rows {
        let query = format!("SELECT caller_id({row})");
        let batches = context.sql(&query).await.unwrap().collect().await.unwrap();
        ids.push(batches[0].column(0).as_string::<i32>().value(0).to_owned());
    }
    ids
}

#[tokio::test]
async fn callers_that_differ_in_anything_have_other_ids() {
    let ids = ids(&[
        "'AKIA', 'arn', NULL",
        "'AKIA', NULL, 'arn'",
        "'AKIA', 'arn', ''",
        "'AKI', 'Aarn', NULL",
        "'AKIA', 'arn', TIMESTAMP '2026-06-01T00:00:00'",
        "'AKIA', 'arn', TIMESTAMP '2026-06-01T00:00:01'",
        "NULL, NULL, NULL",
    ])
    .await;
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(id.len(), ID_CHARS);
        assert!(!ids[..at].contains(id), "{at}: {ids:?}");
    }
}

#[tokio::test]
async fn a_time_is_the_same_in_any_unit_and_zone() {
    let ids = ids(&[
        "arrow_cast('2026-06-01T00:00:00Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
        "arrow_cast('2026-06-01T00:00:00Z', 'Timestamp(Second, Some(\"UTC\"))')",
        "arrow_cast('2026-06-01T00:00:00Z', 'Timestamp(Nanosecond, Some(\"+00:00\"))')",
    ])
    .await;
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
}
