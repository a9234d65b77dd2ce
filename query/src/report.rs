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
    /// What the store covers.
    Coverage,
}

impl Report {
    /// Every report.
    pub const ALL: [Self; 3] = [Self::Workloads, Self::Fallbacks, Self::Coverage];

    /// Gives the report's name on the command line and in URLs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Workloads => "workloads",
            Self::Fallbacks => "fallbacks",
            Self::Coverage => "coverage",
        }
    }

    /// Says what the report shows.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Workloads => "which workload used which role",
            Self::Fallbacks => "calls with a node's role that no node agent is known to make",
            Self::Coverage => "what the store covers, and how much of it is attributed",
        }
    }

    /// Gives the report's SQL.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Workloads => include_str!("reports/workloads.sql"),
            Self::Fallbacks => include_str!("reports/fallbacks.sql"),
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
