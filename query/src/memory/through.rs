//! A step in a plan that passes on the batches of another, and looks at them, cuts them or refuses them on the way.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

/// What is done with the batches of a partition.
type Pass = dyn Fn(usize, SendableRecordBatchStream, &TaskContext) -> SendableRecordBatchStream
    + Send
    + Sync;

/// The step.
pub(super) struct Through {
    name: &'static str,
    input: Arc<dyn ExecutionPlan>,
    pass: Arc<Pass>,
    /// Why it is not run a second time, where it is not.
    once: Option<&'static str>,
    begun: AtomicBool,
}

impl Through {
    /// Puts a step over a plan. `name` is what EXPLAIN ANALYZE shows.
    pub(super) fn over(
        input: Arc<dyn ExecutionPlan>,
        name: &'static str,
        pass: impl Fn(usize, SendableRecordBatchStream, &TaskContext) -> SendableRecordBatchStream
        + Send
        + Sync
        + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            name,
            input,
            pass: Arc::new(pass),
            once: None,
            begun: AtomicBool::new(false),
        })
    }

    /// Puts a step over a plan of one partition that runs it once, and fails with `refusal` where it is to run again. Parts
    /// of recursive statements are made anew for each run.
    pub(super) fn once(
        input: Arc<dyn ExecutionPlan>,
        name: &'static str,
        refusal: &'static str,
    ) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            name,
            input,
            pass: Arc::new(|_, rows, _| rows),
            once: Some(refusal),
            begun: AtomicBool::new(false),
        })
    }
}

/// Passes on batches that `check` has nothing against.
pub(super) fn checked(
    batches: SendableRecordBatchStream,
    mut check: impl FnMut(&RecordBatch) -> DfResult<()> + Send + 'static,
) -> SendableRecordBatchStream {
    let schema = batches.schema();
    let checked = batches.map(move |batch| {
        let batch = batch?;
        check(&batch)?;
        Ok::<_, DataFusionError>(batch)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, checked))
}

/// Passes on batches in pieces of so many rows. Pieces are copies: what sorts slices of a batch accounts for all of it with
/// each of them.
pub(super) fn in_pieces(
    batches: SendableRecordBatchStream,
    rows: usize,
) -> SendableRecordBatchStream {
    let schema = batches.schema();
    let rows = rows.max(1);
    let pieces = batches.map_ok(move |batch| {
        let starts = (0..batch.num_rows()).step_by(rows);
        stream::iter(starts.map(move |start| {
            let end = batch.num_rows().min(start + rows);
            if end - start == batch.num_rows() {
                return Ok(batch.clone());
            }
            let places = UInt64Array::from_iter_values((start..end).map(|place| place as u64));
            take_record_batch(&batch, &places).map_err(DataFusionError::from)
        }))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, pieces.try_flatten()))
}

impl fmt::Debug for Through {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(self.name)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for Through {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl ExecutionPlan for Through {
    fn name(&self) -> &str {
        self.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = children
            .pop()
            .ok_or_else(|| DataFusionError::Internal("a step without a child".to_owned()))?;
        Ok(Arc::new(Self {
            name: self.name,
            input,
            pass: Arc::clone(&self.pass),
            once: self.once,
            begun: AtomicBool::new(false),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        if let Some(refusal) = self.once
            && self.begun.swap(true, Ordering::Relaxed)
        {
            return Err(DataFusionError::ResourcesExhausted(refusal.to_owned()));
        }
        let rows = self.input.execute(partition, Arc::clone(&context))?;
        Ok((self.pass)(partition, rows, &context))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::{ArrayRef, StringArray};

    #[tokio::test]
    async fn pieces_hold_their_own_rows_alone() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1_000); 100]));
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let whole = stream::iter([Ok::<_, DataFusionError>(batch.clone())]);
        let whole = RecordBatchStreamAdapter::new(batch.schema(), whole);
        let pieces = in_pieces(Box::pin(whole), 30);
        let pieces: Vec<RecordBatch> = pieces.try_collect().await.unwrap();
        let rows: Vec<_> = pieces.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [30, 30, 30, 10]);
        for piece in &pieces {
            assert!(piece.get_array_memory_size() < 90_000);
        }
    }
}
