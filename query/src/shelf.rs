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

use crate::catalog::Snapshot;
use crate::days::Days;
use crate::digest;

/// Folder of the store.
const FOLDER: &str = "_answers";

/// State of the sources that this code was built from.
const SOURCES: &str = env!("PODTRAIL_SOURCES");

/// Rows of a part of a view, which is one object.
const PART_ROWS: usize = 1 << 20;

/// Rows that are read, and compressed, together.
const GROUP_ROWS: usize = 65_536;

/// Snapshots whose answers stay; those of older ones are cleared away.
const SNAPSHOTS: usize = 3;

/// Parts that are read at the same time.
const AT_ONCE: usize = 4;

/// In the first part of a view, which is written last: the digests of the others, by comma. They are named by them, so that
/// several processes that write the same view, each with its rows in an order of its own, never mix.
const PARTS: &str = "podtrail.parts";

/// In the first part of a view by day: the files of each day, and what else decides its rows.
const DAYS: &str = "podtrail.days";
const BASIS: &str = "podtrail.basis";

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
    #[error("it does not say which parts it has")]
    NoParts,
    #[error("what it says of its days cannot be read")]
    Days(#[from] serde_json::Error),
}

/// What the first part of a view says of it.
#[derive(Debug, Default)]
struct Label {
    parts: Option<Vec<String>>,
    days: Option<String>,
    basis: Option<String>,
}

impl Label {
    fn read(values: Option<&Vec<KeyValue>>) -> Self {
        let find = |key| {
            let found = values?.iter().find(|each| each.key == key);
            found.and_then(|each| each.value.clone())
        };
        Self {
            parts: find(PARTS).map(|parts| {
                let digests = parts.split(',').filter(|digest| !digest.is_empty());
                digests.map(str::to_owned).collect()
            }),
            days: find(DAYS),
            basis: find(BASIS),
        }
    }
}

/// The answers to one snapshot.
#[derive(Debug)]
pub(crate) struct Shelf {
    objects: Arc<dyn ObjectStore>,
    /// The store's folder on this machine, if it is one: there, a folder stays when its files go.
    local: Option<PathBuf>,
    folder: Path,
    /// What decides the rows of a day beside its files: the tables, the rules, and the code.
    basis: String,
    /// Set once something could not be written.
    closed: AtomicBool,
    swept: AtomicBool,
}

impl Shelf {
    /// Gives the shelf of a snapshot. `identity` is what the tables are called and the rules they are read with.
    pub(crate) fn new(store: &Store, snapshot: &Snapshot, identity: &[String]) -> Self {
        let basis = digest::short(
            [SOURCES]
                .into_iter()
                .chain(identity.iter().map(String::as_str)),
        );
        let versions = snapshot
            .iter()
            .flat_map(|(table, version)| [(*table).to_owned(), version.to_string()]);
        let short = digest::short([basis.clone()].into_iter().chain(versions));
        // Versions only grow, so that later snapshots sort behind earlier ones.
        let age: u64 = snapshot.values().sum();
        Self {
            objects: Arc::clone(store.objects()),
            local: store.local_folder(),
            folder: Path::from_iter([FOLDER.to_owned(), format!("{age:012}-{short}")]),
            basis,
            closed: AtomicBool::new(false),
            swept: AtomicBool::new(false),
        }
    }

    /// Gives the rows of a view, if they are here and have these columns.
    pub(crate) async fn take(&self, view: &str, schema: &SchemaRef) -> Option<Vec<RecordBatch>> {
        match self.read(&self.folder, view, schema).await {
            Ok((_, rows)) => Some(rows),
            Err(Unusable::Store(object_store::Error::NotFound { .. })) => None,
            Err(error) => {
                tracing::warn!(view, %error, "a kept answer cannot be used and is computed anew");
                None
            }
        }
    }

    /// Gives the rows of a view by day in the newest other snapshot that has them, and the files of its days.
    pub(crate) async fn earlier(
        &self,
        view: &str,
        schema: &SchemaRef,
    ) -> Option<(Days, Vec<RecordBatch>)> {
        let folders = self.folders().await.ok()?;
        for folder in folders.iter().rev().filter(|each| **each != self.folder) {
            // What is not there, was cleared away, or comes from other code is no loss.
            let Ok((label, rows)) = self.read(folder, view, schema).await else {
                continue;
            };
            if label.basis.as_deref() == Some(&self.basis)
                && let Some(days) = label.days
                && let Ok(days) = serde_json::from_str(&days)
            {
                return Some((days, rows));
            }
        }
        None
    }

