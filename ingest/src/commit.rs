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
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};

use crate::error::{Error, Result};
use crate::schema::Table;

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
    let failed = |error| Error::Delta {
        table: table.name,
        what: "commit",
        source: Box::new(error),
    };
    let snapshot = delta.snapshot().map_err(failed)?;
    // No retries: a retry would commit onto a version that was not looked at.
    let properties = CommitProperties::default()
        .with_max_retries(0)
        .with_application_transactions(transactions);
    let operation = DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: table.partition.map(|column| vec![column.to_owned()]),
        predicate: None,
    };
    CommitBuilder::from(properties)
        .with_actions(adds.into_iter().map(Action::Add).collect())
        .build(
            Some(snapshot as &dyn TableReference),
            delta.log_store(),
            operation,
        )
        .await
        .map(|_| ())
        .map_err(failed)
}
