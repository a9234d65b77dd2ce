//! Folds rows of `activities` with the same `activity_id` into one.
//!
//! Several rows of one activity add up: they count different calls, and agree in all that identifies the activity. Their
//! first calls lie within one time bucket, so that in a stream sorted by time an activity is whole once the bucket is
//! over.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::activity::BUCKET_SECONDS;
use crate::datafile;
use crate::error::Result;
use crate::schema::ACTIVITIES;

const BUCKET_MICROS: i64 = BUCKET_SECONDS * 1_000_000;

/// Rows held of a bucket that is not over. More of them go on as they are: several rows add up.
const HELD_ROWS: usize = 131_072;

/// Folds a stream of rows in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Fold {
    held: Option<RecordBatch>,
}

impl Fold {
    /// Takes the next rows in, and gives those of activities that are whole.
    pub(super) fn push(&mut self, rows: &RecordBatch) -> Result<Option<RecordBatch>> {
        let all = match self.held.take() {
            Some(held) => concat_batches(&rows.schema(), [&held, rows])?,
            None => rows.clone(),
        };
        let times = micros(&all, "first_event_time")?;
        let bucket = |row: usize| {
            times
                .is_valid(row)
                .then(|| times.value(row).div_euclid(BUCKET_MICROS))
        };
        let Some(last) = all.num_rows().checked_sub(1) else {
            return Ok(None);
        };
        let mut open = last;
        while open > 0 && bucket(open - 1) == bucket(last) {
            open -= 1;
        }
        let rest = folded(&all.slice(open, all.num_rows() - open))?;
        let whole = folded(&all.slice(0, open))?;
        if rest.num_rows() > HELD_ROWS {
            return Ok(Some(concat_batches(&all.schema(), [&whole, &rest])?));
        }
        self.held = Some(rest);
        Ok((whole.num_rows() > 0).then_some(whole))
    }

    /// Gives what is left.
    pub(super) fn finish(&mut self) -> Option<RecordBatch> {
        self.held.take().filter(|rows| rows.num_rows() > 0)
    }
}

fn micros<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray> {
    let column = rows.column(rows.schema().index_of(name)?);
    Ok(column.as_primitive::<TimestampMicrosecondType>())
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    Ok(rows.column(rows.schema().index_of(name)?).as_string())
}

/// What rows of one activity come to.
struct Sum {
    row: usize,
    calls: i64,
    last: Option<i64>,
    /// Row with the smallest event_id.
    least: usize,
}

/// Folds sorted rows; they stay sorted, because of each activity the first row is kept.
pub(super) fn folded(rows: &RecordBatch) -> Result<RecordBatch> {
    let ids = texts(rows, "activity_id")?;
    let event_ids = texts(rows, "event_id")?;
    let last = micros(rows, "last_event_time")?;
    let calls = rows
        .column(rows.schema().index_of("calls")?)
        .as_primitive::<Int64Type>();
    let mut index: HashMap<&str, usize> = HashMap::with_capacity(rows.num_rows());
    let mut sums: Vec<Sum> = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let count = if calls.is_valid(row) {
            calls.value(row)
        } else {
            0
        };
        let time = last.is_valid(row).then(|| last.value(row));
        let at = *index.entry(ids.value(row)).or_insert(sums.len());
        let Some(sum) = sums.get_mut(at) else {
            sums.push(Sum {
                row,
                calls: count,
                last: time,
                least: row,
            });
            continue;
        };
        sum.calls += count;
        sum.last = sum.last.max(time);
        if event_ids.value(row) < event_ids.value(sum.least) {
            sum.least = row;
        }
    }
    if sums.len() == rows.num_rows() {
        return Ok(rows.clone());
    }
    let kept: UInt32Array = sums
        .iter()
        .map(|sum| u32::try_from(sum.row).unwrap_or(u32::MAX))
        .collect::<Vec<_>>()
        .into();
    let shown = take_record_batch(rows, &kept)?;
    let columns = shown
        .schema()
        .fields()
        .iter()
        .zip(shown.columns())
        .map(|(field, column)| -> ArrayRef {
            match field.name().as_str() {
                "calls" => Arc::new(sums.iter().map(|sum| sum.calls).collect::<Int64Array>()),
                "last_event_time" => Arc::new(
                    sums.iter()
                        .map(|sum| sum.last)
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                ),
                "event_id" => Arc::new(
                    sums.iter()
                        .map(|sum| Some(event_ids.value(sum.least)))
                        .collect::<StringArray>(),
                ),
                _ => Arc::clone(column),
            }
        })
        .collect();
    Ok(RecordBatch::try_new(shown.schema(), columns)?)
}

/// Sorts and folds rows that come in no order.
pub(super) fn sorted(rows: &RecordBatch) -> Result<RecordBatch> {
    folded(&datafile::sorted(&ACTIVITIES, rows)?)
}
