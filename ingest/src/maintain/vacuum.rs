//! Deletes files that nobody can need any more: data files that no version within the retention holds, those of attempts
//! that were never committed, and old files of the commit protocol.
//!
//! ```text
//! list data files that are old enough
//! raise the fence of their tables       → nobody can commit a file that was written before (`replace`)
//! load events, list the redo records    → files of batches that other tables still lack
//! load every table                      → files that are live, or were removed within the retention
//! delete the rest
//! ```
//!
//! The order matters: a batch that is committed meanwhile is either still named by its redo record when those are
//! listed, or in every table that is loaded after.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use deltalake::DeltaTable;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::protocol::{self, File};
use super::replace;
use super::{Options, Report};
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
    // Where their batch is not committed by then, the fence makes them void.
    let fenced: HashSet<Path> = protocol::list(store)
        .await?
        .into_iter()
        .filter(|file| file.kind != protocol::Kind::Manifest && file.written < oldest)
        .map(|file| file.path)
        .collect();
    fence(store, &old, !fenced.is_empty(), options).await?;
    let events = store.require(&EVENTS).await?;
    let needed = protocol_files(store, &events, &fenced, options, report).await?;
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
            let what = format!("data files of {}", table.name);
            let paths = files.into_iter().map(|file| file.location).collect();
            delete_all(&store.table_objects(table), &what, paths).await?;
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

/// Makes sure that nobody can commit what no version holds: raises the fence of every table that has such old files, and
/// of `events`, where a batch is committed first.
async fn fence(store: &Store, old: &[Old], redo: bool, options: &Options) -> Result<()> {
    let mut tables: Vec<&'static Table> = Vec::new();
    for old in old {
        let delta = store.require(old.table).await?;
        let known = in_log(old.table, &delta).await?;
        let strange = |file: &ObjectMeta| !known.contains_key(file.location.as_ref());
        if old.files.iter().any(strange) {
            tables.push(old.table);
        }
    }
    let of_batch = |table: &&Table| BATCH_TABLES.iter().any(|each| each.name == table.name);
    let batches = redo || tables.iter().any(of_batch);
    if batches && !tables.iter().any(|table| table.name == EVENTS.name) {
        tables.push(&EVENTS);
    }
    if !options.dry_run {
        for table in tables {
            replace::raise_fence(store, table).await?;
        }
    }
    Ok(())
}

/// Deletes manifests and redo records that nobody can need, and gives the redo records that are left.
async fn protocol_files(
    store: &Store,
    events: &DeltaTable,
    fenced: &HashSet<Path>,
    options: &Options,
    report: &mut Report,
) -> Result<Vec<File>> {
    let files = protocol::list(store).await?;
    let positions = protocol::positions(&files, events).await?;
    let (mut needed, mut old) = (Vec::new(), Vec::new());
    for file in files {
        let redo = file.kind != protocol::Kind::Manifest;
        let void = fenced.contains(&file.path) && !protocol::is_committed(&file, &positions);
        if void || protocol::is_dead(&file, &positions) {
            old.push(file.path);
        } else if redo {
            needed.push(file);
        }
    }
    report.protocol_files += old.len() as u64;
    if !options.dry_run {
        delete_all(store.objects(), "files of the commit protocol", old).await?;
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

/// Files that the log of a loaded table knows, and when those were removed that it does not hold any more.
async fn in_log(
    table: &'static Table,
    delta: &DeltaTable,
) -> Result<HashMap<String, Option<DateTime<Utc>>>> {
    let failed = |source| Error::Delta {
        table: table.name,
        what: "list removed files of",
        source: Box::new(source),
    };
    let snapshot = delta.snapshot().map_err(failed)?;
    let mut known = HashMap::new();
    let log = delta.log_store();
    let mut removed = snapshot.all_tombstones(log.as_ref());
    while let Some(file) = removed.next().await {
        let file = file.map_err(failed)?;
        let at = file
            .deletion_timestamp()
            .and_then(DateTime::from_timestamp_millis);
        known.insert(file.path().into_owned(), at);
    }
    for file in snapshot.log_data().iter() {
        known.insert(file.object_store_path().to_string(), None);
    }
    Ok(known)
}

/// Files that a loaded table holds, or that were removed since `oldest`.
async fn in_use(
    table: &'static Table,
    delta: &DeltaTable,
    oldest: DateTime<Utc>,
) -> Result<HashSet<String>> {
    let known = in_log(table, delta).await?.into_iter();
    Ok(known
        .filter(|(_, removed)| removed.is_none_or(|at| at >= oldest))
        .map(|(path, _)| path)
        .collect())
}

/// Deletes objects; those that are gone already are no error.
pub(super) async fn delete_all(
    objects: &Arc<dyn ObjectStore>,
    what: &str,
    paths: Vec<Path>,
) -> Result<()> {
    for some in paths.chunks(DELETED_AT_ONCE) {
        let some: Vec<_> = some.iter().cloned().map(Ok).collect();
        let mut deleted = objects.delete_stream(futures::stream::iter(some).boxed());
        while let Some(answer) = deleted.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => {
                    return Err(Error::Store {
                        what: format!("delete {what}"),
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
