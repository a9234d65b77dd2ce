//! Answers who made each call: correlation as SQL over the store's tables, and reports on it.
//!
//! [`Engine`] is the only door. A [`Session`] pins one snapshot of every table; the views in
//! `views/*.sql` build on each other, from issuing records over sessions to `attribution`; reports are
//! SQL in `reports/*.sql`. Nothing here writes to a store.

mod candidates;
mod catalog;
mod engine;
mod error;
pub mod explain;
mod fallback;
pub mod fix;
mod iam_actions;
pub mod policy;
pub mod report;
mod rules;
pub mod sdk;
pub mod text;
mod trust;
mod udf;

pub use catalog::Snapshot;
pub use engine::{Engine, Limits, Session};
pub use error::{Error, Result};
pub use rules::NodeAgentRule;
pub use udf::{FUNCTIONS, FunctionDoc};
