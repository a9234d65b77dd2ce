//! The Delta log of a table: checkpoints, and log files that are no longer needed.

use chrono::{DateTime, TimeDelta, Utc};
use deltalake::checkpoints::create_checkpoint;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use super::vacuum::delete_all;
use super::{Options, Report};
use crate::error::{Error, Result};
use crate::schema::Table;
use crate::store::{CHECKPOINT_COMMITS, LOG_RETENTION_DAYS, Store};

const FOLDER: &str = "_delta_log";

/// A file of a log that belongs to a version.
#[derive(Debug)]
struct Entry {
    version: u64,
    checkpoint: bool,
    written: DateTime<Utc>,
    path: Path,
}

async fn entries(store: &Store, table: &'static Table) -> Result<Vec<Entry>> {
    let listed: Vec<_> = store
        .table_objects(table)
        .list(Some(&Path::from(FOLDER)))
        .try_collect()
        .await
        .map_err(|source| Error::Store {
            what: format!("list the log of {}", table.name),
            source,
        })?;
    let entries = listed.into_iter().filter_map(|object| {
        let name = object.location.filename()?;
        let (version, rest) = name.split_at_checked(20)?;
        let checkpoint = rest.starts_with(".checkpoint") && rest.ends_with(".parquet");
        if !checkpoint && rest != ".json" {
            return None;
        }
        Some(Entry {
            version: version.parse().ok()?,
            checkpoint,
            written: object.last_modified,
            path: object.location,
        })
    });
    Ok(entries.collect())
}

/// Writes a checkpoint where one is due, or where `changed` made much of the log of no use, and deletes log files that
/// only versions beyond the retention need.
pub(super) async fn tidy(
    store: &Store,
    table: &'static Table,
    changed: bool,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let before = entries(store, table).await?;
    let newest = |checkpoint: bool| {
        before
            .iter()
            .filter(|entry| entry.checkpoint == checkpoint)
            .map(|entry| entry.version)
            .max()
    };
    let Some(version) = newest(false) else {
        return Ok(());
    };
    let since = version - newest(true).unwrap_or(0).min(version);
    if since >= CHECKPOINT_COMMITS || (changed && since > 0) {
        report.of(table).checkpoints += 1;
        if !options.dry_run {
            let delta = store.require(table).await?;
            create_checkpoint(&delta, None)
                .await
                .map_err(|source| Error::Delta {
                    table: table.name,
                    what: "write a checkpoint of",
                    source: Box::new(source),
                })?;
        }
    }
    let expired = expired(before, options);
    report.of(table).log_files_deleted += expired.len() as u64;
    if options.dry_run {
        return Ok(());
    }
    let what = format!("old log files of {}", table.name);
    let paths = expired.into_iter().map(|entry| entry.path).collect();
    delete_all(&store.table_objects(table), &what, paths).await
}

/// Log files that no version within the retention needs: those before the last checkpoint that the oldest such version
/// can be read from.
fn expired(entries: Vec<Entry>, options: &Options) -> Vec<Entry> {
    let oldest = options.now() - TimeDelta::days(LOG_RETENTION_DAYS);
    let newest = entries.iter().map(|entry| entry.version).max().unwrap_or(0);
    let kept = entries
        .iter()
        .filter(|entry| entry.written >= oldest)
        .map(|entry| entry.version)
        .min()
        .unwrap_or(newest);
    let Some(start) = entries
        .iter()
        .filter(|entry| entry.checkpoint && entry.version <= kept)
        .map(|entry| entry.version)
        .max()
    else {
        return Vec::new();
    };
    entries
        .into_iter()
        .filter(|entry| entry.version < start && entry.written < oldest)
        .collect()
}
