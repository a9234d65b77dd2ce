//! Lists that can be filtered and read page by page.
//!
//! A page follows the key of the last row of the page before, in the order of keys: rows that land meanwhile are
//! found where they belong, and none is shown twice or left out.

use std::sync::Arc;

use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};

use crate::catalog::HOUR;
use crate::error::{Error, Result};
use crate::executor::Statement;
use crate::filter::{Filter, has_placeholder};

mod span;

pub use span::Span;

/// Name of the column that pages are cut by: the last of a page's rows.
pub const PAGE_KEY: &str = "page_key";

/// SQL whose rows a key tells apart.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// Name, as in URLs.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Its SQL, with the placeholders of a [`Filter`]; `{attribution}` and `{unattributed}` stand for views of
    /// activities, or of their sums per hour, `{hour}` for the hour of a row's first call.
    pub sql: &'static str,
    /// Columns that tell the rows apart.
    pub key: &'static [&'static str],
    /// Pages begin with the newest row rather than with the smallest key; the key is then a time and a text.
    pub newest_first: bool,
}

macro_rules! listing {
    ($name:literal, $title:literal, $file:literal, $key:expr) => {
        Listing {
            name: $name,
            title: $title,
            sql: include_str!(concat!("listings/", $file, ".sql")),
            key: &$key,
            newest_first: false,
        }
    };
}

/// Rows of `fallbacks`, whole.
pub const FALLBACKS: Listing = listing!(
    "fallbacks",
    "pods that fall back to their node's role",
    "fallbacks",
    ["id"]
);
/// Calls of a fallback over time.
pub const FALLBACK_HOURS: Listing = listing!(
    "fallback hours",
    "calls of a fallback per hour",
    "fallback_hours",
    ["id", "hour"]
);
/// Calls with who made them.
pub const EVENTS: Listing = Listing {
    newest_first: true,
    ..listing!(
        "events",
        "calls, and who made them",
        "events",
        ["event_time", "event_id"]
    )
};
/// What a workload called.
pub const WORKLOAD_ACTIONS: Listing = listing!(
    "workload actions",
    "what a workload called",
    "workload_actions",
    [
        "access_path",
        "role_arn",
        "event_source",
        "event_name",
        "error_code"
    ]
);
/// Calls of a workload over time.
pub const WORKLOAD_HOURS: Listing = listing!(
    "workload hours",
    "calls of a workload per hour, by action",
    "workload_hours",
    ["hour", "event_source", "event_name"]
);
/// Roles that a workload assumed, one from the other.
pub const WORKLOAD_CHAINS: Listing = listing!(
    "workload chains",
    "roles that a workload assumed, one from the other",
    "workload_chains",
    ["parent_role_arn", "role_arn", "mechanism", "hops"]
);
/// Pods of a workload's service account.
pub const WORKLOAD_PODS: Listing = listing!(
    "workload pods",
    "pods of a service account, over time",
    "workload_pods",
    ["pod", "pod_uid", "valid_from"]
);
/// Calls with a node's role, by who made them.
pub const NODE_ACTIONS: Listing = listing!(
    "node actions",
    "what was called with a node's role, and by whom",
    "node_actions",
    [
        "actor",
        "component",
        "namespace",
        "service_account",
        "pod",
        "event_source",
        "event_name",
        "error_code"
    ]
);
/// Calls with a node's role over time.
pub const NODE_HOURS: Listing = listing!(
    "node hours",
    "calls with a node's role per hour, by who made them",
    "node_hours",
    ["hour", "actor", "component", "namespace", "service_account"]
);
/// Pods on a node.
pub const NODE_PODS: Listing = listing!(
    "node pods",
    "pods on a node, over time",
    "node_pods",
    ["namespace", "pod", "pod_uid", "valid_from"]
);
/// Calls by access path, actor and confidence.
pub const SHARES: Listing = listing!(
    "shares",
    "calls by access path, actor and confidence",
    "shares",
    ["access_path", "actor", "confidence"]
);
/// Who used which role for which service.
pub const FLOWS: Listing = listing!(
    "flows",
    "which workload used which role for which service",
    "flows",
    [
        "cluster",
        "namespace",
        "service_account",
        "access_path",
        "role_arn",
        "event_source"
    ]
);
/// Calls over time.
pub const TIMELINE: Listing = listing!(
    "timeline",
    "calls per hour, by access path and actor",
    "timeline",
    ["hour", "access_path", "actor"]
);
/// Calls that no identity of a cluster made.
pub const UNATTRIBUTED: Listing = listing!(
    "unattributed",
    "calls that no identity of a cluster made, by reason",
    "unattributed",
    ["reason"]
);
/// What was read, by source and status.
pub const INGESTION: Listing = listing!(
    "ingestion",
    "what was read, by folder and status",
    "ingestion",
    ["source", "prefix", "status", "digest_status"]
);
/// What was read, by batch: what runs of ingestion left in the store.
pub const INGESTED_BATCHES: Listing = listing!(
    "ingested batches",
    "what was read, by batch, the newest first",
    "ingested_batches",
    ["source", "seq"]
);
/// Values that were rejected, by reason.
pub const REJECTS: Listing = listing!(
    "rejects",
    "what was rejected, by reason",
    "rejects",
    ["source", "reason"]
);

