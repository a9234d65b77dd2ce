//! Marks of days: what the judgement of a day's activities reads beside them, as one short text. While a day has the same
//! data files and the same mark, what is judged of it stays true.
//!
//! `views/grounds.sql` reads, of an activity's caller, whose its credentials are; of a record that issued credentials, whom
//! it names, what it is a copy of, and whether its role is Fargate's. `views/held_grounds.sql` reads which addresses pods
//! have. The statements in [`READ`] give just that, by day; a row without a day is of all days. What only evidence tells is
//! not among it: the records that prove a node's role, say, are others after each batch, and what they prove is not. The
//! image pulls that a judgement reads too are of the same quarter of an hour, hence of the day's own files, and rules are
//! part of what an answer on the shelf is named for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::Result as ArrowResult;
use arrow::row::{RowConverter, SortField};
use datafusion::catalog::Session as CatalogSession;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::collect_partitioned;
use sha2::{Digest, Sha256};

use crate::days::{self, OfDays};
use crate::digest;

/// What marks are made of.
pub(crate) const READ: [&str; 5] = [
    include_str!("marks/callers.sql"),
    include_str!("marks/issuances.sql"),
    include_str!("marks/copies.sql"),
    include_str!("marks/fargate.sql"),
    include_str!("marks/addresses.sql"),
];

/// The plans of [`READ`].
#[derive(Debug)]
pub(crate) struct Marks(Vec<LogicalPlan>);

impl Marks {
    /// Takes a plan for each statement.
    pub(crate) fn new(plans: Vec<LogicalPlan>) -> Self {
        Self(plans)
    }

    /// Reads the marks of all days.
    pub(crate) async fn read(&self, state: &dyn CatalogSession) -> DfResult<OfDays> {
        let begin = Instant::now();
        let mut rows = Rows::default();
        for (number, plan) in self.0.iter().enumerate() {
            // With it, the kept views that this one reads are computed.
            let plan = state.create_physical_plan(plan).await?;
            let partitions = collect_partitioned(plan, state.task_ctx()).await?;
            for batch in partitions.iter().flatten() {
                rows.add(number, batch)?;
            }
        }
        let marks = rows.marks();
        tracing::debug!(
            days = marks.len(),
            with_inputs_ms = begin.elapsed().as_millis(),
            "the marks of days were read"
        );
        Ok(marks)
    }
}

/// Hashes of the rows of each day: 32 bytes for a caller, or a record that issued credentials.
#[derive(Default)]
struct Rows(BTreeMap<Option<i32>, Vec<[u8; 32]>>);

impl Rows {
    /// Adds rows of a statement.
    fn add(&mut self, statement: usize, batch: &RecordBatch) -> ArrowResult<()> {
        let of = days::days_of(batch)?;
        let columns: Vec<ArrayRef> = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .filter(|(field, _)| field.name() != days::COLUMN)
            .map(|(_, column)| Arc::clone(column))
            .collect();
        let fields = columns
            .iter()
            .map(|column| SortField::new(column.data_type().clone()))
            .collect();
        let rows = RowConverter::new(fields)?.convert_columns(&columns)?;
        for (day, row) in of.iter().zip(rows.iter()) {
            let mut hash = Sha256::new();
            hash.update((statement as u64).to_le_bytes());
            hash.update(row.data());
            self.0.entry(day).or_default().push(hash.finalize().into());
        }
        Ok(())
    }

    /// The marks: the same for the same rows, in whatever order they came.
    fn marks(self) -> OfDays {
        let marks = self.0.into_iter().map(|(day, mut rows)| {
            rows.sort_unstable();
            (day, digest::of_bytes(rows.as_flattened()))
        });
        marks.collect()
    }
}

#[cfg(test)]
mod tests;
