//! Gathers rows of several chunks into one batch: the only time that rows are copied between their decoder and the
//! Parquet encoder.

use arrow::array::{Array, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;

use crate::error::Result;

/// Gives the rows that are to be kept, in the order in which data files of `events` hold them: by event_time, then
/// event_id. `keep` has a flag for each row of all chunks, one after the other.
pub(super) fn kept_in_order(chunks: &[RecordBatch], keep: &[bool]) -> Result<RecordBatch> {
    let columns = chunks.iter().map(Keys::of).collect::<Result<Vec<_>>>()?;
    let mut order: Vec<(Option<i64>, (usize, usize))> = places(chunks)
        .zip(keep)
        .filter(|(_, keep)| **keep)
        .map(|((chunk, row), _)| (columns[chunk].time(row), (chunk, row)))
        .collect();
    // Times without a value come first, as Arrow sorts them.
    order.sort_unstable_by(|(time, (chunk, row)), (other, (other_chunk, other_row))| {
        let id = |chunk: usize, row: usize| columns[chunk].ids.value(row);
        time.cmp(other)
            .then_with(|| id(*chunk, *row).cmp(id(*other_chunk, *other_row)))
    });
    let order: Vec<_> = order.into_iter().map(|(_, place)| place).collect();
    interleaved(chunks, &order)
}

/// Gives some rows, by their number among the rows of all chunks; the numbers ascend.
pub(super) fn rows(chunks: &[RecordBatch], which: &[usize]) -> Result<RecordBatch> {
    let mut which = which.iter().peekable();
    let wanted: Vec<_> = places(chunks)
        .enumerate()
        .filter(|(row, _)| which.next_if_eq(&row).is_some())
        .map(|(_, place)| place)
        .collect();
    interleaved(chunks, &wanted)
}

fn interleaved(chunks: &[RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
    let chunks: Vec<&RecordBatch> = chunks.iter().collect();
    Ok(interleave_record_batch(&chunks, places)?)
}

/// Chunk and row in it, of every row.
fn places(chunks: &[RecordBatch]) -> impl Iterator<Item = (usize, usize)> {
    chunks
        .iter()
        .enumerate()
        .flat_map(|(chunk, rows)| (0..rows.num_rows()).map(move |row| (chunk, row)))
}

/// What rows of a chunk are sorted by.
struct Keys<'a> {
    times: &'a TimestampMicrosecondArray,
    ids: &'a StringArray,
}

impl<'a> Keys<'a> {
    fn of(rows: &'a RecordBatch) -> Result<Self> {
        let schema = rows.schema();
        let times = rows.column(schema.index_of("event_time")?);
        Ok(Self {
            times: times.as_primitive::<TimestampMicrosecondType>(),
            ids: rows.column(schema.index_of("event_id")?).as_string(),
        })
    }

    fn time(&self, row: usize) -> Option<i64> {
        self.times.is_valid(row).then(|| self.times.value(row))
    }
}

#[cfg(test)]
mod tests;
