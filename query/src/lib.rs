//! Answers who made each call: correlation as SQL over the store's tables, and reports on it.
//!
//! [`Engine`] is the only door. A [`Session`] pins one snapshot of every table; the views in
//! `views/*.sql` build on each other, from issuing records over sessions to `attribution`; reports are
//! SQL in `reports/*.sql`. Nothing here changes a table; what was computed of a snapshot is kept beside them (`shelf`).

mod bounded;
mod candidates;
mod catalog;
mod days;
mod digest;
mod engine;
mod error;
mod executor;
pub mod explain;
mod fallback;
mod filter;
pub mod fix;
mod iam_actions;
mod interrupt;
mod kept;
pub mod listing;
mod marks;
mod memory;
mod namesakes;
pub mod policy;
mod read_only;
pub mod report;
mod rules;
pub mod sdk;
mod shelf;
mod size;
mod system;
pub mod text;
mod trust;
mod types;
mod udf;
mod widths;

pub use catalog::Snapshot;
pub use engine::{Engine, Limits, Session, session_config};
pub use error::{Error, Result};
pub use executor::{Answer, Bounds, Description, Ended, Executor, Queries, SHOWN_TEXT, Statement};
pub use filter::Filter;
pub use namesakes::asked as cluster_asked_for;
pub use rules::NodeAgentRule;
pub use size::{MOST_JOINTS, STACK_BYTES, check_size};
pub use udf::{FUNCTIONS, FunctionDoc};
