//! Deletes files that nobody can need any more: data files that no version within the retention holds, those of attempts
//! that were never committed, and old files of the commit protocol.
//!
//! ```text
//! list data files that are old enough
//! look when each log was last written   → nobody can commit a file that was written before: commits are made onto
//!                                         the version that was loaded before the file was written
//! load events, list the redo records    → files of batches that other tables still lack
//! load every table                      → files that are live, or were removed within the retention
//! delete the rest
//! ```
//!
//! The order matters: a batch that is committed meanwhile is either still named by its redo record when those are
//! listed, or in every table that is loaded after.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use deltalake::DeltaTable;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::log;
use super::protocol::{self, File};
use super::replace::next_transaction;
use super::{Options, Report};
use crate::commit;
use crate::error::{Error, Result};
use crate::schema::{BATCH_TABLES, EVENTS, Table};
use crate::store::Store;

/// Objects whose deletion is asked for at once.
const DELETED_AT_ONCE: usize = 1_000;

/// A table and what may have to go from it.
struct Old {
    table: &'static Table,
    files: Vec<ObjectMeta>,
}

/// Deletes what nobody can need; with `dry_run` counts it.
pub(super) async fn vacuum(
    store: &Store,
    tables: &[&'static Table],
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let oldest = options.now() - options.retain;
    let mut old = Vec::with_capacity(tables.len());
    for &table in tables {
        old.push(old_files(store, table, oldest).await?);
    }
    let newest_redo = protocol::list(store)
        .await?
        .into_iter()
        .filter(|file| file.written < oldest)
        .map(|file| file.written)
        .max();
    let fenced = fence(store, &old, newest_redo, options).await?;
    let events = store.require(&EVENTS).await?;
    let needed = protocol_files(store, &events, oldest, fenced, options, report).await?;
    let mut kept = BTreeMap::new();
    for file in &needed {
        for (table, paths) in named(store, file).await? {
            let all: &mut HashSet<String> = kept.entry(table).or_default();
            all.extend(paths);
        }
    }
    for Old { table, mut files } in old {
        let delta = store.require(table).await?;
        let mut keep = in_use(table, &delta, oldest).await?;
        keep.extend(kept.remove(table.name).into_iter().flatten());
        files.retain(|file| !keep.contains(file.location.as_ref()));
        let bytes = files.iter().map(|file| file.size).sum::<u64>();
        let count = files.len() as u64;
        if !options.dry_run {
            delete_all(store, table, files).await?;
        }
        let shown = report.of(table);
        shown.files_deleted += count;
        shown.bytes_deleted += bytes;
    }
    Ok(())
}

/// Lists data files that were written before `oldest`.
async fn old_files(store: &Store, table: &'static Table, oldest: DateTime<Utc>) -> Result<Old> {
    let files = store
        .table_objects(table)
        .list(None)
        .try_filter(|object| {
            let old = object.last_modified < oldest && is_data_file(table, &object.location);
            futures::future::ready(old)
        })
        .try_collect()
        .await
        .map_err(|source| Error::Store {
            what: format!("list {}", table.name),
            source,
        })?;
    Ok(Old { table, files })
}

/// True for `PARTITION/NAME.parquet`, or `NAME.parquet` where a table has no partitions.
fn is_data_file(table: &Table, path: &Path) -> bool {
    let parts: Vec<_> = path.parts().collect();
    let (folders, name) = parts.split_at(parts.len().saturating_sub(1));
    let data = name
        .first()
        .is_some_and(|name| name.as_ref().ends_with(".parquet"));
    let placed = match (table.partition, folders) {
        (None, []) => true,
        (Some(column), [folder]) => folder
            .as_ref()
            .strip_prefix(column)
            .is_some_and(|rest| rest.starts_with('=')),
        _ => false,
    };
    data && placed
}

/// Makes sure that no running attempt can commit what is old: every log that such a file could be committed to has a
/// version that was written after the file. Gives until when redo records are void where their batch is not committed.
async fn fence(
    store: &Store,
    old: &[Old],
    newest_redo: Option<DateTime<Utc>>,
    options: &Options,
) -> Result<Option<DateTime<Utc>>> {
    let newest = |files: &[ObjectMeta]| files.iter().map(|file| file.last_modified).max();
    // Whatever belongs to a batch is committed to `events` first.
    let of_batches = old
        .iter()
        .filter(|old| {
            BATCH_TABLES
                .iter()
                .any(|table| table.name == old.table.name)
        })
        .filter_map(|old| newest(&old.files))
        .chain(newest_redo)
        .max();
    for old in old {
        let mut last = newest(&old.files);
        if old.table.name == EVENTS.name {
            last = last.max(of_batches);
        }
        let Some(last) = last else { continue };
        let written = log::last_written(store, old.table).await?;
        if written.is_some_and(|written| written > last) || options.dry_run {
            continue;
        }
        let delta = store.require(old.table).await?;
        let transaction = next_transaction(old.table, &delta).await?;
        commit::append(old.table, &delta, Vec::new(), vec![transaction]).await?;
    }
    Ok(of_batches)
}

/// Deletes manifests and redo records that nobody can need, and gives the redo records that are left.
async fn protocol_files(
    store: &Store,
    events: &DeltaTable,
    oldest: DateTime<Utc>,
    fenced: Option<DateTime<Utc>>,
    options: &Options,
    report: &mut Report,
) -> Result<Vec<File>> {
    let files = protocol::list(store).await?;
    let positions = protocol::positions(&files, events).await?;
    let mut needed = Vec::new();
    for file in files {
        let redo = file.kind != protocol::Kind::Manifest;
        let void = redo
            && !protocol::is_committed(&file, &positions)
            && file.written < oldest
            && fenced.is_some_and(|fenced| file.written <= fenced);
        if void || protocol::is_dead(&file, &positions) {
            report.protocol_files += 1;
            if !options.dry_run {
                protocol::delete(store, &file).await?;
            }
        } else if redo {
            needed.push(file);
        }
    }
    Ok(needed)
}

async fn named(store: &Store, file: &File) -> Result<BTreeMap<&'static str, Vec<String>>> {
    match protocol::named_files(store, file).await {
        // Its batch was completed meanwhile: the tables that are loaded next have its files.
        Err(Error::Conflict { .. }) => Ok(BTreeMap::new()),
        other => other,
    }
}

