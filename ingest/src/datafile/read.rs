//! Reads columns of data files, and what the Delta log tells of the files.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use bytes::Bytes;
use chrono::DateTime;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::schema::Table;

/// Reads ranges of one object for the Parquet reader.
struct ObjectReader {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.objects
            .get_range(&self.path, range)
            .map_err(external)
            .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move {
            self.objects
                .get_ranges(&self.path, &ranges)
                .await
                .map_err(external)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

/// What the Delta log tells of one data file.
#[derive(Debug, Clone)]
pub(crate) struct FileInfo {
    /// Path below the table's folder.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Rows.
    pub(crate) rows: u64,
    /// Minimum and maximum as text, by column.
    least: Map<String, Value>,
    most: Map<String, Value>,
}

impl FileInfo {
    /// Describes a file by its `Add` action's path, size and statistics.
    pub(crate) fn new(path: String, size: i64, stats: Option<&str>) -> Self {
        let mut stats: Map<String, Value> = stats
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let mut take = |name: &str| match stats.remove(name) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let (least, most) = (take("minValues"), take("maxValues"));
        Self {
            path,
            size: u64::try_from(size).unwrap_or(0),
            rows: stats.get("numRecords").and_then(Value::as_u64).unwrap_or(0),
            least,
            most,
        }
    }

    /// True unless the statistics prove that no row has `column` within `low..=high` (text order).
    pub(crate) fn may_hold(&self, column: &str, low: &str, high: &str) -> bool {
        let text =
            |map: &Map<String, Value>| map.get(column).and_then(Value::as_str).map(str::to_owned);
        match (text(&self.least), text(&self.most)) {
            (Some(least), Some(most)) => least.as_str() <= high && low <= most.as_str(),
            _ => true,
        }
    }

    /// True unless the statistics prove that no row's time `column` is within `low..=high` (µs).
    pub(crate) fn may_hold_time(&self, column: &str, low: i64, high: i64) -> bool {
        let micros = |map: &Map<String, Value>| {
            let text = map.get(column)?.as_str()?;
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|time| time.timestamp_micros())
        };
        match (micros(&self.least), micros(&self.most)) {
            // A checkpoint may keep milliseconds only: widen by one.
            (Some(least), Some(most)) => least <= high && low <= most.saturating_add(1_000),
            _ => true,
        }
    }
}

/// Lists the data files of a loaded table.
///
/// # Errors
/// [`Error::Delta`] where the table is not loaded.
pub(crate) fn files(table: &'static Table, delta: &deltalake::DeltaTable) -> Result<Vec<FileInfo>> {
    let snapshot = delta.snapshot().map_err(|source| Error::Delta {
        table: table.name,
        what: "snapshot",
        source: Box::new(source),
    })?;
    Ok(snapshot
        .log_data()
        .iter()
        .map(|file| {
            FileInfo::new(
                file.object_store_path().to_string(),
                file.size(),
                file.stats().as_deref(),
            )
        })
        .collect())
}

/// Reads some columns of a data file, in the order asked for, texts as `Utf8`.
///
/// # Errors
/// The object store fails or the file is no Parquet file with these columns.
pub(crate) async fn read_columns(
    objects: &Arc<dyn ObjectStore>,
    file: &FileInfo,
    columns: &[&str],
    mut each: impl FnMut(&[ArrayRef]) -> Result<()>,
) -> Result<()> {
    let reader = ObjectReader {
        objects: Arc::clone(objects),
        path: file.path.as_str().into(),
        size: file.size,
    };
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let mut batches = builder
        .with_projection(mask)
        .with_batch_size(8_192)
        .build()?;
    while let Some(batch) = batches.try_next().await? {
        let arrays = columns
            .iter()
            .map(|name| {
                let index = batch.schema().index_of(name)?;
                let column = batch.column(index);
                match column.data_type() {
                    DataType::Utf8View | DataType::LargeUtf8 => Ok(cast(column, &DataType::Utf8)?),
                    _ => Ok(Arc::clone(column)),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        each(&arrays)?;
    }
    Ok(())
}
