//! Removes whole days of `events` and their activities that are older than a time. `ingested_objects` stays, so that
//! what was read is not read again.
//!
//! The two tables are loaded with the same batches, and of both exactly the files of those versions go: a batch that
//! lands meanwhile stays whole in both, until the next time. Dying between the two commits leaves activities without
//! events, which the same command then removes.

use deltalake::protocol::DeltaOperation;

use super::files::{Live, Partition};
use super::rebuild::{Pair, pair};
use super::replace::{self, Change, Replacement};
use super::{Options, Progress, Report};
use crate::error::Result;
use crate::schema::{ACTIVITIES, EVENTS};
use crate::store::Store;

const DAY_MICROS: i64 = 86_400_000_000;

/// True for a day that ends before `before`, in microseconds. What has no day never expires.
fn is_over(day: &Partition, before: i64) -> bool {
    let begin = day
        .as_deref()
        .and_then(|day| day.parse::<chrono::NaiveDate>().ok())
        .and_then(|day| day.and_hms_opt(0, 0, 0));
    begin.is_some_and(|begin| {
        begin
            .and_utc()
            .timestamp_micros()
            .saturating_add(DAY_MICROS)
            <= before
    })
}

/// Removes days before `before`, in microseconds.
pub(super) async fn expire(
    store: &Store,
    before: i64,
    options: &Options,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    let mut retries = replace::retries(options);
    loop {
        match pass(store, before, options, progress, report).await {
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

/// Removes what is over now. True where nothing of it is left.
async fn pass(
    store: &Store,
    before: i64,
    options: &Options,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<bool> {
    let Pair {
        fences,
        events,
        activities,
    } = pair(store, options, report).await?;
    let mut whole = true;
    // A crash in between leaves activities, which the next pass finds by themselves.
    for (table, fence, days) in [
        (&EVENTS, fences.0, events),
        (&ACTIVITIES, fences.1, activities),
    ] {
        let over: Vec<Vec<Live>> = days
            .into_iter()
            .filter(|(day, _)| is_over(day, before))
            .map(|(_, files)| files)
            .collect();
        let rows: u64 = over.iter().flatten().map(|file| file.info.rows).sum();
        if over.is_empty() || options.dry_run {
            report.of(table).rows_expired += rows;
            continue;
        }
        let over: Vec<Replacement> = over.into_iter().map(removal).collect();
        let operation = DeltaOperation::Delete {
            predicate: Some(format!("event_date, days before {before} µs")),
        };
        let what = Change {
            table,
            fence,
            operation,
        };
        let outcome = replace::commit_all(store, &what, &over, options, progress).await?;
        if outcome.overtaken > 0 {
            whole = false;
            // Activities must not go before their events.
            break;
        }
        report.of(table).rows_expired += rows;
    }
    Ok(whole)
}

fn removal(files: Vec<Live>) -> Replacement {
    let removes = files.into_iter().map(|file| {
        let mut remove = file.remove;
        remove.data_change = true;
        remove
    });
    Replacement {
        removes: removes.collect(),
        adds: Vec::new(),
        alone_in: None,
    }
}