/// Files that a loaded table holds, or that were removed since `oldest`.
async fn in_use(
    table: &'static Table,
    delta: &DeltaTable,
    oldest: DateTime<Utc>,
) -> Result<HashSet<String>> {
    let failed = |source| Error::Delta {
        table: table.name,
        what: "list removed files of",
        source: Box::new(source),
    };
    let snapshot = delta.snapshot().map_err(failed)?;
    let mut used: HashSet<String> = snapshot
        .log_data()
        .iter()
        .map(|file| file.object_store_path().to_string())
        .collect();
    let log = delta.log_store();
    let mut removed = snapshot.all_tombstones(log.as_ref());
    while let Some(file) = removed.next().await {
        let file = file.map_err(failed)?;
        let at = file
            .deletion_timestamp()
            .and_then(DateTime::from_timestamp_millis);
        if at.is_none_or(|at| at >= oldest) {
            used.insert(file.path().into_owned());
        }
    }
    Ok(used)
}

async fn delete_all(store: &Store, table: &'static Table, files: Vec<ObjectMeta>) -> Result<()> {
    let objects: Arc<dyn ObjectStore> = store.table_objects(table);
    for some in files.chunks(DELETED_AT_ONCE) {
        let paths: Vec<_> = some.iter().map(|file| Ok(file.location.clone())).collect();
        let mut deleted = objects.delete_stream(futures::stream::iter(paths).boxed());
        while let Some(answer) = deleted.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => {
                    return Err(Error::Store {
                        what: format!("delete data files of {}", table.name),
                        source,
                    });
                }
            }
        }
    }
    Ok(())
}

/// The default of `--retain`.
pub(super) const RETAIN: TimeDelta = TimeDelta::days(7);
