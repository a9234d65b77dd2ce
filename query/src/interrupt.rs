//! Plans that can be stopped.
//!
//! A task is stopped only where it waits. A join may work for days between two waits: it gives many rows for each one
//! it takes, or none for many. So joins are made to wait now and then, and conditions of joins look whether they
//! should go on. Functions that take long look by themselves (`bounded`).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, SortMergeJoinExec,
};
use datafusion::physical_plan::unnest::UnnestExec;

/// Makes a plan end soon after `stop` is set.
pub(crate) fn interruptible(
    plan: Arc<dyn ExecutionPlan>,
    stop: &Arc<AtomicBool>,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let looking = |filter: &JoinFilter| {
            JoinFilter::new(
                Arc::new(Looking {
                    inner: Arc::clone(filter.expression()),
                    stop: Arc::clone(stop),
                }),
                filter.column_indices().to_vec(),
                Arc::clone(filter.schema()),
            )
        };
        let node: Arc<dyn ExecutionPlan> =
            if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
                Arc::new(NestedLoopJoinExec::try_new(
                    Arc::clone(join.left()),
                    Arc::clone(join.right()),
                    join.filter().map(looking),
                    join.join_type(),
                    join.projection().as_deref().map(<[usize]>::to_vec),
                )?)
            } else if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                match join.filter() {
                    Some(filter) => Arc::new(
                        HashJoinExecBuilder::from(join)
                            .with_filter(Some(looking(filter)))
                            .build()?,
                    ),
                    None => node,
                }
            } else if node.is::<CrossJoinExec>()
                || node.is::<SortMergeJoinExec>()
                || node.is::<UnnestExec>()
            {
                node
            } else {
                return Ok(Transformed::no(node));
            };
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(node))))
    })
    .data()
}

/// Fails once the statement is to stop.
pub(crate) fn go_on(stop: &AtomicBool) -> DfResult<()> {
    if stop.load(Ordering::Relaxed) {
        return Err(DataFusionError::Execution("stopped".to_owned()));
    }
    Ok(())
}

/// A condition that fails once the statement is to stop.
#[derive(Debug)]
struct Looking {
    inner: Arc<dyn PhysicalExpr>,
    stop: Arc<AtomicBool>,
}

impl PartialEq for Looking {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}
impl Eq for Looking {}
impl Hash for Looking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Looking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, formatter)
    }
}

impl PhysicalExpr for Looking {
    fn data_type(&self, schema: &Schema) -> DfResult<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> DfResult<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> DfResult<ColumnarValue> {
        go_on(&self.stop)?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DfResult<Arc<dyn PhysicalExpr>> {
        let inner = children
            .pop()
            .ok_or_else(|| DataFusionError::Internal("a condition without a child".to_owned()))?;
        Ok(Arc::new(Self {
            inner,
            stop: Arc::clone(&self.stop),
        }))
    }

    fn fmt_sql(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(formatter)
    }
}
