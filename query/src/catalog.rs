//! The tables and views of one query: one snapshot of every table, pinned.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;
use podtrail_ingest::schema::{ACTIVITIES, DIGEST_FINDINGS, TABLES, Table};
use podtrail_ingest::store::Store;

use crate::candidates;
use crate::days::Days;
use crate::error::{Error, Result};
use crate::executor::Queries;
use crate::kept::{Kept, Place};
use crate::marks::{self, Marks};
use crate::rules::NodeAgentRules;
use crate::shelf::Shelf;
use crate::system;

/// Versions of the tables a query reads.
pub type Snapshot = BTreeMap<&'static str, u64>;

/// A view of podtrail, in the order they build on each other.
struct View {
    name: &'static str,
    sql: &'static str,
    /// What the names in braces stand for.
    parameters: &'static [(&'static str, &'static str)],
    kept: Keeping,
}

/// Whether a view's rows are kept for the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// Computed by each query.
    No,
    /// Small and used many times by one query: computed once, when first needed.
    Plain,
    /// The same, with many rows of few different texts: each is held once.
    Compact,
    /// As compact. It has the column `event_date`, and no row of it depends on activities of another day, so that of a later
    /// snapshot only days with other data files are computed.
    Daily,
    /// As daily, but its rows also depend on what the marks of their day are made of.
    Marked,
    /// As compact, but only while other kept views are made of it.
    Passing,
}

const CALLS_OF_ACTIVITIES: (&str, &str) = (
    "{calls}",
    "(SELECT *, first_event_time AS event_time FROM activities)",
);
const COUNTS_OF_ACTIVITIES: (&str, &str) = ("{more}", ", calls, first_event_time, last_event_time");
const EVIDENCE: (&str, &str) = (
    "{evidence}",
    concat!(",\n", include_str!("views/evidence.sql")),
);

/// Whether an address looks like a pod's.
const USUAL_ADDRESS: (&str, &str) = ("{usual_address}", include_str!("views/usual_address.sql"));

/// The hour of a row's first call, in views and lists.
pub(crate) const HOUR: (&str, &str) = ("{hour}", include_str!("views/hour.sql"));

macro_rules! view {
    ($name:literal) => {
        view!($name, Keeping::No, $name, &[])
    };
    ($name:literal, kept) => {
        view!($name, Keeping::Plain, $name, &[])
    };
    ($name:literal, compact) => {
        view!($name, Keeping::Compact, $name, &[])
    };
    ($name:literal, daily) => {
        view!($name, Keeping::Daily, $name, &[])
    };
    ($name:literal, passing) => {
        view!($name, Keeping::Passing, $name, &[])
    };
    ($name:literal, $file:literal, $parameters:expr) => {
        view!($name, Keeping::No, $file, $parameters)
    };
    ($name:literal, $kept:expr, $file:literal, $parameters:expr) => {
        View {
            name: $name,
            sql: include_str!(concat!("views/", $file, ".sql")),
            parameters: $parameters,
            kept: $kept,
        }
    };
}

