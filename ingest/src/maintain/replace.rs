//! Commits that put data files in the place of others.
//!
//! ```text
//! load the table             → are all files that are to go still there?
//! commit onto that version   → whatever the outcome: start over
//! ```
//!
//! What was read stays right while others commit, as long as the files it was read from are there: an ingester only
//! adds files, and whoever else replaces files makes them go. So the files need not be written anew because the table
//! moved on, and a commit that is made onto exactly the version that was looked at can neither lose nor repeat a row.
//! What was written may be taken for files of an attempt that failed, and deleted: whoever deletes such files raises the
//! table's fence before (`vacuum`), and what was begun below a fence that was raised since is not committed.

use std::collections::HashSet;

use deltalake::DeltaTable;
use deltalake::kernel::{Add, Remove, Transaction};
use deltalake::protocol::DeltaOperation;

use super::files::{self, Live, Partition};
use super::{Options, Progress};
use crate::commit;
use crate::error::{Error, Result};
use crate::retry::Retries;
use crate::schema::Table;
use crate::store::Store;

/// Application transaction of all commits of maintenance: fences engines that resolve conflicts by it.
const APPLICATION: &str = "maintenance";

/// Application transaction that is the fence of a table: it counts how often files that no version ever held were deleted.
const FENCE: &str = "maintenance-fence";

/// Longest wait between two attempts, in pauses.
const LONGEST_PAUSES: u32 = 64;

/// Files of a partition that others take the place of.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) removes: Vec<Remove>,
    pub(super) adds: Vec<Add>,
    /// The partition must hold no other files: what is added stands for all of it.
    pub(super) alone_in: Option<Partition>,
}

/// What replacements are made of, and when that was begun.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) table: &'static Table,
    /// The table's fence before the first file was written.
    pub(super) fence: i64,
    pub(super) operation: DeltaOperation,
}

/// What became of replacements.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Files that are no longer in the table.
    pub(super) removed: u64,
    /// Replacements that another's commit made void.
    pub(super) overtaken: u64,
}

/// Retries with the waits of the options.
pub(super) fn retries(options: &Options) -> Retries {
    let pause = options.pause;
    Retries::new(options.attempts, pause, pause * LONGEST_PAUSES)
}

/// Commits replacements, those that still can be.
///
/// # Errors
/// [`Error::Exhausted`] where too many attempts in a row failed.
pub(super) async fn commit_all(
    store: &Store,
    change: &Change,
    replacements: &[Replacement],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let mut retries = retries(options);
    loop {
        match attempt(store, change, replacements, options).await {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => retries.forget(),
            Err(error) => {
                retries
                    .wait(error, |error| progress.retrying(error))
                    .await?;
            }
        }
    }
}

/// Commits once; gives the outcome where a look at the table shows that nothing is left to commit.
async fn attempt(
    store: &Store,
    change: &Change,
    replacements: &[Replacement],
    options: &Options,
) -> Result<Option<Outcome>> {
    let table = change.table;
    let delta = store.require(table).await?;
    let live = files::live(table, &delta, 0)?;
    let paths: HashSet<&str> = live.iter().map(|file| file.remove.path.as_str()).collect();
    let void = fence(table, &delta).await? != change.fence;
    let mut outcome = Outcome::default();
    let (mut removes, mut adds) = (Vec::new(), Vec::new());
    for replacement in replacements {
        let count = replacement.removes.len() as u64;
        match state(replacement, &paths, &live) {
            State::Done => outcome.removed += count,
            State::Overtaken => outcome.overtaken += 1,
            State::Open if void => outcome.overtaken += 1,
            State::Open => {
                removes.extend(replacement.removes.iter().cloned());
                adds.extend(replacement.adds.iter().cloned());
            }
        }
    }
    if removes.is_empty() && adds.is_empty() {
        return Ok(Some(outcome));
    }
    let now = options.now_millis();
    for remove in &mut removes {
        remove.deletion_timestamp = Some(now);
    }
    let transaction = next_transaction(table, &delta).await?;
    commit::replace(
        table,
        &delta,
        removes,
        adds,
        transaction,
        change.operation.clone(),
    )
    .await?;
    Ok(None)
}

enum State {
    Done,
    Overtaken,
    Open,
}

fn state(replacement: &Replacement, paths: &HashSet<&str>, live: &[Live]) -> State {
    let removed = |remove: &Remove| !paths.contains(remove.path.as_str());
    let added = |add: &Add| paths.contains(add.path.as_str());
    let (removes, adds) = (&replacement.removes, &replacement.adds);
    if removes.iter().all(removed) && adds.iter().all(added) {
        return State::Done;
    }
    if removes.iter().any(removed) || adds.iter().any(added) {
        return State::Overtaken;
    }
    if let Some(partition) = &replacement.alone_in {
        let there = live.iter().filter(|file| file.partition == *partition);
        if there.count() != removes.len() {
            return State::Overtaken;
        }
    }
    State::Open
}

/// Gives the transaction of the next commit of maintenance.
pub(super) async fn next_transaction(
    table: &'static Table,
    delta: &DeltaTable,
) -> Result<Transaction> {
    let last = counter(table, delta, APPLICATION).await?;
    Ok(Transaction::new(APPLICATION, last + 1))
}

/// Gives the fence of a loaded table.
pub(super) async fn fence(table: &'static Table, delta: &DeltaTable) -> Result<i64> {
    counter(table, delta, FENCE).await
}

/// Raises the fence: after it, nobody can commit a file that was written before. Ingesters commit onto the version that
/// they loaded before they wrote.
pub(super) async fn raise_fence(store: &Store, table: &'static Table) -> Result<()> {
    let delta = store.require(table).await?;
    let next = fence(table, &delta).await? + 1;
    let transactions = vec![Transaction::new(FENCE, next)];
    commit::append(table, &delta, Vec::new(), transactions).await
}

async fn counter(table: &'static Table, delta: &DeltaTable, name: &str) -> Result<i64> {
    let failed = |source| Error::Delta {
        table: table.name,
        what: "read the last maintenance of",
        source: Box::new(source),
    };
    let last = delta
        .snapshot()
        .map_err(failed)?
        .transaction_version(delta.log_store().as_ref(), name)
        .await
        .map_err(failed)?;
    Ok(last.unwrap_or(0))
}
