//! From staged rows to rows of `events` and `activities`.
//!
//! An *activity* is what one credential did in one way within [`BUCKET_SECONDS`]: everything that
//! attribution looks at is the same for all its events, so identity is decided once per activity and
//! inherited by its events through `activity_id`. A record that issued (or was refused) credentials
//! is an activity of its own, because it names an identity by itself.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{nullif, take, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::hex;
use crate::schema::{ACTIVITIES, EVENTS};

/// Length of an activity's time bucket, in seconds; buckets start at multiples of it.
pub const BUCKET_SECONDS: i64 = 300;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Columns of `activities` that are computed, not copied from the events.
const COMPUTED: [&str; 6] = [
    "activity_id",
    "event_date",
    "first_event_time",
    "last_event_time",
    "calls",
    "event_id",
];

/// Hash that names an activity.
type ActivityId = [u8; 16];

/// Makes the rows of `events` and of `activities` from staged rows that are all new.
pub(crate) fn finish(staged: &RecordBatch, ingested_at: i64) -> Result<(RecordBatch, RecordBatch)> {
    let issuing = issuing(staged)?;
    let ids = activity_ids(staged, &issuing)?;
    let events = events(staged, &ids, ingested_at)?;
    let activities = activities(staged, &ids, &issuing)?;
    Ok((events, activities))
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    Ok(rows.column(rows.schema().index_of(name)?))
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    Ok(column(rows, name)?.as_string())
}

fn times<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray> {
    Ok(column(rows, name)?.as_primitive::<TimestampMicrosecondType>())
}

/// True for records that issued credentials or were asked to.
fn issuing(rows: &RecordBatch) -> Result<BooleanArray> {
    let (role, key) = (
        texts(rows, "issued_role_arn")?,
        texts(rows, "issued_access_key_id")?,
    );
    Ok((0..rows.num_rows())
        .map(|row| Some(role.is_valid(row) || key.is_valid(row)))
        .collect())
}

fn activity_ids(rows: &RecordBatch, issuing: &BooleanArray) -> Result<Vec<ActivityId>> {
    let mut copied_texts = Vec::new();
    let mut copied_others = Vec::new();
    for spec in ACTIVITIES
        .columns
        .iter()
        .filter(|spec| !COMPUTED.contains(&spec.name))
    {
        let array = column(rows, spec.name)?;
        match array.as_string_opt::<i32>() {
            Some(text) if spec.name != "shared_event_id" => copied_texts.push(text),
            Some(_) => {}
            None => copied_others.push(array),
        }
    }
    let (event_ids, event_times) = (texts(rows, "event_id")?, times(rows, "event_time")?);
    let mut ids = Vec::with_capacity(rows.num_rows());
    let mut buffer = Vec::with_capacity(1_024);
    for row in 0..rows.num_rows() {
        buffer.clear();
        let bucket = event_times.is_valid(row).then(|| {
            event_times
                .value(row)
                .div_euclid(BUCKET_SECONDS * MICROS_PER_SECOND)
        });
        push(
            &mut buffer,
            bucket
                .map(i64::to_le_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
        let own = issuing.value(row).then(|| event_ids.value(row).as_bytes());
        push(&mut buffer, own);
        for text in &copied_texts {
            push(
                &mut buffer,
                text.is_valid(row).then(|| text.value(row).as_bytes()),
            );
        }
        for array in &copied_others {
            push_other(&mut buffer, array, row);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(&buffer)[..16]);
        ids.push(id);
    }
    Ok(ids)
}

/// Appends a value so that no two lists of values give the same bytes.
fn push(buffer: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => buffer.push(0),
        Some(bytes) => {
            buffer.push(1);
            buffer.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            buffer.extend_from_slice(bytes);
        }
    }
}

fn push_other(buffer: &mut Vec<u8>, array: &ArrayRef, row: usize) {
    if array.is_null(row) {
        push(buffer, None);
    } else if let Some(flags) = array.as_boolean_opt() {
        push(buffer, Some(&[u8::from(flags.value(row))]));
    } else if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        push(buffer, Some(&times.value(row).to_le_bytes()));
    }
}

