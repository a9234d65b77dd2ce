use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;

use super::*;

/// The view `judged` of three rows, held in memory, which counts the rows that are made for it.
struct Judged {
    context: SessionContext,
    kept: Arc<Kept>,
    made: Arc<AtomicI64>,
}

impl Judged {
    async fn new() -> Self {
        let context = SessionContext::new();
        let schema = Arc::new(Schema::new(vec![
            Field::new("calls", DataType::Int64, false),
            Field::new("who", DataType::Utf8, false),
        ]));
        let rows = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from(vec![1, 2, 4])),
                Arc::new(StringArray::from(vec!["one", "two", "two"])),
            ],
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
        let plan = state.create_logical_plan("SELECT who, judge(calls) AS calls FROM calls");
        let kept = Kept::view("judged", plan.await.unwrap(), true, &Place::Memory);
        let kept = Arc::new(kept);
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
    let judged = Judged::new().await;
    assert_eq!(judged.calls_of_two().await, (6, 3));
    assert_eq!(judged.calls_of_two().await, (6, 0));
    judged.kept.release();
    assert_eq!(judged.calls_of_two().await, (6, 3));
    assert_eq!(judged.calls_of_two().await, (6, 3));
}
