//! Exactly once: how a batch becomes part of every table, or of none.
//!
//! ```text
//! load events                         → seq of the last batch, and the attempt that won it
//! other tables behind?                → commit what that attempt's redo record holds for them
//! manifest of seq + 1, or create it   → which objects the batch is made of
//! read, decode, drop known events, write data files of all tables
//! write the redo record               → everything this attempt adds
//! commit to events, onto the very version that was loaded, with seq and attempt
//! whatever the outcome: start over
//! ```
//!
//! The commit to `events` is the one atomic act: it succeeds only if nobody else committed since the
//! table was loaded, so events that were unknown then are unknown still, and the batch is still the
//! next. An error of a commit does not mean that it did not happen; the next look at the table tells.
//! The other tables follow from the redo record that the commit names, each by a commit of the same
//! kind, before the source's next batch begins.

use deltalake::DeltaTable;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, Add, Remove, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};

use crate::error::{Error, Result};
use crate::manifest::{Redo, forget};
use crate::schema::{BATCH_TABLES, Table};
use crate::store::Store;

/// Commits after which expired log files are looked for.
const COMMITS_OF_A_CLEAN_UP: u64 = 100;

/// Where a source stands in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Last batch that the table holds; 0 for none.
    pub(crate) seq: i64,
    /// The attempt that committed it.
    pub(crate) attempt: i64,
}

fn seq_id(source: &str) -> String {
    format!("ingest/{source}")
}

fn attempt_id(source: &str) -> String {
    format!("ingest-attempt/{source}")
}

/// Reads where a source stands in a loaded table.
pub(crate) async fn position(
    table: &'static Table,
    delta: &DeltaTable,
    source: &str,
) -> Result<Position> {
    let failed = |error| Error::Delta {
        table: table.name,
        what: "read the last batch",
        source: Box::new(error),
    };
    let snapshot = delta.snapshot().map_err(failed)?;
    let log = delta.log_store();
    let read = async |id: String| {
        snapshot
            .transaction_version(log.as_ref(), id)
            .await
            .map_err(failed)
    };
    Ok(Position {
        seq: read(seq_id(source)).await?.unwrap_or(0),
        attempt: read(attempt_id(source)).await?.unwrap_or(0),
    })
}

/// Commits a batch onto exactly the loaded version of a table.
///
/// # Errors
/// [`Error::Delta`]; the batch may be in the table or not.
pub(crate) async fn commit(
    table: &'static Table,
    delta: &DeltaTable,
    adds: Vec<Add>,
    source: &str,
    position: Position,
) -> Result<()> {
    let transactions = vec![
        Transaction::new(seq_id(source), position.seq),
        Transaction::new(attempt_id(source), position.attempt),
    ];
    append(table, delta, adds, transactions).await
}

/// Appends data files to exactly the loaded version of a table.
///
/// # Errors
/// [`Error::Delta`]; the files may be in the table or not.
pub(crate) async fn append(
    table: &'static Table,
    delta: &DeltaTable,
    adds: Vec<Add>,
    transactions: Vec<Transaction>,
) -> Result<()> {
    let operation = DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: table.partition.map(|column| vec![column.to_owned()]),
        predicate: None,
    };
    let adds = adds.into_iter().map(Action::Add).collect();
    exactly(table, delta, adds, transactions, operation).await
}

/// Puts data files in the place of others, onto exactly the loaded version of a table.
///
/// # Errors
/// [`Error::Delta`]; it may have happened or not.
pub(crate) async fn replace(
    table: &'static Table,
    delta: &DeltaTable,
    removes: Vec<Remove>,
    adds: Vec<Add>,
    transaction: Transaction,
    operation: DeltaOperation,
) -> Result<()> {
    let removes = removes.into_iter().map(Action::Remove);
    let actions = removes.chain(adds.into_iter().map(Action::Add)).collect();
    exactly(table, delta, actions, vec![transaction], operation).await
}

async fn exactly(
    table: &'static Table,
    delta: &DeltaTable,
    actions: Vec<Action>,
    transactions: Vec<Transaction>,
    operation: DeltaOperation,
) -> Result<()> {
    let failed = |error| Error::Delta {
        table: table.name,
        what: "commit",
        source: Box::new(error),
    };
    let snapshot = delta.snapshot().map_err(failed)?;
    // No retries: a retry would commit onto a version that was not looked at. Looking for expired log files lists all of
    // the log, which is long where commits are many.
    let clean_up = snapshot.version().is_multiple_of(COMMITS_OF_A_CLEAN_UP);
    let properties = CommitProperties::default()
        .with_max_retries(0)
        .with_cleanup_expired_logs(Some(clean_up))
        .with_application_transactions(transactions);
    CommitBuilder::from(properties)
        .with_actions(actions)
        .build(
            Some(snapshot as &dyn TableReference),
            delta.log_store(),
            operation,
        )
        .await
        .map(|_| ())
        .map_err(failed)
}

/// Commits to the tables that lack the last batch of a source what its redo record holds for them. Gives the
/// record where one did.
///
/// # Errors
/// [`Error::Conflict`] where another did it meanwhile, [`Error::Delta`] where a commit fails; start over.
pub(crate) async fn follow(
    store: &Store,
    tables: &[DeltaTable],
    source: &str,
    last: Position,
) -> Result<Option<Redo>> {
    if last.seq == 0 {
        return Ok(None);
    }
    let mut behind = Vec::new();
    for index in 1..BATCH_TABLES.len() {
        let held = position(BATCH_TABLES[index], &tables[index], source).await?;
        if held.seq < last.seq {
            behind.push(index);
        }
    }
    if behind.is_empty() {
        return Ok(None);
    }
    let redo = Redo::read(store, source, last.seq, last.attempt).await?;
    for index in behind {
        let adds = redo.adds.get(index).cloned().unwrap_or_default();
        commit(BATCH_TABLES[index], &tables[index], adds, source, last).await?;
    }
    forget(store, source, last.seq, last.attempt).await;
    Ok(Some(redo))
}
