//! Keeps a store fast and small: merges small data files, folds activities, writes checkpoints, deletes what nobody can
//! need any more; makes activities anew and removes old days where asked to.
//!
//! Everything may run beside ingesters, queries and other maintainers. What changes a table is one commit each, made
//! onto exactly the version that was looked at (`replace`); what is deleted is older than any reader and fenced from
//! any writer (`vacuum`). Dying at any moment leaves at most files that the next run deletes.

mod compact;
mod expire;
mod files;
mod fold;
mod log;
mod merge;
mod output;
mod protocol;
mod rebuild;
mod replace;
mod vacuum;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deltalake::DeltaTable;

use crate::error::{Error, Result};
use crate::schema::{BATCH_TABLES, TABLES, Table};
use crate::stop::Stop;
use crate::store::Store;

/// How long a batch may lack tables before maintenance completes it in its ingester's place.
const LEFT_ALONE: TimeDelta = TimeDelta::hours(1);

/// What to do, and its bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// Files smaller than this are merged, in bytes.
    pub small_bytes: u64,
    /// Size of what they become, in bytes.
    pub target_bytes: u64,
    /// Fewest small files of a partition that are worth it.
    pub min_files: usize,
    /// How long files stay that no version holds any more, or that no version ever held.
    pub retain: TimeDelta,
    /// Make `activities` anew from `events`.
    pub rebuild_activities: bool,
    /// Remove days of events that end before this time, in microseconds since the epoch.
    pub expire_before: Option<i64>,
    /// Change nothing, and say what would be done.
    pub dry_run: bool,
    /// Failed attempts in a row after which a run gives up.
    pub attempts: u32,
    /// First pause after a failed attempt; it doubles with each, up to 64 times.
    pub pause: Duration,
    /// Asks the run to end after the commit in work.
    pub stop: Stop,
    /// Gives the time, in microseconds since the epoch.
    pub clock: fn() -> i64,
}

impl Options {
    /// Defaults, with the time from `clock`.
    #[must_use]
    pub fn new(clock: fn() -> i64) -> Self {
        Self {
            small_bytes: 128 << 20,
            target_bytes: 256 << 20,
            min_files: 4,
            retain: vacuum::RETAIN,
            rebuild_activities: false,
            expire_before: None,
            dry_run: false,
            attempts: 20,
            pause: Duration::from_millis(50),
            stop: Stop::never(),
            clock,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros((self.clock)()).unwrap_or_default()
    }

    fn now_millis(&self) -> i64 {
        (self.clock)() / 1_000
    }
}

/// What was done to a table, or with a dry run would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableReport {
    /// The table.
    pub table: &'static str,
    /// Data files of the newest version before.
    pub files_before: u64,
    /// The same after.
    pub files_after: u64,
    /// Their bytes before.
    pub bytes_before: u64,
    /// Their bytes after; with a dry run, as before.
    pub bytes_after: u64,
    /// Rows before.
    pub rows_before: u64,
    /// Rows after: fewer where activities were folded or days removed, more where others wrote.
    pub rows_after: u64,
    /// Files that were merged into others.
    pub merged: u64,
    /// Rows of days that were removed.
    pub rows_expired: u64,
    /// Data files deleted that no version within the retention holds.
    pub files_deleted: u64,
    /// Their bytes.
    pub bytes_deleted: u64,
    /// Log files deleted.
    pub log_files_deleted: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By table.
    pub tables: Vec<TableReport>,
    /// Batches of ingest that were completed because nobody else did.
    pub completed_batches: u64,
    /// Days of activities made anew.
    pub rebuilt_days: u64,
    /// Manifests and redo records deleted.
    pub protocol_files: u64,
    /// The run was asked to end before it was through.
    pub stopped: bool,
}