/// Views below the search for pods.
const GROUNDS: [View; 68] = [
    view!("telling_records", daily),
    view!("issuing_records", daily),
    view!("daily_callers", daily),
    view!("daily_signs", daily),
    view!("seen_instances", kept),
    view!("cluster_records"),
    view!("cluster_places", kept),
    view!("cluster_namesakes", kept),
    view!("told_records"),
    view!("placed_signs"),
    view!("placed_inventory"),
    view!("unplaced_inventory", kept),
    view!("inventory_states", kept),
    view!("inventory_looks", kept),
    view!("trail_days", kept),
    view!("callers", compact),
    view!("digest_statuses"),
    view!("digest_times", kept),
    view!("log_files", kept),
    view!("cluster_creators", kept),
    view!("clusters", kept),
    view!("cluster_grants", kept),
    view!("issuer_clusters", kept),
    view!("instances", kept),
    view!("nodes", kept),
    view!("pods", kept),
    view!("service_accounts", kept),
    view!("seen_associations", kept),
    view!("pod_identity_associations", kept),
    view!("seen_roles"),
    view!("roles", kept),
    view!("role_ids", kept),
    view!("role_policies", kept),
    view!("role_bindings", kept),
    view!("sole_bindings", kept),
    view!("node_roles", kept),
    view!("hybrid_sessions", kept),
    view!("node_clusters", kept),
    view!("fargate_roles", kept),
    view!("untagged_sessions", kept),
    view!("proxied_pods", kept),
    view!("issuances", kept),
    view!("lone_copies", kept),
    view!("pod_identity_roles", kept),
    view!("ambiguous_keys", kept),
    view!("usable_issuances"),
    view!("chain_links", kept),
    view!("issued_sessions", kept),
    view!("session_keys", kept),
    view!("session_arns", kept),
    view!("pod_sessions", kept),
    view!("node_pulls", kept),
    view!("node_boots", kept),
    view!("cluster_roles", kept),
    view!("root_activities", kept),
    view!("sessions"),
    view!("missing_keys"),
    view!("caller_identities", compact),
    view!(
        "activity_grounds",
        "grounds",
        &[
            CALLS_OF_ACTIVITIES,
            (
                "{more}",
                ", calls, first_event_time, last_event_time, resource, event_category, event_date"
            ),
        ]
    ),
    view!(
        "event_grounds",
        "grounds",
        &[("{calls}", "events"), ("{more}", "")]
    ),
    view!("pod_addresses", kept),
    view!("unusual_addresses", "unusual_addresses", &[USUAL_ADDRESS]),
    view!(
        "held_grounds",
        Keeping::Marked,
        "held_grounds",
        &[HOUR, USUAL_ADDRESS]
    ),
    view!("addressed_pods"),
    view!("fallback_calls"),
    view!("pod_identity_agents", kept),
    view!("refused_accounts", kept),
    view!("named_programs"),
];

/// Views above it.
const ANSWERS: [View; 13] = [
    view!(
        "activity_attribution",
        "attribution",
        &[
            ("{grounds}", "activity_grounds"),
            EVIDENCE,
            COUNTS_OF_ACTIVITIES
        ]
    ),
    view!(
        "attribution",
        "attribution",
        &[("{grounds}", "event_grounds"), EVIDENCE, ("{more}", "")]
    ),
    view!(
        "held_attribution",
        "attribution",
        &[
            ("{grounds}", "held_grounds"),
            ("{evidence}", ""),
            (
                "{more}",
                ", calls, first_event_time, last_event_time, resource, event_category"
            ),
        ]
    ),
    view!(
        "unattributed_activities",
        "unattributed_activities",
        &[("{grounds}", "activity_grounds")]
    ),
    view!(
        "held_unattributed",
        "unattributed_activities",
        &[("{grounds}", "held_grounds")]
    ),
    view!(
        "hourly_attribution",
        Keeping::Compact,
        "hourly_attribution",
        &[HOUR]
    ),
    view!(
        "hourly_unattributed",
        Keeping::Compact,
        "hourly_unattributed",
        &[HOUR]
    ),
    view!("sums_agree"),
    view!("fallback_activities", passing),
    view!("fallback_workloads", kept),
    view!("fallback_hours", Keeping::Plain, "fallback_hours", &[HOUR]),
    view!("fallbacks", kept),
    view!("readiness", kept),
];

/// Views that only other views read: who asked for one would have all its rows made and held for that one answer.
const INNER: [&str; 14] = [
    "telling_records",
    "issuing_records",
    "daily_callers",
    "daily_signs",
    "seen_instances",
    "cluster_records",
    "told_records",
    "placed_signs",
    "placed_inventory",
    "unusual_addresses",
    "held_grounds",
    "held_attribution",
    "held_unattributed",
    "fallback_activities",
];

