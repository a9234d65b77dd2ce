//! Plans within a statement's memory, where the engine does not see to it itself.
//!
//! Sorts, hash joins and aggregations account for the rows that they hold; windows do not. So what goes into a window
//! is accounted for until it has come out again, and so is what the window will make of it. Rows that are joined with
//! all others are copied for each of them: very wide ones are refused. So are those that are copied for each element of a
//! long list.

mod through;
mod windows;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::unnest::{ListUnnest, UnnestExec};
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

use crate::widths::{batch_bytes, lengths, widths};
use through::{Through, checked};

/// Bytes of a row that may be joined with all others: batches of 1,024 copies are made of it.
const MOST_ROW_BYTES: usize = 1 << 20;

/// Bytes that are made of a row's other columns where its lists become rows.
const MOST_COPIED_BYTES: usize = 64 << 20;

/// Puts what keeps a plan within its memory into it.
pub(crate) fn within_memory(plan: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if let Some(window) = windows::accounted(&node)? {
            return Ok(Transformed::yes(window));
        }
        if node.is::<CrossJoinExec>() || node.is::<NestedLoopJoinExec>() {
            let mut inputs: Vec<_> = node.children().into_iter().map(narrow).collect();
            // A join without equal columns that has no memory for its left side would run it again, for a file: parts that
            // divide rows among threads give them only once, and it finds rows without a match once for each thread.
            if let Some(left) = inputs
                .first_mut()
                .filter(|_| node.is::<NestedLoopJoinExec>())
            {
                *left = Through::once(
                    Arc::clone(left),
                    "HeldRows",
                    "too many rows to hold for a join without equal columns",
                );
            }
            let joined = replace_children_if_necessary(node, inputs)?;
            return Ok(Transformed::yes(joined));
        }
        if let Some(unnest) = node.downcast_ref::<UnnestExec>() {
            let lists: Arc<[ListUnnest]> = unnest.list_column_indices().into();
            let inputs = node.children().into_iter();
            let inputs = inputs.map(|input| few_copies(input, &lists)).collect();
            let unnested = replace_children_if_necessary(node, inputs)?;
            return Ok(Transformed::yes(unnested));
        }
        Ok(Transformed::no(node))
    })
    .data()
}

/// Refuses rows of which too much is copied for the elements of their lists.
fn few_copies(input: &Arc<dyn ExecutionPlan>, lists: &Arc<[ListUnnest]>) -> Arc<dyn ExecutionPlan> {
    let lists = Arc::clone(lists);
    Through::over(Arc::clone(input), "FewCopies", move |_, rows, _| {
        let lists = Arc::clone(&lists);
        checked(rows, move |batch| {
            if most_copied(batch, &lists) > MOST_COPIED_BYTES {
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "a row of which more than {} MiB would be copied for the elements of a list",
                    MOST_COPIED_BYTES >> 20
                )));
            }
            Ok(())
        })
    })
}

/// Gives the bytes that are made of the row of which most is made, without its lists: an element becomes a row.
fn most_copied(batch: &RecordBatch, lists: &[ListUnnest]) -> usize {
    let mut copies = vec![1_usize; batch.num_rows()];
    for list in lists {
        let column = batch.column(list.index_in_input_schema);
        let mut elements = lengths(column.as_ref());
        if list.depth > 1 {
            // Lists in lists have at most as many elements as bytes.
            for (elements, bytes) in elements.iter_mut().zip(widths(column.as_ref())) {
                *elements = bytes.max(*elements);
            }
        }
        for (copies, elements) in copies.iter_mut().zip(elements) {
            *copies = elements.max(*copies);
        }
    }
    let is_list = |place: usize| lists.iter().any(|list| list.index_in_input_schema == place);
    let others: Vec<usize> = (0..batch.num_columns())
        .filter(|place| !is_list(*place))
        .collect();
    let rows = row_bytes(batch, &others).into_iter().zip(copies);
    rows.map(|(bytes, copies)| bytes.saturating_mul(copies))
        .max()
        .unwrap_or(0)
}

/// Refuses rows that are too wide to be copied often.
fn narrow(input: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Through::over(Arc::clone(input), "NarrowRows", |_, rows, _| {
        checked(rows, |batch| {
            if batch_bytes(batch) > MOST_ROW_BYTES && widest_row(batch) > MOST_ROW_BYTES {
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "a row with more than {} KiB to join with all others",
                    MOST_ROW_BYTES >> 10
                )));
            }
            Ok(())
        })
    })
}

fn widest_row(batch: &RecordBatch) -> usize {
    let all: Vec<usize> = (0..batch.num_columns()).collect();
    row_bytes(batch, &all).into_iter().max().unwrap_or(0)
}

/// Gives the bytes of each row in some columns.
fn row_bytes(batch: &RecordBatch, columns: &[usize]) -> Vec<usize> {
    let mut rows = vec![0_usize; batch.num_rows()];
    for place in columns {
        for (row, bytes) in rows.iter_mut().zip(widths(batch.column(*place).as_ref())) {
            *row += bytes;
        }
    }
    rows
}

#[cfg(test)]
mod tests;
