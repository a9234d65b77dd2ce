//! Named reports: SQL files over the views.

use datafusion::execution::SendableRecordBatchStream;

use crate::engine::Session;
use crate::error::Result;

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Which workload used which role.
    Workloads,
    /// Pods that fall back to the node role.
    Fallbacks,
    /// Where IMDS hop limit 1 is safe.
    Readiness,
    /// Nodes and the calls made with their role.
    Nodes,
    /// What each role is for and who used it.
    Roles,
    /// Bindings that nobody used, shared roles, wildcard trust.
    Unused,
    /// Calls that were refused.
    Denied,
    /// What the store covers.
    Coverage,
}

impl Report {
    /// Every report.
    pub const ALL: [Self; 8] = [
        Self::Workloads,
        Self::Fallbacks,
        Self::Readiness,
        Self::Nodes,
        Self::Roles,
        Self::Unused,
        Self::Denied,
        Self::Coverage,
    ];

    /// Gives the report's name on the command line and in URLs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Workloads => "workloads",
            Self::Fallbacks => "fallbacks",
            Self::Readiness => "readiness",
            Self::Nodes => "nodes",
            Self::Roles => "roles",
            Self::Unused => "unused",
            Self::Denied => "denied",
            Self::Coverage => "coverage",
        }
    }

    /// Says what the report shows.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Workloads => "which workload used which role",
            Self::Fallbacks => "pods that fall back to their node's role: who, why, and what to do",
            Self::Readiness => "where IMDS hop limit 1 is safe",
            Self::Nodes => "nodes, their metadata options, and who used their role",
            Self::Roles => "roles of clusters: what each is for, and who used it",
            Self::Unused => {
                "bindings that nobody used, roles that several service accounts share, wildcard trust"
            }
            Self::Denied => "calls that were refused",
            Self::Coverage => "what the store covers, and how much of it is attributed",
        }
    }

    /// Gives the report's SQL.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Workloads => include_str!("reports/workloads.sql"),
            Self::Fallbacks => include_str!("reports/fallbacks.sql"),
            Self::Readiness => include_str!("reports/readiness.sql"),
            Self::Nodes => include_str!("reports/nodes.sql"),
            Self::Roles => include_str!("reports/roles.sql"),
            Self::Unused => include_str!("reports/unused.sql"),
            Self::Denied => include_str!("reports/denied.sql"),
            Self::Coverage => include_str!("reports/coverage.sql"),
        }
    }

    /// Runs the report.
    ///
    /// # Errors
    /// As [`Session::sql`].
    pub async fn run(self, session: &Session) -> Result<SendableRecordBatchStream> {
        session.sql(self.sql()).await
    }
}
