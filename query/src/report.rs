//! Named reports: SQL files over the views.

use datafusion::execution::SendableRecordBatchStream;

use crate::engine::Session;
use crate::error::Result;
use crate::filter::Filter;
use crate::listing::Listing;

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

/// Which rows of a report are findings, and how much each matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// The column that says it.
    pub column: &'static str,
    /// Its values, the one that matters least first. A row with another value is no finding.
    pub values: &'static [&'static str],
}

/// How sure it is whom a row names.
const BY_CONFIDENCE: Levels = Levels {
    column: "confidence",
    values: &["unknown", "candidate", "inferred", "exact"],
};

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

    /// Gives the report's rows as a list: its SQL, and what tells its rows apart.
    #[must_use]
    pub fn listing(self) -> Listing {
        let (sql, key): (_, &[_]) = match self {
            Self::Workloads => (
                include_str!("reports/workloads.sql"),
                &[
                    "cluster",
                    "namespace",
                    "service_account",
                    "access_path",
                    "role_arn",
                ],
            ),
            Self::Fallbacks => (include_str!("reports/fallbacks.sql"), &["id"]),
            Self::Readiness => (
                include_str!("reports/readiness.sql"),
                &["cluster", "role_arn"],
            ),
            Self::Nodes => (
                include_str!("reports/nodes.sql"),
                &["cluster", "node", "role_arn"],
            ),
            Self::Roles => (include_str!("reports/roles.sql"), &["role_arn"]),
            Self::Unused => (
                include_str!("reports/unused.sql"),
                &[
                    "finding",
                    "role_arn",
                    "cluster",
                    "namespace",
                    "service_account",
                    "mechanism",
                    "proof",
                ],
            ),
            Self::Denied => (
                include_str!("reports/denied.sql"),
                &[
                    "cluster",
                    "namespace",
                    "service_account",
                    "pod",
                    "access_path",
                    "actor",
                    "component",
                    "role_arn",
                    "event_source",
                    "event_name",
                    "error_code",
                    "confidence",
                ],
            ),
            Self::Coverage => (
                include_str!("reports/coverage.sql"),
                &["recipient_account_id", "aws_region"],
            ),
        };
        Listing {
            name: self.name(),
            title: self.title(),
            sql,
            key,
            newest_first: false,
        }
    }

    /// Gives what its findings are; none where it only describes.
    #[must_use]
    pub fn levels(self) -> Option<Levels> {
        match self {
            Self::Fallbacks | Self::Denied => Some(BY_CONFIDENCE),
            Self::Readiness => Some(Levels {
                column: "hop_limit_1",
                values: &["unknown", "breaks"],
            }),
            Self::Unused => Some(Levels {
                column: "finding",
                values: &["shared", "unused", "wildcard_trust"],
            }),
            Self::Workloads | Self::Nodes | Self::Roles | Self::Coverage => None,
        }
    }

    /// Finds the report of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.name() == name)
    }

    /// Runs the report over what a filter lets through.
    ///
    /// # Errors
    /// As [`Session::sql`]; [`Error::InvalidQuery`](crate::Error::InvalidQuery) for a filter that the report does not
    /// take.
    pub async fn run(
        self,
        session: &Session,
        filter: &Filter,
    ) -> Result<SendableRecordBatchStream> {
        let statement = self.listing().whole(filter)?;
        session.sql_with(&statement.sql, statement.parameters).await
    }
}

#[cfg(test)]
mod tests;