impl Report {
    fn of(&mut self, table: &'static Table) -> &mut TableReport {
        let known = self.tables.iter().position(|each| each.table == table.name);
        let at = known.unwrap_or_else(|| {
            self.tables.push(TableReport {
                table: table.name,
                ..TableReport::default()
            });
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }
}

/// Hears how a run goes on.
pub trait Progress: Send + Sync {
    /// So many files of so many bytes of a table were merged by one commit.
    fn merged(&self, _table: &str, _files: u64, _bytes: u64) {}
    /// An attempt failed and will be made again.
    fn retrying(&self, _error: &Error) {}
}

impl Progress for () {}

/// Maintains a store once.
///
/// # Errors
/// [`Error::Exhausted`] where the store fails again and again, [`Error::Inconsistent`] where a table does not hold what
/// its log says. What was committed stays.
pub async fn run(store: &Store, options: &Options, progress: &dyn Progress) -> Result<Report> {
    let mut tables = Vec::with_capacity(TABLES.len());
    let mut report = Report::default();
    for table in TABLES {
        let Some(delta) = store.load(table).await? else {
            continue;
        };
        let (files, bytes, rows) = size(table, &delta)?;
        let shown = report.of(table);
        (shown.files_before, shown.bytes_before, shown.rows_before) = (files, bytes, rows);
        (shown.files_after, shown.bytes_after, shown.rows_after) = (files, bytes, rows);
        tables.push(table);
    }
    if tables.is_empty() {
        return Err(Error::NoTable {
            location: store.location().to_owned(),
            table: TABLES[0].name,
        });
    }
    change(store, &tables, options, progress, &mut report).await?;
    if !options.dry_run {
        for &table in &tables {
            let (files, bytes, rows) = size(table, &store.require(table).await?)?;
            let shown = report.of(table);
            (shown.files_after, shown.bytes_after, shown.rows_after) = (files, bytes, rows);
        }
    }
    report.stopped = options.stop.is_asked();
    Ok(report)
}

async fn change(
    store: &Store,
    tables: &[&'static Table],
    options: &Options,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let exists = |wanted: &&Table| tables.iter().any(|table| table.name == wanted.name);
    let batches = BATCH_TABLES.iter().all(exists);
    if batches && !options.dry_run {
        let before = options.now() - LEFT_ALONE;
        let mut retries = replace::retries(options);
        loop {
            match protocol::complete(store, before).await {
                Ok((completed, _)) => {
                    report.completed_batches += completed;
                    break;
                }
                Err(error) => {
                    retries
                        .wait(error, |error| progress.retrying(error))
                        .await?;
                }
            }
        }
    }
    if let (Some(before), true) = (options.expire_before, batches) {
        expire::expire(store, before, options, progress, report).await?;
    }
    if options.rebuild_activities && batches {
        rebuild::rebuild(store, options, progress, report).await?;
    }
    for &table in tables {
        let mut retries = replace::retries(options);
        loop {
            let shown = report.of(table);
            let Err(error) = compact::compact(store, table, options, progress, shown).await else {
                break;
            };
            retries
                .wait(error, |error| progress.retrying(error))
                .await?;
        }
    }
    if options.stop.is_asked() {
        return Ok(());
    }
    let mut retries = replace::retries(options);
    loop {
        // Counts of an attempt that failed are of what is gone now: they stay.
        let Err(error) = clean(store, tables, options, report).await else {
            return Ok(());
        };
        retries
            .wait(error, |error| progress.retrying(error))
            .await?;
    }
}

/// Deletes what is old, and tidies the logs.
async fn clean(
    store: &Store,
    tables: &[&'static Table],
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    vacuum::vacuum(store, tables, options, report).await?;
    for &table in tables {
        let changed = report.of(table).merged > 0;
        log::tidy(store, table, changed, options, report).await?;
    }
    Ok(())
}

/// Files, bytes and rows of a loaded table.
fn size(table: &'static Table, delta: &DeltaTable) -> Result<(u64, u64, u64)> {
    let files = crate::datafile::files(table, delta)?;
    let bytes = files.iter().map(|file| file.size).sum();
    let rows = files.iter().map(|file| file.rows).sum();
    Ok((files.len() as u64, bytes, rows))
}

#[cfg(test)]
mod tests;
