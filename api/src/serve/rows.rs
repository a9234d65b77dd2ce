//! Rows of the lists, typed. A list's SQL makes them; a test reads every list into its type.

mod detail;
mod lists;
mod store;

pub use detail::{
    FallbackHour, NodeAction, NodeHour, NodePod, RoleChain, WorkloadAction, WorkloadHour,
    WorkloadPod,
};
pub use lists::{
    EventRow, FallbackRow, FlowRow, NodeRow, ReadinessRow, RoleRow, TimelineRow, WorkloadRow,
};
pub use store::{BatchRow, CoverageRow, IngestionRow, RejectRow, Share, Unattributed};