    async fn read(
        &self,
        folder: &Path,
        view: &str,
        schema: &SchemaRef,
    ) -> Result<(Label, Vec<RecordBatch>), Unusable> {
        let (label, first) = self.read_part(first_part(folder, view), schema).await?;
        let parts = label.parts.clone().ok_or(Unusable::NoParts)?;
        let rest: Vec<Vec<RecordBatch>> = futures::stream::iter(parts)
            .map(|digest| async move {
                let part = further_part(folder, view, &digest);
                Ok::<_, Unusable>(self.read_part(part, schema).await?.1)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let rest = rest.into_iter().flatten();
        Ok((label, first.into_iter().chain(rest).collect()))
    }

    async fn read_part(
        &self,
        part: Path,
        schema: &SchemaRef,
    ) -> Result<(Label, Vec<RecordBatch>), Unusable> {
        let bytes = self.objects.get(&part).await?;
        let bytes = bytes.bytes().await?;
        let schema = Arc::clone(schema);
        tokio::task::spawn_blocking(move || {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
            if reader.schema().fields() != schema.fields() {
                return Err(Unusable::OtherColumns);
            }
            let metadata = reader.metadata().file_metadata();
            let label = Label::read(metadata.key_value_metadata());
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
            Ok((label, rows))
        })
        .await?
    }

    /// Keeps the rows of a view, if the store can be written; those of a view by day with the files of its days.
    pub(crate) async fn put(
        &self,
        view: &str,
        schema: &SchemaRef,
        rows: &[RecordBatch],
        days: Option<&Days>,
    ) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.write(view, schema, rows, days).await {
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
        days: Option<&Days>,
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
        let first = parts.remove(0);
        let mut digests = Vec::with_capacity(parts.len());
        for part in parts {
            let bytes = encode(schema, part, Vec::new()).await?;
            let digest = digest::of_bytes(&bytes);
            let place = further_part(&self.folder, view, &digest);
            self.objects.put(&place, bytes.into()).await?;
            digests.push(digest);
        }
        let mut label = vec![KeyValue::new(PARTS.to_owned(), digests.join(","))];
        if let Some(days) = days {
            let days = serde_json::to_string(days)?;
            label.push(KeyValue::new(DAYS.to_owned(), days));
            label.push(KeyValue::new(BASIS.to_owned(), self.basis.clone()));
        }
        // The first part says that all are there.
        let bytes = encode(schema, first, label).await?;
        let place = first_part(&self.folder, view);
        self.objects.put(&place, bytes.into()).await?;
        Ok(())
    }

    /// Gives the folders of all snapshots, older ones first.
    async fn folders(&self) -> Result<Vec<Path>, Unusable> {
        let folder = Path::from(FOLDER);
        let all = self.objects.list_with_delimiter(Some(&folder)).await?;
        let mut folders = all.common_prefixes;
        folders.sort_unstable();
        Ok(folders)
    }

    /// Clears away the answers to old snapshots.
    async fn sweep(&self) -> Result<(), Unusable> {
        let folders = self.folders().await?;
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

fn first_part(folder: &Path, view: &str) -> Path {
    folder.clone().join(format!("{view}.parquet"))
}

fn further_part(folder: &Path, view: &str, digest: &str) -> Path {
    folder.clone().join(format!("{view}-{digest}.parquet"))
}

async fn encode(
    schema: &SchemaRef,
    rows: Vec<RecordBatch>,
    label: Vec<KeyValue>,
) -> Result<Vec<u8>, Unusable> {
    let schema = Arc::clone(schema);
    tokio::task::spawn_blocking(move || encoded(&schema, &rows, label)).await?
}

fn encoded(
    schema: &SchemaRef,
    rows: &[RecordBatch],
    label: Vec<KeyValue>,
) -> Result<Vec<u8>, Unusable> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(label))
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
