//! Writes the Parquet data files of the tables and describes them for the Delta log; `read` reads
//! columns of them back.

mod read;
mod stats;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use arrow::datatypes::Date32Type;
use deltalake::kernel::Add;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};
use crate::schema::{EVENTS, Table};

pub(crate) use read::{FileInfo, Files, RowStream, files, read_columns, rows};
pub(crate) use stats::Stats;

/// Rows of a Parquet row group.
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;

/// Level of zstd: higher ones cost ingest time and gain little.
const ZSTD_LEVEL: i32 = 3;

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
    stats: Stats,
}

async fn put(
    table: &Table,
    objects: &Arc<dyn ObjectStore>,
    partition: Option<String>,
    encoded: Encoded,
    name: &str,
) -> Result<Add> {
    let path = path(table, partition.as_deref(), name);
    let size = encoded.bytes.len() as u64;
    objects
        .put(&path.as_str().into(), encoded.bytes.into())
        .await
        .map_err(|source| Error::Store {
            what: format!("write {}/{path}", table.name),
            source,
        })?;
    Ok(add(table, path, partition, size, &encoded.stats, true))
}

/// Gives the path of a data file below its table's folder.
pub(crate) fn path(table: &Table, partition: Option<&str>, name: &str) -> String {
    match table.partition {
        None => format!("{name}.parquet"),
        Some(column) => {
            let folder = partition.unwrap_or("__HIVE_DEFAULT_PARTITION__");
            format!("{column}={folder}/{name}.parquet")
        }
    }
}

/// Describes a data file for the Delta log. `data_change` is false where it holds rows that were there before.
pub(crate) fn add(
    table: &Table,
    path: String,
    partition: Option<String>,
    size: u64,
    stats: &Stats,
    data_change: bool,
) -> Add {
    let partition_values = table
        .partition
        .map(|column| HashMap::from([(column.to_owned(), partition)]))
        .unwrap_or_default();
    Add {
        path,
        partition_values,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        // The time a file was made has no meaning for us and would make runs differ.
        modification_time: 0,
        data_change,
        stats: Some(stats.to_json()),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

/// Sorts a batch and splits it by its partition column, which is dropped; Delta keeps the value in its log.
fn split(table: &Table, batch: &RecordBatch) -> Result<Vec<(Option<String>, RecordBatch)>> {
    // Rows are gathered once, and each partition is a piece of them.
    let mut rows = sorted(table, batch)?;
    let Some(column) = table.partition else {
        return Ok(vec![(None, rows)]);
    };
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

/// Sorts rows by their partition, where they have its column, then as the table's data files are sorted.
pub(crate) fn sorted(table: &Table, batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = batch.schema();
    let partition = table.partition.filter(|name| schema.index_of(name).is_ok());
    let columns = partition
        .iter()
        .chain(table.sort)
        .map(|name| {
            let index = schema.index_of(name)?;
            Ok(SortColumn {
                values: Arc::clone(batch.column(index)),
                options: None,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let order = lexsort_to_indices(&columns, None)?;
    // Rows that came in order are not copied.
    if order.values().is_sorted() {
        return Ok(batch.clone());
    }
    Ok(take_record_batch(batch, &order)?)
}

fn encode(table: &Table, batch: &RecordBatch) -> Result<Encoded> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties(table)?))?;
    writer.write(batch)?;
    writer.close()?;
    let mut stats = Stats::new(table);
    stats.add(batch);
    Ok(Encoded { bytes, stats })
}

/// Columns of `events` that one row is looked for by: Bloom filters tell which row groups cannot hold it. They take two
/// bytes in a hundred.
const NEEDLES: [&str; 3] = ["event_id", "access_key_id", "issued_access_key_id"];

/// Share of row groups that are read in vain.
const FALSE_POSITIVES: f64 = 0.01;

/// Columns of `events` whose values are all different: a dictionary would be tried and given up in every row group.
const ALL_DIFFERENT: [&str; 2] = ["event_id", "request_id"];

/// Gives how the data files of a table are written, whoever writes them.
pub(crate) fn properties(table: &Table) -> Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    if table.name == EVENTS.name {
        for column in NEEDLES {
            properties = properties.set_column_bloom_filter_fpp(column.into(), FALSE_POSITIVES);
        }
        for column in ALL_DIFFERENT {
            properties = properties.set_column_dictionary_enabled(column.into(), false);
        }
    }
    Ok(properties.build())
}

#[cfg(test)]
mod tests;