/// Views that, once read, have computed everything that is kept.
pub(crate) const WARMED: [&str; 10] = [
    "fallbacks",
    "fallback_hours",
    "readiness",
    "sessions",
    "hourly_attribution",
    "hourly_unattributed",
    "trail_days",
    "digest_times",
    "log_files",
    "cluster_creators",
];

/// Where the rows of kept views are.
struct Places {
    shelf: Arc<Shelf>,
    days: Arc<Days>,
}

impl Places {
    fn shelf(&self) -> Place {
        Place::Shelf(Arc::clone(&self.shelf))
    }

    fn by_day(&self) -> Place {
        Place::ByDay(Arc::clone(&self.shelf), Arc::clone(&self.days))
    }

    fn marked(&self, marks: Marks) -> Place {
        let (shelf, days) = (Arc::clone(&self.shelf), Arc::clone(&self.days));
        Place::Marked(shelf, days, Arc::new(marks))
    }
}

/// Registers the tables' newest snapshots, the rules and the views, and gives the snapshot, and the views that are held only
/// while others are made of them.
pub(crate) async fn register(
    context: &SessionContext,
    store: &Store,
    rules: &NodeAgentRules,
    queries: &Arc<Queries>,
) -> Result<(Snapshot, Vec<Arc<Kept>>)> {
    let mut snapshot = Snapshot::new();
    let mut identity = vec![format!("{rules:?}")];
    let mut tables = Vec::with_capacity(TABLES.len());
    let mut days = Days::default();
    for table in TABLES {
        let Some(delta) = opened(store, table).await? else {
            let none = RecordBatch::new_empty(table.arrow_schema());
            add(context, table.name, Arc::new(in_memory(table.name, none)?))?;
            continue;
        };
        let failed = |error: deltalake::DeltaTableError| {
            Error::Store(podtrail_ingest::Error::Delta {
                table: table.name,
                what: "open",
                source: Box::new(error),
            })
        };
        delta
            .update_datafusion_session(&context.state())
            .map_err(failed)?;
        snapshot.insert(table.name, delta.version().unwrap_or_default());
        // A table that was made anew counts its versions from the start again.
        identity.push(delta.snapshot().map_err(failed)?.metadata().id().to_owned());
        let session = Arc::new(context.state());
        let provider = delta
            .table_provider()
            .with_session(session)
            .build()
            .await
            .map_err(|error| Error::from_engine(&format!("open table {}", table.name), error))?;
        add(context, table.name, Arc::new(provider))?;
        if table.name == ACTIVITIES.name {
            days = Days::of(&delta).map_err(failed)?;
        }
        tables.push((table.name, delta));
    }
    let rows = rules.rows()?;
    let rules = in_memory("node agent rules", rows)?;
    add(context, "node_agent_rules", Arc::new(rules))?;
    let places = Places {
        shelf: Arc::new(Shelf::new(store, &snapshot, &identity)),
        days: Arc::new(days),
    };
    let mut passing = Vec::new();
    for view in &GROUNDS {
        passing.extend(add_view(context, view, &places).await?);
    }
    add_identities(context, &places.shelf()).await?;
    for view in &ANSWERS {
        passing.extend(add_view(context, view, &places).await?);
    }
    for name in INNER {
        // The plans of other views have them without their names.
        context
            .deregister_table(name)
            .map_err(|error| Error::from_engine(&format!("hide {name}"), error))?;
    }
    system::register(context, tables, queries).await?;
    Ok((snapshot, passing))
}

/// Gives the newest version of every table, looking on from those of `known`.
pub(crate) async fn newest(store: &Store, known: &Snapshot) -> Result<Snapshot> {
    let mut snapshot = Snapshot::new();
    for table in TABLES {
        let since = known.get(table.name).copied().unwrap_or_default();
        match store.newest_version(table, since).await {
            Err(error) if may_lack(&error) => {}
            version => {
                snapshot.insert(table.name, version?);
            }
        }
    }
    Ok(snapshot)
}

