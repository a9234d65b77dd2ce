//! Merges small data files of a table into large ones, with the same rows in the same order.

use std::sync::Arc;

use deltalake::kernel::Add;
use deltalake::protocol::DeltaOperation;
use object_store::ObjectStore;

use super::files::{self, Group, plan};
use super::fold::Fold;
use super::merge::Merge;
use super::output::{Output, calls, must_agree};
use super::replace::{self, Change, Replacement};
use super::{Options, Progress, TableReport};
use crate::error::Result;
use crate::schema::{ACTIVITIES, Table};
use crate::store::Store;

/// Passes over one table: what a pass writes may be merged by the next.
const PASSES: u32 = 10;

/// Bytes read for one commit: bounds what a failure costs.
const COMMIT_BYTES: u64 = 512 << 20;

/// Files replaced by one commit: bounds the text of the commit.
const COMMIT_FILES: usize = 4_096;

/// Merges the small files of a table; with `dry_run` says what that would come to.
pub(super) async fn compact(
    store: &Store,
    table: &'static Table,
    options: &Options,
    progress: &dyn Progress,
    report: &mut TableReport,
) -> Result<()> {
    for _ in 0..PASSES {
        let delta = store.require(table).await?;
        let live = files::live(table, &delta, options.now_millis())?;
        let fence = replace::fence(table, &delta).await?;
        drop(delta);
        let groups = plan(table, live, options);
        if options.dry_run {
            for group in &groups {
                let count = group.files.len() as u64;
                report.merged += count;
                report.files_after += group.outputs(options);
                report.files_after = report.files_after.saturating_sub(count);
            }
            return Ok(());
        }
        if groups.is_empty() || options.stop.is_asked() {
            return Ok(());
        }
        let before = report.merged;
        let what = Change {
            table,
            fence,
            operation: DeltaOperation::Optimize {
                predicate: None,
                target_size: i64::try_from(options.target_bytes).unwrap_or(i64::MAX),
            },
        };
        merge_all(store, &what, groups, options, progress, report).await?;
        if report.merged == before {
            // Others were faster; they have merged what there was.
            return Ok(());
        }
    }
    Ok(())
}

async fn merge_all(
    store: &Store,
    what: &Change,
    groups: Vec<Group>,
    options: &Options,
    progress: &dyn Progress,
    report: &mut TableReport,
) -> Result<()> {
    let table = what.table;
    let objects = store.table_objects(table);
    let mut ready: Vec<Replacement> = Vec::new();
    let (mut bytes, mut count) = (0, 0);
    let left = groups.len();
    for (at, group) in groups.into_iter().enumerate() {
        let adds = merged(table, &objects, &group, options).await?;
        bytes += group.bytes();
        count += group.files.len();
        ready.push(Replacement {
            removes: group.files.into_iter().map(|file| file.remove).collect(),
            adds,
            alone_in: None,
        });
        let last = at + 1 == left || options.stop.is_asked();
        if last || bytes >= COMMIT_BYTES || count >= COMMIT_FILES {
            let outcome = replace::commit_all(store, what, &ready, options, progress).await?;
            report.merged += outcome.removed;
            progress.merged(table.name, outcome.removed, bytes);
            ready.clear();
            (bytes, count) = (0, 0);
        }
        if last {
            break;
        }
    }
    Ok(())
}

/// Writes the rows of a group's files into new ones.
async fn merged(
    table: &'static Table,
    objects: &Arc<dyn ObjectStore>,
    group: &Group,
    options: &Options,
) -> Result<Vec<Add>> {
    let mut output = Output::new(
        table,
        Arc::clone(objects),
        group.partition.clone(),
        options.target_bytes,
        false,
    );
    match copy(table, objects, group, &mut output).await {
        Ok(()) => output.finish().await,
        Err(error) => {
            output.abandon().await;
            Err(error)
        }
    }
}

async fn copy(
    table: &'static Table,
    objects: &Arc<dyn ObjectStore>,
    group: &Group,
    output: &mut Output,
) -> Result<()> {
    let infos: Vec<_> = group.files.iter().map(|file| &file.info).collect();
    let mut merge = Merge::open(table, objects, &infos, table.file_schema()).await?;
    let folds = table.name == ACTIVITIES.name;
    let mut fold = Fold::default();
    let (mut rows_read, mut calls_read) = (0, 0);
    while let Some(rows) = merge.next().await? {
        rows_read += rows.num_rows() as u64;
        calls_read += calls(&rows);
        if folds {
            if let Some(whole) = fold.push(&rows)? {
                output.write(&whole).await?;
            }
        } else {
            output.write(&rows).await?;
        }
    }
    if let Some(rest) = fold.finish() {
        output.write(&rest).await?;
    }
    let known: u64 = infos.iter().map(|info| info.rows).sum();
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    must_agree(table, "rows", signed(known), signed(rows_read))?;
    if folds {
        must_agree(table, "calls", calls_read, output.calls)
    } else {
        must_agree(table, "rows", signed(rows_read), signed(output.rows))
    }
}
