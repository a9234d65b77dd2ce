//! The shelf: what views that are computed once came to, kept in the store for the sessions that come after.
//!
//! A snapshot never changes, so neither does what is computed of it. It lies under `_answers/`, in a folder that
//! is named for everything that decides it: the tables with their versions, the rules, and the code. Nothing rests
//! on the shelf: what is missing, cannot be read, or does not fit is computed anew, and a store that cannot be
//! written is only slower to start with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use podtrail_ingest::store::Store;
use sha2::{Digest, Sha256};

use crate::catalog::Snapshot;

/// Folder of the store.
const FOLDER: &str = "_answers";

/// State of the sources that this code was built from.
const SOURCES: &str = env!("PODTRAIL_SOURCES");

/// Hexadecimal digits of a SHA-256 in the name of a folder.
const DIGEST_CHARS: usize = 24;

/// Rows of a part of a view, which is one object.
const PART_ROWS: usize = 1 << 20;

/// Rows that are read, and compressed, together.
const GROUP_ROWS: usize = 65_536;

/// Snapshots whose answers stay; those of older ones are cleared away.
const SNAPSHOTS: usize = 3;

/// Parts that are read at the same time.
const AT_ONCE: usize = 4;

/// In the first part of a view, which is written last: how many there are.
const PARTS: &str = "podtrail.parts";

/// Why a view is not read from the shelf.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Store(#[from] object_store::Error),
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("the reader was stopped")]
    Stopped(#[from] tokio::task::JoinError),
    #[error("its columns are others")]
    OtherColumns,
    #[error("it does not say how many parts it has")]
    NoParts,
}

/// The answers to one snapshot.
#[derive(Debug)]
pub(crate) struct Shelf {
    objects: Arc<dyn ObjectStore>,
    /// The store's folder on this machine, if it is one: there, a folder stays when its files go.
    local: Option<PathBuf>,
    folder: Path,
    /// Set once something could not be written.
    closed: AtomicBool,
    swept: AtomicBool,
}

impl Shelf {
    /// Gives the shelf of a snapshot. `identity` is what the tables are called and the rules they are read with.
    pub(crate) fn new(store: &Store, snapshot: &Snapshot, identity: &[String]) -> Self {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(SOURCES);
        for (table, version) in snapshot {
            add(table);
            add(&version.to_string());
        }
        for text in identity {
            add(text);
        }
        let mut short = format!("{:x}", hash.finalize());
        short.truncate(DIGEST_CHARS);
        // Versions only grow, so that later snapshots sort behind earlier ones.
        let age: u64 = snapshot.values().sum();
        Self {
            objects: Arc::clone(store.objects()),
            local: store.local_folder(),
            folder: Path::from_iter([FOLDER.to_owned(), format!("{age:012}-{short}")]),
            closed: AtomicBool::new(false),
            swept: AtomicBool::new(false),
        }
    }

    fn part(&self, view: &str, part: usize) -> Path {
        self.folder
            .clone()
            .join(format!("{view}-{part:04}.parquet"))
    }

    /// Gives the rows of a view, if they are here and have these columns.
    pub(crate) async fn take(&self, view: &str, schema: &SchemaRef) -> Option<Vec<RecordBatch>> {
        match self.read(view, schema).await {
            Ok(rows) => Some(rows),
            Err(Unusable::Store(object_store::Error::NotFound { .. })) => None,
            Err(error) => {
                tracing::warn!(view, %error, "a kept answer cannot be used and is computed anew");
                None
            }
        }
    }

    async fn read(&self, view: &str, schema: &SchemaRef) -> Result<Vec<RecordBatch>, Unusable> {
        let (parts, first) = self.read_part(view, 0, schema).await?;
        let parts = parts.ok_or(Unusable::NoParts)?;
        let rest: Vec<Vec<RecordBatch>> =
            futures::stream::iter(1..parts)
                .map(|part| async move {
                    Ok::<_, Unusable>(self.read_part(view, part, schema).await?.1)
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
        Ok(first
            .into_iter()
            .chain(rest.into_iter().flatten())
            .collect())
    }

    async fn read_part(
        &self,
        view: &str,
        part: usize,
        schema: &SchemaRef,
    ) -> Result<(Option<usize>, Vec<RecordBatch>), Unusable> {
        let bytes = self.objects.get(&self.part(view, part)).await?;
        let bytes = bytes.bytes().await?;
        let schema = Arc::clone(schema);
        tokio::task::spawn_blocking(move || {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
            if reader.schema().fields() != schema.fields() {
                return Err(Unusable::OtherColumns);
            }
            let parts = reader
                .metadata()
                .file_metadata()
                .key_value_metadata()
                .and_then(|all| all.iter().find(|each| each.key == PARTS))
                .and_then(|each| each.value.as_deref()?.parse().ok());
            let rows = reader
                .with_batch_size(GROUP_ROWS)
                .build()?
                .map(|batch| {
                    let batch = batch?;
                    Ok(RecordBatch::try_new(
                        Arc::clone(&schema),
                        batch.columns().to_vec(),
                    )?)
                })
                .collect::<Result<Vec<_>, Unusable>>()?;
            Ok((parts, rows))
        })
        .await?
    }

    /// Keeps the rows of a view, if the store can be written.
    pub(crate) async fn put(&self, view: &str, schema: &SchemaRef, rows: &[RecordBatch]) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.write(view, schema, rows).await {
            self.closed.store(true, Ordering::Relaxed);
            tracing::info!(%error, "answers are not kept: the store cannot be written");
            return;
        }
        if !self.swept.swap(true, Ordering::Relaxed)
            && let Err(error) = self.sweep().await
        {
            tracing::debug!(%error, "old answers are not cleared away");
        }
    }

    async fn write(
        &self,
        view: &str,
        schema: &SchemaRef,
        rows: &[RecordBatch],
    ) -> Result<(), Unusable> {
        let mut parts: Vec<Vec<RecordBatch>> = vec![Vec::new()];
        let mut held = 0;
        for batch in rows {
            if held >= PART_ROWS {
                parts.push(Vec::new());
                held = 0;
            }
            held += batch.num_rows();
            if let Some(part) = parts.last_mut() {
                part.push(batch.clone());
            }
        }
        let count = parts.len();
        // The first part says that all are there.
        for (at, part) in parts.into_iter().enumerate().rev() {
            let schema = Arc::clone(schema);
            let bytes =
                tokio::task::spawn_blocking(move || encode(&schema, &part, count)).await??;
            self.objects.put(&self.part(view, at), bytes.into()).await?;
        }
        Ok(())
    }

    /// Clears away the answers to old snapshots.
    async fn sweep(&self) -> Result<(), Unusable> {
        let all = self
            .objects
            .list_with_delimiter(Some(&Path::from(FOLDER)))
            .await?;
        let mut folders = all.common_prefixes;
        folders.sort_unstable();
        let old = folders.len().saturating_sub(SNAPSHOTS);
        for folder in folders.into_iter().take(old) {
            if folder == self.folder {
                continue;
            }
            let found: Vec<_> = self.objects.list(Some(&folder)).try_collect().await?;
            for object in found {
                self.objects.delete(&object.location).await?;
            }
            if let Some(local) = &self.local {
                // Somebody else may have cleared it away.
                let _ = tokio::fs::remove_dir(local.join(folder.as_ref())).await;
            }
        }
        Ok(())
    }
}

fn encode(schema: &SchemaRef, rows: &[RecordBatch], parts: usize) -> Result<Vec<u8>, Unusable> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            PARTS.to_owned(),
            parts.to_string(),
        )]))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(schema), Some(properties))?;
    for batch in rows {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
