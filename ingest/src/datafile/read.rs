//! Reads columns of data files, and what the Delta log tells of the files.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use chrono::DateTime;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::schema::Table;

/// Files up to this size are read by one request rather than by one for the footer and one for each range.
const WHOLE_BYTES: u64 = 256 << 10;

/// Rows of a batch of [`read_columns`].
const COLUMN_ROWS: usize = 8_192;

/// Reads ranges of one object for the Parquet reader.
struct ObjectReader {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    /// All of a small file.
    whole: Option<Bytes>,
}

impl ObjectReader {
    async fn open(objects: &Arc<dyn ObjectStore>, file: &FileInfo) -> Result<Self> {
        let path = Path::from(file.path.as_str());
        let mut size = file.size;
        let mut whole = None;
        if size <= WHOLE_BYTES {
            let read = async { objects.get(&path).await?.bytes().await };
            let bytes = read.await.map_err(|source| Error::Store {
                what: format!("read {path}"),
                source,
            })?;
            size = bytes.len() as u64;
            whole = Some(bytes);
        }
        Ok(Self {
            objects: Arc::clone(objects),
            path,
            size,
            whole,
        })
    }

    fn part(&self, range: &Range<u64>) -> Option<parquet::errors::Result<Bytes>> {
        let whole = self.whole.as_ref()?;
        let part = || {
            let (start, end) = (
                usize::try_from(range.start).ok()?,
                usize::try_from(range.end).ok()?,
            );
            (start <= end && end <= whole.len()).then(|| whole.slice(start..end))
        };
        Some(part().ok_or_else(|| ParquetError::EOF(format!("{} is cut off", self.path))))
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        if let Some(part) = self.part(&range) {
            return futures::future::ready(part).boxed();
        }
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
            if self.whole.is_some() {
                return ranges.iter().filter_map(|range| self.part(range)).collect();
            }
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
    least: Arc<Map<String, Value>>,
    most: Arc<Map<String, Value>>,
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
            least: Arc::new(least),
            most: Arc::new(most),
        }
    }

    /// Gives the smallest value of a column as the log writes it; empty where it does not tell.
    pub(crate) fn least(&self, column: &str) -> String {
        match self.least.get(column) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
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
    Files::default().list(table, delta)
}

/// The data files of a table's versions, one after the other: what is known of a file is read once.
#[derive(Debug, Default)]
pub(crate) struct Files {
    known: HashMap<String, FileInfo>,
}

impl Files {
    /// Lists the data files of a loaded table, as [`files`].
    ///
    /// # Errors
    /// As [`files`].
    pub(crate) fn list(
        &mut self,
        table: &'static Table,
        delta: &deltalake::DeltaTable,
    ) -> Result<Vec<FileInfo>> {
        let mut known = HashMap::with_capacity(self.known.len());
        let mut listed = Vec::with_capacity(self.known.len());
        let snapshot = delta.snapshot().map_err(|source| Error::Delta {
            table: table.name,
            what: "snapshot",
            source: Box::new(source),
        })?;
        for file in snapshot.log_data().iter() {
            let path = file.object_store_path().to_string();
            // Statistics are made of columns by the log's reader, one file at a time: that takes long.
            let info = self
                .known
                .remove(&path)
                .unwrap_or_else(|| FileInfo::new(path, file.size(), file.stats().as_deref()));
            known.insert(info.path.clone(), info.clone());
            listed.push(info);
        }
        self.known = known;
        Ok(listed)
    }
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
    let reader = ObjectReader::open(objects, file).await?;
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let mut batches = builder
        .with_projection(mask)
        .with_batch_size(COLUMN_ROWS)
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

/// Rows of a data file, batch after batch.
pub(crate) struct RowStream {
    batches: ParquetRecordBatchStream<ObjectReader>,
    schema: SchemaRef,
}

impl RowStream {
    /// Gives the next rows, with the columns asked for; `None` after the last.
    ///
    /// # Errors
    /// As [`read_columns`].
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.batches.try_next().await? else {
            return Ok(None);
        };
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| {
                let column = batch.column(batch.schema().index_of(field.name())?);
                if column.data_type() == field.data_type() {
                    return Ok(Arc::clone(column));
                }
                Ok(cast(column, field.data_type())?)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns,
        )?))
    }
}

/// Opens a data file for reading the columns of `schema`, so many rows at once.
///
/// # Errors
/// As [`read_columns`].
pub(crate) async fn rows(
    objects: &Arc<dyn ObjectStore>,
    file: &FileInfo,
    schema: &SchemaRef,
    batch_rows: usize,
) -> Result<RowStream> {
    let reader = ObjectReader::open(objects, file).await?;
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    Ok(RowStream {
        batches: builder
            .with_projection(mask)
            .with_batch_size(batch_rows)
            .build()?,
        schema: Arc::clone(schema),
    })
}
