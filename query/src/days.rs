//! Days of a table, and what lies in each: what was computed of one day stays true while its data files are the same.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, BooleanArray, Date32Array, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Date32Type};
use arrow::error::{ArrowError, Result as ArrowResult};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::col;
use datafusion::scalar::ScalarValue;
use deltalake::{DeltaResult, DeltaTable};
use serde::{Deserialize, Serialize};

use crate::digest;

/// The column that names the day, in tables and in views by day.
pub(crate) const COLUMN: &str = "event_date";

/// A text for each day, by days since 1970-01-01; that without a day is of all days.
pub(crate) type OfDays = BTreeMap<Option<i32>, String>;

/// Data files of each day of a table: their digest, by days since 1970-01-01. Rows without a day are of none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days(BTreeMap<i32, String>);

impl Days {
    /// Reads them off a table's snapshot. A data file never changes, so its name stands for its rows. No days are given where
    /// one cannot be read: what is computed by days then has to be computed whole.
    pub(crate) fn of(table: &DeltaTable) -> DeltaResult<Self> {
        let mut files: BTreeMap<i32, BTreeSet<String>> = BTreeMap::new();
        for file in table.snapshot()?.log_data().iter() {
            let values = file.partition_values_map();
            let Some(day) = values.get(COLUMN).and_then(|day| day.as_deref()) else {
                continue;
            };
            let Some(day) = days_since_1970(day) else {
                return Ok(Self::default());
            };
            let files = files.entry(day).or_default();
            files.insert(file.path().into_owned());
        }
        let days = files
            .into_iter()
            .map(|(day, files)| (day, digest::short(files)));
        Ok(Self(days.collect()))
    }

    /// Tells days apart by their marks as well: one with the same files and another mark is another.
    pub(crate) fn marked(&self, marks: &OfDays) -> Self {
        let mark = |day: Option<i32>| marks.get(&day).map_or("", String::as_str);
        let days = self.0.iter().map(|(day, files)| {
            let all = [files.as_str(), mark(Some(*day)), mark(None)];
            (*day, digest::short(all))
        });
        Self(days.collect())
    }

    /// Gives the days that have the same files in both.
    pub(crate) fn in_common(&self, other: &Self) -> BTreeSet<i32> {
        let same = |(day, files): &(&i32, &String)| other.0.get(*day) == Some(*files);
        self.0.iter().filter(same).map(|(day, _)| *day).collect()
    }

    /// Gives the condition that a row is of none of `days`: of one of the others, or of no day.
    pub(crate) fn none_of(&self, days: &BTreeSet<i32>) -> Expr {
        let others = self.0.keys().filter(|day| !days.contains(day));
        let others = others.map(|day| lit(ScalarValue::Date32(Some(*day))));
        // Named one by one, so that files of the days left out are not opened.
        col(COLUMN)
            .is_null()
            .or(col(COLUMN).in_list(others.collect(), false))
    }
}

/// Leaves the rows of some days.
pub(crate) fn rows_of(days: &BTreeSet<i32>, rows: &RecordBatch) -> ArrowResult<RecordBatch> {
    let kept: BooleanArray = days_of(rows)?
        .iter()
        .map(|day| Some(day.is_some_and(|day| days.contains(&day))))
        .collect();
    filter_record_batch(rows, &kept)
}

/// Gives the day of each row.
pub(crate) fn days_of(rows: &RecordBatch) -> ArrowResult<Date32Array> {
    let of = rows
        .column_by_name(COLUMN)
        .ok_or_else(|| ArrowError::SchemaError(format!("there is no column {COLUMN}")))?;
    let of = cast(of, &DataType::Date32)?;
    Ok(of.as_primitive::<Date32Type>().clone())
}

/// Reads a day as Delta writes it: `2026-06-01`.
fn days_since_1970(day: &str) -> Option<i32> {
    let day: chrono::NaiveDate = day.parse().ok()?;
    let since = day.signed_duration_since(chrono::NaiveDate::default());
    i32::try_from(since.num_days()).ok()
}

#[cfg(test)]
mod tests;