fn events(staged: &RecordBatch, ids: &[ActivityId], ingested_at: i64) -> Result<RecordBatch> {
    let schema = EVENTS.arrow_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| -> Result<ArrayRef> {
            Ok(match field.name().as_str() {
                "event_date" => Arc::new(days(times(staged, "event_time")?)),
                "activity_id" => {
                    Arc::new(ids.iter().map(|id| Some(hex(id))).collect::<StringArray>())
                }
                "ingested_at" => Arc::new(
                    TimestampMicrosecondArray::from(vec![ingested_at; staged.num_rows()])
                        .with_timezone("UTC"),
                ),
                name => Arc::clone(column(staged, name)?),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// What is counted of one activity.
struct Tally {
    /// Row whose columns stand for all.
    row: u32,
    calls: i64,
    first: Option<i64>,
    last: Option<i64>,
    /// Row of the smallest event_id.
    least_id: usize,
}

fn activities(
    staged: &RecordBatch,
    ids: &[ActivityId],
    issuing: &BooleanArray,
) -> Result<RecordBatch> {
    let (event_ids, event_times) = (texts(staged, "event_id")?, times(staged, "event_time")?);
    let mut index: HashMap<ActivityId, usize> = HashMap::new();
    let mut tallies: Vec<Tally> = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        let time = event_times.is_valid(row).then(|| event_times.value(row));
        let at = *index.entry(*id).or_insert_with(|| {
            let first = Tally {
                row: u32::try_from(row).unwrap_or(u32::MAX),
                calls: 0,
                first: time,
                last: time,
                least_id: row,
            };
            tallies.push(first);
            tallies.len() - 1
        });
        let tally = &mut tallies[at];
        tally.calls += 1;
        tally.first = tally.first.min(time);
        tally.last = tally.last.max(time);
        if event_ids.value(row) < event_ids.value(tally.least_id) {
            tally.least_id = row;
        }
    }
    let rows: UInt32Array = tallies.iter().map(|tally| Some(tally.row)).collect();
    let shown = take_record_batch(staged, &rows)?;
    let issuing = take(issuing, &rows, None)?;
    let schema = ACTIVITIES.arrow_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            computed(
                field.name(),
                &shown,
                &tallies,
                ids,
                event_ids,
                issuing.as_boolean(),
            )
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn computed(
    name: &str,
    shown: &RecordBatch,
    tallies: &[Tally],
    ids: &[ActivityId],
    event_ids: &StringArray,
    issuing: &BooleanArray,
) -> Result<ArrayRef> {
    let time = |pick: fn(&Tally) -> Option<i64>| -> ArrayRef {
        Arc::new(
            tallies
                .iter()
                .map(pick)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        )
    };
    Ok(match name {
        "activity_id" => Arc::new(
            tallies
                .iter()
                .map(|tally| Some(hex(&ids[tally.row as usize])))
                .collect::<StringArray>(),
        ),
        "event_date" => Arc::new(days(times(shown, "event_time")?)),
        "first_event_time" => time(|tally| tally.first),
        "last_event_time" => time(|tally| tally.last),
        "calls" => Arc::new(
            tallies
                .iter()
                .map(|tally| Some(tally.calls))
                .collect::<Int64Array>(),
        ),
        "event_id" => Arc::new(
            tallies
                .iter()
                .map(|tally| Some(event_ids.value(tally.least_id)))
                .collect::<StringArray>(),
        ),
        // Of other calls it names the single event, not the activity.
        "shared_event_id" => nullif(column(shown, name)?, &arrow::compute::not(issuing)?)?,
        _ => Arc::clone(column(shown, name)?),
    })
}

fn days(times: &TimestampMicrosecondArray) -> Date32Array {
    times
        .iter()
        .map(|time| time.and_then(|time| i32::try_from(time.div_euclid(MICROS_PER_DAY)).ok()))
        .collect()
}

#[cfg(test)]
mod tests;
