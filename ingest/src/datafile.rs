//! Writes the Parquet data files of the tables and describes them for the Delta log; `read` reads
//! columns of them back.

mod read;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{
    SortColumn, lexsort_to_indices, max, max_string, min, min_string, take_record_batch,
};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use deltalake::kernel::Add;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::schema::Table;

pub(crate) use read::{FileInfo, files, read_columns};

/// Rows of a Parquet row group.
const ROW_GROUP_ROWS: usize = 131_072;

/// Characters of a text column's minimum and maximum kept in the Delta log.
const STATS_TEXT_CHARS: usize = 64;

/// Largest Unicode scalar value: what is cut off a maximum sorts before it.
const TIE_BREAKER: char = '\u{10FFFF}';

/// Writes a batch of a table's rows as data files, one per partition value, and gives their `Add`
/// actions. `name` must be unique to this batch of this attempt.
///
/// # Errors
/// Arrow or Parquet refuses the batch, or the object store fails.
pub(crate) async fn write(
    table: &'static Table,
    objects: &Arc<dyn ObjectStore>,
    batch: RecordBatch,
    name: &str,
) -> Result<Vec<Add>> {
    let parts = tokio::task::spawn_blocking(move || split(table, &batch)).await??;
    let mut adds = Vec::with_capacity(parts.len());
    for (partition, rows) in parts {
        let encoded = tokio::task::spawn_blocking(move || encode(table, &rows)).await??;
        adds.push(put(table, objects, partition, encoded, name).await?);
    }
    Ok(adds)
}

/// One data file, ready to be stored.
struct Encoded {
    bytes: Vec<u8>,
    stats: String,
}

async fn put(
    table: &Table,
    objects: &Arc<dyn ObjectStore>,
    partition: Option<String>,
    encoded: Encoded,
    name: &str,
) -> Result<Add> {
    let mut partition_values = HashMap::new();
    let path = match table.partition {
        None => format!("{name}.parquet"),
        Some(column) => {
            let folder = partition
                .as_deref()
                .unwrap_or("__HIVE_DEFAULT_PARTITION__")
                .to_owned();
            partition_values.insert(column.to_owned(), partition);
            format!("{column}={folder}/{name}.parquet")
        }
    };
    let size = i64::try_from(encoded.bytes.len()).unwrap_or(i64::MAX);
    objects
        .put(&path.as_str().into(), encoded.bytes.into())
        .await
        .map_err(|source| Error::Store {
            what: format!("write {}/{path}", table.name),
            source,
        })?;
    Ok(Add {
        path,
        partition_values,
        size,
        // The time a file was made has no meaning for us and would make runs differ.
        modification_time: 0,
        data_change: true,
        stats: Some(encoded.stats),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    })
}

/// Sorts a batch and splits it by its partition column, which is dropped; Delta keeps the value in its log.
fn split(table: &Table, batch: &RecordBatch) -> Result<Vec<(Option<String>, RecordBatch)>> {
    let Some(column) = table.partition else {
        return Ok(vec![(
            None,
            take_record_batch(batch, &order(table, batch)?)?,
        )]);
    };
    // Rows are gathered once, and each partition is a piece of them.
    let mut rows = take_record_batch(batch, &order(table, batch)?)?;
    let days = rows.remove_column(rows.schema().index_of(column)?);
    let days = days.as_primitive::<Date32Type>();
    let day = |row: usize| days.is_valid(row).then(|| days.value(row));
    let mut parts = Vec::new();
    let mut from = 0;
    while from < rows.num_rows() {
        let to = (from + 1..rows.num_rows())
            .find(|row| day(*row) != day(from))
            .unwrap_or(rows.num_rows());
        let value = day(from)
            .and_then(Date32Type::to_naive_date_opt)
            .map(|date| date.to_string());
        parts.push((value, rows.slice(from, to - from)));
        from = to;
    }
    Ok(parts)
}

/// The order of a table's rows: by partition, then as the table is sorted.
fn order(table: &Table, batch: &RecordBatch) -> Result<UInt32Array> {
    let columns = table
        .partition
        .iter()
        .chain(table.sort)
        .map(|name| {
            let index = batch.schema().index_of(name)?;
            Ok(SortColumn {
                values: Arc::clone(batch.column(index)),
                options: None,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(lexsort_to_indices(&columns, None)?)
}

fn encode(table: &Table, batch: &RecordBatch) -> Result<Encoded> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(Encoded {
        bytes,
        stats: stats(table, batch),
    })
}

/// Describes a file for the Delta log: row count, and minimum, maximum and nulls of the table's
/// `stats` columns (Delta protocol, "Per-file Statistics").
fn stats(table: &Table, batch: &RecordBatch) -> String {
    let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
    for &name in table.stats {
        let Some(column) = batch.column_by_name(name) else {
            continue;
        };
        nulls.insert(name.to_owned(), json!(column.null_count()));
        if let Some((low, high)) = bounds(column) {
            least.insert(name.to_owned(), low);
            most.insert(name.to_owned(), high);
        }
    }
    json!({
        "numRecords": batch.num_rows(),
        "minValues": least,
        "maxValues": most,
        "nullCount": nulls,
    })
    .to_string()
}

fn bounds(column: &ArrayRef) -> Option<(Value, Value)> {
    match column.data_type() {
        DataType::Utf8 => {
            let text: &StringArray = column.as_string();
            min_string(text)
                .zip(max_string(text))
                .map(|(low, high)| (cut(low, false), cut(high, true)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            min(times)
                .zip(max(times))
                .and_then(|(low, high)| Some((rfc3339(low)?, rfc3339(high)?)))
        }
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>();
            min(numbers)
                .zip(max(numbers))
                .map(|(low, high)| (json!(low), json!(high)))
        }
        _ => None,
    }
}

fn cut(text: &str, upper: bool) -> Value {
    let Some((end, _)) = text.char_indices().nth(STATS_TEXT_CHARS) else {
        return json!(text);
    };
    if !upper {
        return json!(&text[..end]);
    }
    // A text that goes on with the tie breaker itself may sort after it.
    let rest = text[end..].trim_start_matches(TIE_BREAKER);
    if rest.is_empty() {
        return json!(text);
    }
    json!(format!("{}{TIE_BREAKER}", &text[..text.len() - rest.len()]))
}

fn rfc3339(micros: i64) -> Option<Value> {
    let time = DateTime::from_timestamp_micros(micros)?;
    Some(json!(time.to_rfc3339_opts(SecondsFormat::Micros, true)))
}

#[cfg(test)]
mod tests;
