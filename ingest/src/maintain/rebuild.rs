//! Makes `activities` anew from `events`, day by day.
//!
//! ```text
//! complete the batches that events has and activities lacks
//! load activities, then events           → both hold the same batches, or a redo record tells that they do not
//! for each day: read events, write activities, commit in the place of the day's files
//! ```
//!
//! Batches that land meanwhile add files of their own, which stay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake::DeltaTable;
use deltalake::kernel::Add;
use deltalake::protocol::{DeltaOperation, SaveMode};

use super::files::{self, Live, Partition, by_partition, runs};
use super::fold::{self, Fold};
use super::merge::Merge;
use super::output::{Output, must_agree};
use super::replace::{self, Change, Replacement};
use super::{Options, Progress, Report, protocol};
use crate::activity;
use crate::error::{Error, Result};
use crate::schema::{ACTIVITIES, EVENTS};
use crate::store::Store;

/// The same batches of two tables.
pub(super) struct Pair {
    /// Fence of `events` and of `activities`.
    pub(super) fences: (i64, i64),
    pub(super) events: BTreeMap<Partition, Vec<Live>>,
    pub(super) activities: BTreeMap<Partition, Vec<Live>>,
}

/// Loads `events` and `activities` with the same batches.
///
/// # Errors
/// [`Error::Conflict`] where an ingester is between two steps of a commit; start over.
pub(super) async fn pair(store: &Store, options: &Options, report: &mut Report) -> Result<Pair> {
    let (completed, _) = protocol::complete(store, options.now()).await?;
    report.completed_batches += completed;
    let activities = store.require(&ACTIVITIES).await?;
    let events = store.require(&EVENTS).await?;
    // What `events` got since `activities` was loaded is still named by its redo record, or is in a later version of
    // `activities` by now.
    check_complete(store, &events, &activities).await?;
    let newest = store.require(&ACTIVITIES).await?;
    if activities.version() != newest.version() {
        return Err(Error::Conflict {
            table: ACTIVITIES.name,
            seq: 0,
        });
    }
    let now = options.now_millis();
    Ok(Pair {
        fences: (
            replace::fence(&EVENTS, &events).await?,
            replace::fence(&ACTIVITIES, &activities).await?,
        ),
        events: by_partition(files::live(&EVENTS, &events, now)?),
        activities: by_partition(files::live(&ACTIVITIES, &activities, now)?),
    })
}

async fn check_complete(store: &Store, events: &DeltaTable, activities: &DeltaTable) -> Result<()> {
    let records = protocol::list(store).await?;
    let positions = protocol::positions(&records, events).await?;
    for file in records
        .iter()
        .filter(|file| protocol::is_committed(file, &positions))
    {
        let held = crate::commit::position(&ACTIVITIES, activities, &file.source).await?;
        if held.seq < file.seq {
            return Err(Error::Conflict {
                table: ACTIVITIES.name,
                seq: file.seq,
            });
        }
    }
    Ok(())
}

/// Makes all activities anew.
pub(super) async fn rebuild(
    store: &Store,
    options: &Options,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let mut done: BTreeSet<Partition> = BTreeSet::new();
    let mut retries = replace::retries(options);
    loop {
        match pass(store, options, progress, &mut done, report).await {
            Ok(true) => return Ok(()),
            Ok(false) => retries.forget(),
            Err(error) => {
                retries
                    .wait(error, |error| progress.retrying(error))
                    .await?;
            }
        }
    }
}

/// Goes through the days that are not done. True where none is left.
async fn pass(
    store: &Store,
    options: &Options,
    progress: &dyn Progress,
    done: &mut BTreeSet<Partition>,
    report: &mut Report,
) -> Result<bool> {
    let mut pair = pair(store, options, report).await?;
    let days: BTreeSet<Partition> = pair
        .events
        .keys()
        .chain(pair.activities.keys())
        .filter(|day| !done.contains(*day))
        .cloned()
        .collect();
    let mut overtaken = false;
    for day in days {
        if options.stop.is_asked() {
            return Ok(true);
        }
        if options.dry_run {
            report.rebuilt_days += 1;
            continue;
        }
        let events = pair.events.remove(&day).unwrap_or_default();
        let activities = pair.activities.remove(&day).unwrap_or_default();
        let adds = rebuilt(store, &day, events, options).await?;
        let replacement = Replacement {
            // Without files to take the place of, nothing else tells that another was faster.
            alone_in: activities.is_empty().then(|| day.clone()),
            removes: activities.into_iter().map(|file| file.remove).collect(),
            adds,
        };
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: ACTIVITIES.partition.map(|column| vec![column.to_owned()]),
            predicate: None,
        };
        let all = [replacement];
        let what = Change {
            table: &ACTIVITIES,
            fence: pair.fences.1,
            operation,
        };
        let outcome = replace::commit_all(store, &what, &all, options, progress).await?;
        if outcome.overtaken > 0 {
            overtaken = true;
            continue;
        }
        report.rebuilt_days += 1;
        done.insert(day);
    }
    Ok(!overtaken)
}

/// Columns of `events` that activities are made of.
fn columns() -> SchemaRef {
    let names = activity::source_columns();
    let all = EVENTS.file_schema();
    let fields: Vec<_> = all
        .fields()
        .iter()
        .filter(|field| names.contains(&field.name().as_str()))
        .cloned()
        .collect();
    Arc::new(Schema::new(fields))
}

/// Writes the activities of a day's events. Where they are in more files than are merged at once, activities are folded
/// within each of several runs of files only; rows of one activity add up.
async fn rebuilt(
    store: &Store,
    day: &Partition,
    events: Vec<Live>,
    options: &Options,
) -> Result<Vec<Add>> {
    let mut output = Output::new(
        &ACTIVITIES,
        store.table_objects(&ACTIVITIES),
        day.clone(),
        options.target_bytes,
        true,
    );
    for some in runs(&EVENTS, events) {
        if let Err(error) = write_activities(store, &some, &mut output).await {
            output.abandon().await;
            return Err(error);
        }
    }
    output.finish().await
}

async fn write_activities(store: &Store, events: &[Live], output: &mut Output) -> Result<()> {
    let infos: Vec<_> = events.iter().map(|file| &file.info).collect();
    let objects = store.table_objects(&EVENTS);
    let mut merge = Merge::open(&EVENTS, &objects, &infos, columns()).await?;
    let before = output.calls;
    let mut fold = Fold::default();
    let mut read = 0;
    while let Some(rows) = merge.next().await? {
        read += i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        let made = tokio::task::spawn_blocking(move || {
            let made = activity::of_events(&rows)?;
            let index = made.schema().index_of("event_date")?;
            let mut made = made;
            made.remove_column(index);
            fold::sorted(&made)
        });
        if let Some(whole) = fold.push(&made.await??)? {
            output.write(&whole).await?;
        }
    }
    if let Some(rest) = fold.finish() {
        output.write(&rest).await?;
    }
    must_agree(&ACTIVITIES, "calls", read, output.calls - before)
}
