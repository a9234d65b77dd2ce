//! Writes rows of one partition into data files of a bounded size.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::sum;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use deltalake::kernel::Add;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::errors::ParquetError;

use super::files::Partition;
use crate::datafile::{self, Stats};
use crate::error::{Error, Result};
use crate::schema::Table;

/// Bytes of one part of an upload, and of the largest file that is stored by one request.
const PART_BYTES: usize = 16 << 20;

/// Rows encoded at once, so that a file's size is looked at often enough.
const ENCODED_ROWS: usize = 8_192;

/// Stores what is written to it, in parts where it is large.
struct Upload {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    held: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    async fn store_part(&mut self) -> object_store::Result<()> {
        let part = std::mem::take(&mut self.held);
        let upload = match &mut self.parts {
            Some(upload) => upload,
            none => none.insert(self.objects.put_multipart(&self.path).await?),
        };
        upload.put_part(part.into()).await
    }

    async fn end(&mut self) -> object_store::Result<()> {
        if self.parts.is_none() {
            let all = std::mem::take(&mut self.held);
            self.objects.put(&self.path, all.into()).await?;
            return Ok(());
        }
        if !self.held.is_empty() {
            self.store_part().await?;
        }
        if let Some(upload) = &mut self.parts {
            upload.complete().await?;
        }
        Ok(())
    }

    /// Drops parts that are stored already; a bucket would keep them, unseen.
    async fn abandon(mut self) {
        if let Some(upload) = &mut self.parts
            && let Err(error) = upload.abort().await
        {
            tracing::debug!(path = %self.path, %error, "parts left behind");
        }
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileWriter for Upload {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, parquet::errors::Result<()>> {
        async move {
            self.held.extend_from_slice(&bytes);
            if self.held.len() >= PART_BYTES {
                self.store_part().await.map_err(external)?;
            }
            Ok(())
        }
        .boxed()
    }

    fn complete(&mut self) -> BoxFuture<'_, parquet::errors::Result<()>> {
        async move { self.end().await.map_err(external) }.boxed()
    }
}

/// A data file in the making.
struct Open {
    path: String,
    writer: AsyncArrowWriter<Upload>,
    stats: Stats,
}

/// Writes data files.
pub(super) struct Output {
    table: &'static Table,
    objects: Arc<dyn ObjectStore>,
    partition: Partition,
    target_bytes: u64,
    data_change: bool,
    open: Option<Open>,
    adds: Vec<Add>,
    /// Rows written.
    pub(super) rows: u64,
    /// Calls that the rows of `activities` count.
    pub(super) calls: i64,
}

impl Output {
    pub(super) fn new(
        table: &'static Table,
        objects: Arc<dyn ObjectStore>,
        partition: Partition,
        target_bytes: u64,
        data_change: bool,
    ) -> Self {
        Self {
            table,
            objects,
            partition,
            target_bytes,
            data_change,
            open: None,
            adds: Vec::new(),
            rows: 0,
            calls: 0,
        }
    }

    /// Writes sorted rows.
    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.calls += calls(rows);
        let mut from = 0;
        while from < rows.num_rows() {
            let count = ENCODED_ROWS.min(rows.num_rows() - from);
            self.write_some(&rows.slice(from, count)).await?;
            from += count;
        }
        Ok(())
    }

    async fn write_some(&mut self, rows: &RecordBatch) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(begin(
                self.table,
                &self.objects,
                self.partition.as_deref(),
                rows,
            )?),
        };
        open.writer.write(rows).await?;
        open.stats.add(rows);
        self.rows += rows.num_rows() as u64;
        let size = open.writer.bytes_written() + open.writer.in_progress_size();
        if size as u64 >= self.target_bytes {
            self.end_file().await?;
        }
        Ok(())
    }

    async fn end_file(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        if let Err(error) = open.writer.finish().await {
            open.writer.into_inner().abandon().await;
            return Err(error.into());
        }
        self.adds.push(datafile::add(
            self.table,
            open.path,
            self.partition.clone(),
            open.writer.bytes_written() as u64,
            &open.stats,
            self.data_change,
        ));
        Ok(())
    }

    /// Ends the last file and describes all.
    pub(super) async fn finish(mut self) -> Result<Vec<Add>> {
        self.end_file().await?;
        Ok(self.adds)
    }

    /// Gives up. Files that are whole stay, as files of any attempt that was not committed do, until they are old.
    pub(super) async fn abandon(self) {
        if let Some(open) = self.open {
            open.writer.into_inner().abandon().await;
        }
    }
}

fn begin(
    table: &'static Table,
    objects: &Arc<dyn ObjectStore>,
    partition: Option<&str>,
    rows: &RecordBatch,
) -> Result<Open> {
    let name = format!("maintained-{}", uuid::Uuid::new_v4());
    let path = datafile::path(table, partition, &name);
    let upload = Upload {
        objects: Arc::clone(objects),
        path: path.as_str().into(),
        held: Vec::new(),
        parts: None,
    };
    let properties = datafile::properties(table)?;
    Ok(Open {
        path,
        writer: AsyncArrowWriter::try_new(upload, rows.schema(), Some(properties))?,
        stats: Stats::new(table),
    })
}

/// Calls that rows count; 0 where they are no activities.
pub(super) fn calls(rows: &RecordBatch) -> i64 {
    rows.column_by_name("calls")
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .and_then(sum)
        .unwrap_or(0)
}

/// Demands that what was written is what was read.
pub(super) fn must_agree(table: &'static Table, what: &str, read: i64, written: i64) -> Result<()> {
    if read == written {
        return Ok(());
    }
    Err(Error::Inconsistent {
        table: table.name,
        reason: format!("{read} {what} by what is known, {written} by what was read"),
    })
}
