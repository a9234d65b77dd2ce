//! What can go wrong in `ingest`, by what a caller can do about it.

use std::path::PathBuf;

/// Result of `ingest`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of `ingest`. Bad CloudTrail content is never one: it becomes a row of `rejects`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The user's input names something that cannot be ingested.
    #[error("{0}")]
    InvalidInput(String),
    /// A local path cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store's location cannot be used.
    #[error("cannot use the store at {location}: {reason}")]
    Location {
        /// As the user gave it.
        location: String,
        /// Why.
        reason: String,
    },
    /// The store has no such table, or not yet.
    #[error("the store at {location} has no table {table}")]
    NoTable {
        /// The store.
        location: String,
        /// The table.
        table: &'static str,
    },
    /// The object store failed.
    #[error("object store, {what}: {source}")]
    Store {
        /// What was attempted.
        what: String,
        /// The failure.
        source: object_store::Error,
    },
    /// The Delta table failed.
    #[error("table {table}, {what}: {source}")]
    Delta {
        /// The table.
        table: &'static str,
        /// What was attempted.
        what: &'static str,
        /// The failure.
        source: Box<deltalake::DeltaTableError>,
    },
    /// Another writer, or an earlier attempt of this one, moved the table: start over.
    #[error("table {table} moved on while batch {seq} was prepared")]
    Conflict {
        /// The table.
        table: &'static str,
        /// The batch.
        seq: i64,
    },
    /// What a table says of itself does not agree with what it holds; nothing was changed.
    #[error("table {table} is not consistent: {reason}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// What does not agree.
        reason: String,
    },
    /// A file of the protocol (`_ingest/…`) is not what this version writes.
    #[error("{path} is not a readable {what}: {reason}")]
    Protocol {
        /// Path in the store.
        path: String,
        /// `manifest` or `redo record`.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A service of AWS refused, failed for good, or cannot give what was asked.
    #[error("{what}: {reason}")]
    Aws {
        /// What was attempted, and on which bucket, prefix, queue or region.
        what: String,
        /// Why it failed, and what to do about it.
        reason: String,
    },
    /// A message of a queue that gives no objects, or not all of them.
    #[error("message {id} of {queue} {reason}: {text}")]
    Message {
        /// Address of the queue.
        queue: String,
        /// The message's id.
        id: String,
        /// What is wrong with it, and where it is now.
        reason: String,
        /// How its text begins, free of credentials.
        text: String,
    },
    /// Too many attempts in a row failed.
    #[error("gave up after {attempts} attempts in a row, the last: {last}")]
    Exhausted {
        /// How many.
        attempts: u32,
        /// The last error.
        last: Box<Error>,
    },
    /// Arrow refused a batch.
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet refused a file.
    #[error("parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A worker stopped without an answer.
    #[error("a worker stopped: {0}")]
    Worker(String),
}

impl Error {
    /// True where starting over may succeed: the store, a race, a worker.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Store { .. }
                | Self::Delta { .. }
                | Self::Conflict { .. }
                | Self::Parquet(_)
                | Self::Worker(_)
        )
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Worker(error.to_string())
    }
}