impl Listing {
    /// Tells whether the list can be filtered by a name: `from`, `to` or one of [`Filter::NAMES`].
    #[must_use]
    pub fn takes(&self, filter: &str) -> bool {
        has_placeholder(self.sql, filter)
    }

    /// Makes the statement for all rows, in the list's own order.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] for a filter that the list does not take.
    pub fn whole(&self, filter: &Filter) -> Result<Statement> {
        Ok(Statement {
            parameters: Some(filter.parameters(self.name, self.sql)?),
            ..Statement::new(self.sql_for(filter))
        })
    }

    /// Gives the SQL with the views that it reads for a filter's times: sums per hour where the times are full hours,
    /// and the activities themselves where they are not.
    fn sql_for(&self, filter: &Filter) -> String {
        let (attribution, unattributed) = if filter.is_of_full_hours() {
            ("hourly_attribution", "hourly_unattributed")
        } else {
            ("activity_attribution", "unattributed_activities")
        };
        self.sql
            .replace("{attribution}", attribution)
            .replace("{unattributed}", unattributed)
            .replace(HOUR.0, HOUR.1)
    }

    /// Makes the statement for a page: at most `limit` rows that follow the key `after`, in the order of keys, with
    /// the column [`PAGE_KEY`] behind the others.
    ///
    /// # Errors
    /// As [`Listing::whole`]; [`Error::InvalidQuery`] for a key that is none.
    pub fn page(&self, filter: &Filter, after: Option<&str>, limit: u64) -> Result<Statement> {
        let ParamValues::Map(mut values) = filter.parameters(self.name, self.sql)? else {
            return Err(Error::InvalidQuery("parameters without names".to_owned()));
        };
        let sql = self.sql_for(filter);
        let rows = sql.trim_end();
        let sql = if self.newest_first {
            let after = after.map(Place::parse).transpose()?;
            values.extend(after.as_ref().map(Place::values).into_iter().flatten());
            let [time, id] = self.key else {
                return Err(Error::InvalidQuery("a key of two columns".to_owned()));
            };
            let rest = match &after {
                None => "",
                Some(Place { micros: None, .. }) => "\nWHERE {time} IS NULL AND {id} > $after_id",
                Some(_) => {
                    "\nWHERE {time} < $after_time OR ({time} = $after_time AND {id} > $after_id) OR {time} IS NULL"
                }
            };
            let rest = rest.replace("{time}", time).replace("{id}", id);
            format!(
                "SELECT *, concat(coalesce(CAST(CAST({time} AS BIGINT) AS VARCHAR), ''), ' ', {id}) AS {PAGE_KEY}\n\
                 FROM ({rows}){rest}\nORDER BY {time} DESC NULLS LAST, {id} LIMIT {limit}"
            )
        } else {
            let key = self
                .key
                .iter()
                .map(|column| format!("coalesce(CAST({column} AS VARCHAR), '')"))
                .collect::<Vec<_>>()
                .join(", ");
            values.insert(
                "after".to_owned(),
                ScalarValue::Utf8(after.map(str::to_owned)).into(),
            );
            // The unit separator is in no name and no time.
            format!(
                "SELECT * FROM (SELECT *, concat_ws(chr(31), {key}) AS {PAGE_KEY} FROM ({rows}))\n\
                 WHERE $after IS NULL OR {PAGE_KEY} > $after\nORDER BY {PAGE_KEY} LIMIT {limit}"
            )
        };
        Ok(Statement {
            parameters: Some(ParamValues::Map(values)),
            ..Statement::new(sql)
        })
    }
}

/// Where a page that begins with the newest row left off.
struct Place {
    micros: Option<i64>,
    id: String,
}

impl Place {
    fn parse(key: &str) -> Result<Self> {
        let wrong = || Error::InvalidQuery("the page token is not one of this list".to_owned());
        let (micros, id) = key.split_once(' ').ok_or_else(wrong)?;
        let micros = match micros {
            "" => None,
            digits => Some(digits.parse().map_err(|_| wrong())?),
        };
        Ok(Self {
            micros,
            id: id.to_owned(),
        })
    }

    /// Values of the placeholders in what follows.
    fn values(&self) -> Vec<(String, ScalarAndMetadata)> {
        let id = ScalarValue::Utf8(Some(self.id.clone()));
        let mut values = vec![("after_id".to_owned(), id.into())];
        if self.micros.is_some() {
            let time = ScalarValue::TimestampMicrosecond(self.micros, Some(Arc::from("UTC")));
            values.push(("after_time".to_owned(), time.into()));
        }
        values
    }
}

#[cfg(test)]
mod tests;
