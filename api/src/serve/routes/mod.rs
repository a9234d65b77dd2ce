//! The resources of the HTTP API: one file each, all below `/api/v1`.

pub mod detail;
pub mod explain;
pub mod health;
pub mod lists;
pub mod policy;
pub mod report;
pub mod session;
pub mod sql;
pub mod summary;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the order of their keys.
    pub items: Vec<T>,
    /// What to ask the next page with; null where there is none.
    #[schema(required)]
    pub next_token: Option<String>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Meta,
}

/// What stands in every JSON answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// Versions of the tables that were read.
    pub snapshot: BTreeMap<String, u64>,
    /// Milliseconds that the answer took.
    pub elapsed_ms: u64,
    /// Since when the store cannot be read; the answer is of the last good snapshot then.
    pub stale_since: Option<DateTime<Utc>>,
}

/// An error, as RFC 9457 has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// Kind of the problem, a relative URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// Kind of the problem, for people.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: Option<String>,
    /// The request's id, as in the server's log.
    pub request_id: String,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<u32>,
}
