#![allow(clippy::unwrap_used)]
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{AsArray, Date32Array, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use podtrail_ingest::store::Store;

use super::*;
use crate::catalog::Snapshot;

/// A call: its day, how often, and who made it.
type Call = (Option<i32>, i64, &'static str);

const CALLS: [Call; 4] = [
    (Some(1), 1, "one"),
    (Some(2), 2, "two"),
    (Some(2), 4, "two"),
    (None, 8, "two"),
];

/// The view `judged` of some calls, which counts the rows that are made for it.
struct Judged {
    context: SessionContext,
    kept: Arc<Kept>,
    made: Arc<AtomicI64>,
}

impl Judged {
    async fn of(calls: &[Call], place: &Place) -> Self {
        let context = SessionContext::new();
        let schema = Arc::new(Schema::new(vec![
            Field::new("event_date", DataType::Date32, true),
            Field::new("calls", DataType::Int64, false),
            Field::new("who", DataType::Utf8, false),
        ]));
        let days: Date32Array = calls.iter().map(|call| call.0).collect();
        let counts: Int64Array = calls.iter().map(|call| Some(call.1)).collect();
        let who: StringArray = calls.iter().map(|call| Some(call.2)).collect();
        let rows = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![Arc::new(days), Arc::new(counts), Arc::new(who)],
        );
        let table = MemTable::try_new(schema, vec![vec![rows.unwrap()]]).unwrap();
        context.register_table("calls", Arc::new(table)).unwrap();
        let made = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&made);
        context.register_udf(create_udf(
            "judge",
            vec![DataType::Int64],
            DataType::Int64,
            Volatility::Volatile,
            Arc::new(move |args: &[ColumnarValue]| {
                let rows = args[0].to_array(1)?;
                count.fetch_add(i64::try_from(rows.len()).unwrap(), Ordering::Relaxed);
                Ok(args[0].clone())
            }),
        ));
        let state = context.state();
        // Read by day, as a scan that leaves files out would give it.
        let plan = state.create_logical_plan(
            "SELECT event_date, who, judge(calls) AS calls FROM calls GROUP BY event_date, who, calls",
        );
        let kept = Arc::new(Kept::view("judged", plan.await.unwrap(), true, place));
        context
            .register_table("judged", Arc::clone(&kept) as Arc<dyn TableProvider>)
            .unwrap();
        Self {
            context,
            kept,
            made,
        }
    }

    /// Gives how many calls `two` made, and how many rows were made to say so.
    async fn calls_of_two(&self) -> (i64, i64) {
        let before = self.made.load(Ordering::Relaxed);
        let query = "SELECT sum(calls) FROM judged WHERE who = 'two'";
        let rows = self.context.sql(query).await.unwrap();
        let rows = rows.collect().await.unwrap();
        let sum = rows[0].column(0).as_primitive::<Int64Type>().value(0);
        (sum, self.made.load(Ordering::Relaxed) - before)
    }
}

#[tokio::test]
async fn rows_are_made_once_and_once_released_for_each_reader() {
    let judged = Judged::of(&CALLS, &Place::Memory).await;
    assert_eq!(judged.calls_of_two().await, (14, 4));
    assert_eq!(judged.calls_of_two().await, (14, 0));
    judged.kept.release();
    assert_eq!(judged.calls_of_two().await, (14, 4));
    assert_eq!(judged.calls_of_two().await, (14, 4));
}

/// The place of a snapshot whose days have these files.
fn by_day(folder: &Path, version: u64, rules: &str, days: &str) -> Place {
    let store = Store::folder(folder, true).unwrap();
    let snapshot = Snapshot::from([("activities", version)]);
    let shelf = Shelf::new(&store, &snapshot, &[rules.to_owned()]);
    Place::ByDay(
        Arc::new(shelf),
        Arc::new(serde_json::from_str(days).unwrap()),
    )
}

#[tokio::test]
async fn by_day_only_rows_of_days_with_other_files_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let made = async |version, rules, days, calls: &[Call]| {
        let place = by_day(folder.path(), version, rules, days);
        Judged::of(calls, &place).await.calls_of_two().await
    };
    let first = r#"{"1":"a","2":"b"}"#;
    assert_eq!(made(1, "one", first, &CALLS).await, (14, 4));
    // The same snapshot: nothing is made.
    assert_eq!(made(1, "one", first, &CALLS).await, (14, 0));
    // Another snapshot with the same files: rows without a day, which may be of any file.
    assert_eq!(made(2, "one", first, &CALLS).await, (14, 1));
    // A day with more files, and a new one.
    let mut more = CALLS.to_vec();
    more.extend([(Some(2), 16, "two"), (Some(3), 32, "two")]);
    let second = r#"{"1":"a","2":"b and more","3":"c"}"#;
    assert_eq!(made(3, "one", second, &more).await, (62, 5));
    // A day that is gone, with its rows; the earlier answer has it still.
    let fewer: Vec<Call> = more
        .iter()
        .copied()
        .filter(|call| call.0 != Some(2))
        .collect();
    let third = r#"{"1":"a","3":"c"}"#;
    assert_eq!(made(4, "one", third, &fewer).await, (40, 1));
    // Other rules may tell all rows otherwise, and days without known files have nothing in common.
    assert_eq!(made(4, "two", third, &fewer).await, (40, 3));
    assert_eq!(made(5, "two", "{}", &fewer).await, (40, 3));
}

/// The place of a snapshot whose days have these files and marks.
async fn marked(folder: &Path, version: u64, days: &str, marks: &[(Option<i32>, &str)]) -> Place {
    let Place::ByDay(shelf, days) = by_day(folder, version, "one", days) else {
        unreachable!("it is by day");
    };
    let said: Vec<String> = marks
        .iter()
        .map(|(day, mark)| {
            let day = day.map_or("NULL".to_owned(), |day| day.to_string());
            format!("(arrow_cast(arrow_cast({day}, 'Int32'), 'Date32'), '{mark}')")
        })
        .collect();
    let query = format!(
        "SELECT * FROM (VALUES {}) AS marks (event_date, mark)",
        said.join(", ")
    );
    let state = SessionContext::new().state();
    let plan = state.create_logical_plan(&query).await.unwrap();
    Place::Marked(shelf, days, Arc::new(Marks::new(vec![plan])))
}

#[tokio::test]
async fn with_marks_rows_of_days_with_another_mark_are_made_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let files = r#"{"1":"a","2":"b"}"#;
    let made = async |version, marks: &[(Option<i32>, &str)]| {
        let place = marked(folder.path(), version, files, marks).await;
        Judged::of(&CALLS, &place).await.calls_of_two().await
    };
    let first = [(Some(1), "x"), (Some(2), "y"), (None, "z")];
    assert_eq!(made(1, &first).await, (14, 4));
    // The same files and marks: only rows without a day.
    assert_eq!(made(2, &first).await, (14, 1));
    // Of one day, something else is known.
    let second = [(Some(1), "x"), (Some(2), "other"), (None, "z")];
    assert_eq!(made(3, &second).await, (14, 3));
    // Of all days.
    let third = [(Some(1), "x"), (Some(2), "other"), (None, "other")];
    assert_eq!(made(4, &third).await, (14, 4));
}
