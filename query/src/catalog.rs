//! The tables and views of one query: one snapshot of every table, pinned.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::datasource::{MemTable, TableType, ViewTable};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use datafusion::prelude::SessionContext;
use podtrail_ingest::schema::TABLES;
use podtrail_ingest::store::Store;
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::rules::NodeAgentRules;

/// Versions of the tables a query reads.
pub type Snapshot = BTreeMap<&'static str, u64>;

/// A view of podtrail, in the order they build on each other.
struct View {
    name: &'static str,
    sql: &'static str,
    /// What `{calls}` and `{more}` stand for.
    calls: Option<(&'static str, &'static str)>,
    /// Small and used many times by one query: computed once, when first needed.
    kept: bool,
}

const ACTIVITY_CALLS: &str = "(SELECT *, first_event_time AS event_time FROM activities)";
const ACTIVITY_COUNTS: &str = ", calls, first_event_time, last_event_time";

macro_rules! view {
    ($name:literal, kept) => {
        View {
            name: $name,
            sql: include_str!(concat!("views/", $name, ".sql")),
            calls: None,
            kept: true,
        }
    };
    ($name:literal) => {
        View {
            name: $name,
            sql: include_str!(concat!("views/", $name, ".sql")),
            calls: None,
            kept: false,
        }
    };
}

const VIEWS: [View; 15] = [
    view!("node_roles", kept),
    view!("node_clusters", kept),
    view!("issuances", kept),
    view!("ambiguous_keys", kept),
    view!("issued_sessions", kept),
    view!("session_keys", kept),
    view!("session_arns", kept),
    view!("pod_sessions", kept),
    view!("node_pulls", kept),
    view!("node_boots", kept),
    view!("cluster_roles", kept),
    view!("pod_identity_roles", kept),
    view!("sessions"),
    View {
        name: "activity_attribution",
        sql: include_str!("views/attribution.sql"),
        calls: Some((ACTIVITY_CALLS, ACTIVITY_COUNTS)),
        kept: false,
    },
    View {
        name: "attribution",
        sql: include_str!("views/attribution.sql"),
        calls: Some(("events", "")),
        kept: false,
    },
];

/// Registers the tables' newest snapshots, the rules and the views, and gives the snapshot.
pub(crate) async fn register(
    context: &SessionContext,
    store: &Store,
    rules: &NodeAgentRules,
) -> Result<Snapshot> {
    let mut snapshot = Snapshot::new();
    for table in TABLES {
        let delta = store.require(table).await?;
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
        let session = Arc::new(context.state());
        let provider = delta
            .table_provider()
            .with_session(session)
            .build()
            .await
            .map_err(|error| Error::from_engine(&format!("open table {}", table.name), error))?;
        add(context, table.name, Arc::new(provider))?;
    }
    let rows = rules.rows()?;
    let rules = MemTable::try_new(rows.schema(), vec![vec![rows]])
        .map_err(|error| Error::from_engine("node agent rules", error))?;
    add(context, "node_agent_rules", Arc::new(rules))?;
    for view in &VIEWS {
        let sql = match view.calls {
            Some((calls, more)) => view
                .sql
                .replace("{calls} AS", &format!("{calls} AS"))
                .replace("evidence{more}", &format!("evidence{more}")),
            None => view.sql.to_owned(),
        };
        let what = format!("view {}", view.name);
        let plan = context
            .state()
            .create_logical_plan(&sql)
            .await
            .map_err(|error| Error::Engine {
                what,
                source: Box::new(error),
            })?;
        if view.kept {
            add(context, view.name, Arc::new(KeptView::new(view.name, plan)))?;
        } else {
            add(
                context,
                view.name,
                Arc::new(ViewTable::new(plan, Some(sql))),
            )?;
        }
    }
    Ok(snapshot)
}

fn add(context: &SessionContext, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
    context
        .register_table(name, table)
        .map(|_| ())
        .map_err(|error| Error::from_engine(&format!("register {name}"), error))
}

/// A view that is computed when first read and kept for the session. Its rows grow with issued
/// credentials and nodes, not with calls.
struct KeptView {
    name: &'static str,
    plan: LogicalPlan,
    schema: SchemaRef,
    rows: OnceCell<MemTable>,
}

impl KeptView {
    fn new(name: &'static str, plan: LogicalPlan) -> Self {
        // What a column is declared to be may be narrower than what the plan then gives.
        let fields: Vec<Field> = plan
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        Self {
            name,
            plan,
            schema,
            rows: OnceCell::new(),
        }
    }
}

impl KeptView {
    fn as_declared(&self, batch: &RecordBatch) -> DfResult<RecordBatch> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| Ok(cast(column, field.data_type())?))
            .collect::<DfResult<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl fmt::Debug for KeptView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeptView")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for KeptView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let rows = self
            .rows
            .get_or_try_init(|| async {
                let plan = state.create_physical_plan(&self.plan).await?;
                let mut partitions = collect_partitioned(plan, state.task_ctx()).await?;
                for batch in partitions.iter_mut().flatten() {
                    *batch = self.as_declared(batch)?;
                }
                MemTable::try_new(Arc::clone(&self.schema), partitions)
            })
            .await?;
        rows.scan(state, projection, filters, limit).await
    }
}