/// Loads a table; `None` for one that a store may lack.
async fn opened(store: &Store, table: &'static Table) -> Result<Option<DeltaTable>> {
    match store.require(table).await {
        Err(error) if may_lack(&error) => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// True for a table that came later than the others: whoever writes to the store next makes it.
fn may_lack(error: &podtrail_ingest::Error) -> bool {
    matches!(error, podtrail_ingest::Error::NoTable { table, .. } if *table == DIGEST_FINDINGS.name)
}

fn in_memory(what: &str, rows: RecordBatch) -> Result<MemTable> {
    MemTable::try_new(rows.schema(), vec![vec![rows]])
        .map_err(|error| Error::from_engine(what, error))
}

async fn plan(context: &SessionContext, what: &str, sql: &str) -> Result<LogicalPlan> {
    context
        .state()
        .create_logical_plan(sql)
        .await
        .map_err(|error| Error::Engine {
            what: format!("view {what}"),
            source: Box::new(error),
        })
}

/// Registers a view, and gives it back where it is held for others.
async fn add_view(
    context: &SessionContext,
    view: &View,
    places: &Places,
) -> Result<Option<Arc<Kept>>> {
    let sql = view
        .parameters
        .iter()
        .fold(view.sql.to_owned(), |sql, (name, meaning)| {
            sql.replace(name, meaning)
        });
    let plan = plan(context, view.name, &sql).await?;
    let kept = match view.kept {
        Keeping::No => {
            let table = ViewTable::new(plan, Some(sql));
            add(context, view.name, Arc::new(table))?;
            return Ok(None);
        }
        Keeping::Plain => Kept::view(view.name, plan, false, &places.shelf()),
        Keeping::Compact => Kept::view(view.name, plan, true, &places.shelf()),
        Keeping::Daily => Kept::view(view.name, plan, true, &places.by_day()),
        Keeping::Marked => {
            let marks = marks_of_days(context).await?;
            Kept::view(view.name, plan, true, &places.marked(marks))
        }
        Keeping::Passing => Kept::view(view.name, plan, true, &Place::Memory),
    };
    let kept = Arc::new(kept);
    add(
        context,
        view.name,
        Arc::clone(&kept) as Arc<dyn TableProvider>,
    )?;
    // What is kept by day is read to make others of it, and can be read from the shelf again.
    let passes = matches!(
        view.kept,
        Keeping::Passing | Keeping::Daily | Keeping::Marked
    );
    Ok(passes.then_some(kept))
}

/// Plans what the marks of days are made of.
async fn marks_of_days(context: &SessionContext) -> Result<Marks> {
    let mut plans = Vec::with_capacity(marks::READ.len());
    for sql in marks::READ {
        plans.push(plan(context, "marks of days", sql).await?);
    }
    Ok(Marks::new(plans))
}

/// Registers `activity_identities`: what the search for pods makes of the views that it reads.
async fn add_identities(context: &SessionContext, shelf: &Place) -> Result<()> {
    let mut inputs = Vec::with_capacity(candidates::INPUTS.len());
    for view in candidates::INPUTS {
        inputs.push(plan(context, view, &format!("SELECT * FROM {view}")).await?);
    }
    let name = "activity_identities";
    let identify = |inputs, threads| {
        candidates::identify(inputs, threads)
            .map_err(|error| DataFusionError::External(Box::new(error)))
    };
    let schema = candidates::schema();
    let kept = Kept::made(name, inputs, schema, identify, true, shelf);
    add(context, name, Arc::new(kept))
}

fn add(context: &SessionContext, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
    context
        .register_table(name, table)
        .map(|_| ())
        .map_err(|error| Error::from_engine(&format!("register {name}"), error))
}

#[cfg(test)]
mod tests;
