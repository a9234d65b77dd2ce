//! The only door to the data: opens a session on one snapshot of the store and runs SQL in it.
//!
//! Sessions of one engine share its bounds: memory, spill and threads are the engine's, not a session's.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ParamValues;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use podtrail_ingest::store::Store;
use serde_json::Value;

use crate::bounded::{self, Work};
use crate::catalog::{self, Snapshot};
use crate::error::{Error, Result};
use crate::executor::{Queries, Statement};
use crate::interrupt::interruptible;
use crate::kept::Kept;
use crate::memory::within_memory;
use crate::read_only;
use crate::rules::{NodeAgentRule, NodeAgentRules};
use crate::size::check_size;
use crate::types;
use crate::udf;

/// Rows that operators of a user's statement pass on at once: a long text that is the same for all rows is copied for each.
const BATCH_ROWS: usize = 1_024;

/// Bounds of a session's queries.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of memory for operators that can hold much: sorts, joins, aggregations.
    pub memory_bytes: usize,
    /// Bytes that may be spilled to disk.
    pub spill_bytes: u64,
    /// Folder for spilled data; the system's temporary folder where none is named.
    pub spill_folder: Option<PathBuf>,
    /// Threads of a query.
    pub threads: usize,
}

impl Limits {
    /// Defaults for a machine with `threads` cores: 2 GiB of memory, 16 GiB of spill.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self {
            memory_bytes: 2 << 30,
            spill_bytes: 16 << 30,
            spill_folder: None,
            threads: threads.max(1),
        }
    }
}

/// Opens sessions on a store.
#[derive(Debug, Clone)]
pub struct Engine {
    store: Store,
    threads: usize,
    runtime: Arc<RuntimeEnv>,
    rules: Arc<NodeAgentRules>,
    queries: Arc<Queries>,
}

impl Engine {
    /// Makes an engine for a store.
    ///
    /// # Errors
    /// [`Error::Rules`] where a rules file is malformed, [`Error::Engine`] where the folder for spilled data cannot
    /// be had.
    pub fn new(store: Store, limits: &Limits) -> Result<Self> {
        Ok(Self {
            store,
            threads: limits.threads,
            runtime: runtime(limits)?,
            rules: Arc::new(NodeAgentRules::built_in()?),
            queries: Arc::default(),
        })
    }

    /// Gives the list of users' statements, which `system.queries` shows.
    #[must_use]
    pub fn queries(&self) -> &Arc<Queries> {
        &self.queries
    }

    /// Gives the store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes node agent rules of the user's own, which `file` holds: they are tried before those that ship with
    /// podtrail, and one of the same name takes the other's place.
    ///
    /// # Errors
    /// [`Error::Rules`] where a rule is malformed.
    pub fn with_node_agents(mut self, file: &str, rules: Vec<NodeAgentRule>) -> Result<Self> {
        self.rules = Arc::new(NodeAgentRules::with(file, rules)?);
        Ok(self)
    }

    /// Pins the newest snapshot of every table.
    ///
    /// # Errors
    /// [`Error::Store`] where the store has no tables or cannot be read.
    pub async fn session(&self) -> Result<Session> {
        let context = self.context();
        udf::register(&context, &self.rules);
        let (snapshot, passing) =
            catalog::register(&context, &self.store, &self.rules, &self.queries).await?;
        // Only now: the views use none of these, and their rewriting would cost each of them time.
        udf::register_json(&context)?;
        bounded::register(&context)
            .map_err(|error| Error::from_engine("bound the functions", error))?;
        Ok(Session {
            context,
            snapshot,
            passing,
        })
    }

    /// Gives the newest version of every table, without opening a session, looking on from those of `known`.
    ///
    /// # Errors
    /// As [`Engine::session`].
    pub async fn newest(&self, known: &Snapshot) -> Result<Snapshot> {
        catalog::newest(&self.store, known).await
    }

    fn context(&self) -> SessionContext {
        let state = SessionStateBuilder::new()
            .with_config(session_config(self.threads))
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features()
            .build();
        SessionContext::new_with_state(state)
    }
}

/// How sessions are configured that plan for so many threads.
#[must_use]
pub fn session_config(threads: usize) -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(threads)
        .with_information_schema(true)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        // One type for all texts: literals, functions and columns then agree everywhere.
        .set_bool(
            "datafusion.execution.parquet.schema_force_view_types",
            false,
        )
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        // The generic dialect takes a column named `cluster` for the end of a list.
        .set_str("datafusion.sql_parser.dialect", "PostgreSQL")
        // Times without a zone are UTC, as everything here is.
        .set_str("datafusion.execution.time_zone", "+00:00")
}

fn runtime(limits: &Limits) -> Result<Arc<RuntimeEnv>> {
    let mode = match &limits.spill_folder {
        Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default()
        .with_mode(mode)
        .with_max_temp_directory_size(limits.spill_bytes);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(|error| Error::from_engine("start the engine", error))
}

/// One snapshot of the store, and SQL over it.
pub struct Session {
    context: SessionContext,
    snapshot: Snapshot,
    /// Views that are held until the session is warm.
    passing: Vec<Arc<Kept>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Session")
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Gives the versions of the tables that this session reads.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Gives the engine's own context: for what has to plan by itself, such as the PostgreSQL catalog. A plan that
    /// is run through it has no bounds but the engine's; [`crate::Executor`] has them.
    #[must_use]
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Plans one read-only statement.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] for SQL that is malformed, names what does not exist, or would change
    /// anything.
    pub async fn plan(&self, query: &str) -> Result<LogicalPlan> {
        check_size(query)?;
        let plan = self
            .context
            .state()
            .create_logical_plan(query)
            .await
            .map_err(|error| Error::from_engine("plan the query", error))?;
        read_only::check(&plan)?;
        self.without_unions(plan)
            .map_err(|error| Error::from_engine("plan the query", error))
    }

    /// Makes texts of columns that may be of several types, which `->` on JSON gives: no form of an answer has them.
    ///
    /// # Errors
    /// [`DataFusionError::NotImplemented`] where such values lie in lists or structures: those cannot be told as texts.
    /// [`DataFusionError::Plan`] where a type is too large to be looked at.
    pub fn without_unions(&self, plan: LogicalPlan) -> DfResult<LogicalPlan> {
        types::check(&plan)?;
        let is_union = |kind: &DataType| matches!(kind, DataType::Union(..));
        let fields = plan.schema().fields();
        let nested = fields
            .iter()
            .find(|field| !is_union(field.data_type()) && types::has_union(field.data_type()));
        if let Some(field) = nested {
            return Err(DataFusionError::NotImplemented(format!(
                "the column {} has JSON values in lists or structures: read them as texts with ->> instead of ->",
                field.name()
            )));
        }
        if !fields.iter().any(|field| is_union(field.data_type())) {
            return Ok(plan);
        }
        let to_text = self.context.udf("json_union_to_text")?;
        let columns: Vec<Expr> = plan
            .schema()
            .iter()
            .map(|(relation, field)| {
                let column = Expr::Column((relation, field).into());
                if is_union(field.data_type()) {
                    to_text.call(vec![column]).alias(field.name())
                } else {
                    column
                }
            })
            .collect();
        LogicalPlanBuilder::from(plan).project(columns)?.build()
    }

    /// Gives the columns of a plan, as its rows will have them; where values for its placeholders are missing, as
    /// far as they can be told without.
    pub(crate) fn columns(&self, plan: LogicalPlan) -> Result<SchemaRef> {
        let state = self.context.state();
        let partial = Arc::clone(plan.schema().inner());
        let open = !plan
            .get_parameter_names()
            .is_ok_and(|names| names.is_empty());
        // Types of a plan are settled by its analysis: of a union, for example.
        match state
            .analyzer()
            .execute_and_check(plan, state.config_options(), |_, _| {})
        {
            Ok(plan) => Ok(Arc::clone(plan.schema().inner())),
            Err(_) if open => Ok(partial),
            Err(error) => Err(Error::from_engine("plan the query", error)),
        }
    }

    /// Starts a plan, with memory of its own; it ends soon after `stop` is set.
    pub(crate) async fn start(
        &self,
        plan: LogicalPlan,
        memory_bytes: usize,
        stop: &Arc<AtomicBool>,
    ) -> Result<SendableRecordBatchStream> {
        let failed = |error| Error::from_engine("start the query", error);
        read_only::check(&plan)?;
        let mut state = self.context.state();
        let work = Work::of(&plan, memory_bytes, stop).map_err(failed)?;
        state.config_mut().options_mut().extensions.insert(work);
        // With these settings: functions find the statement in them.
        state.mark_start_execution();
        let plan = state.create_physical_plan(&plan).await.map_err(failed)?;
        let plan = within_memory(plan).map_err(failed)?;
        let plan = interruptible(plan, stop).map_err(failed)?;
        let shared = state.runtime_env();
        let own = RuntimeEnv {
            memory_pool: Arc::new(FairSpillPool::new(memory_bytes)),
            ..shared.as_ref().clone()
        };
        let config = state.config().clone().with_batch_size(BATCH_ROWS);
        let task = TaskContext::from(&state)
            .with_runtime(Arc::new(own))
            .with_session_config(config);
        execute_stream(plan, Arc::new(task)).map_err(failed)
    }

    /// Computes what is kept for the session, so that the first to ask does not wait for it.
    ///
    /// # Errors
    /// As [`Session::sql`].
    pub async fn warm(&self) -> Result<()> {
        for view in catalog::WARMED {
            self.rows(&format!("SELECT count(*) FROM {view}")).await?;
        }
        // All that is made of them is there.
        self.passing.iter().for_each(|view| view.release());
        Ok(())
    }

    /// Runs one read-only statement.
    ///
    /// # Errors
    /// As [`Session::plan`]; others where it cannot run.
    pub async fn sql(&self, query: &str) -> Result<SendableRecordBatchStream> {
        self.sql_with(query, None).await
    }

    /// Runs one read-only statement with values for its placeholders.
    ///
    /// # Errors
    /// As [`Session::sql`].
    pub async fn sql_with(
        &self,
        query: &str,
        parameters: Option<ParamValues>,
    ) -> Result<SendableRecordBatchStream> {
        let failed = |error| Error::from_engine("start the query", error);
        let mut plan = self.plan(query).await?;
        if let Some(parameters) = parameters {
            plan = plan.with_param_values(parameters).map_err(failed)?;
        }
        let state = self.context.state();
        let plan = state.create_physical_plan(&plan).await.map_err(failed)?;
        execute_stream(plan, state.task_ctx()).map_err(failed)
    }

    /// Runs one read-only statement and gives all its rows.
    ///
    /// # Errors
    /// As [`Session::sql`].
    pub async fn rows(&self, query: &str) -> Result<Vec<arrow::array::RecordBatch>> {
        use futures::TryStreamExt;
        self.sql(query)
            .await?
            .try_collect()
            .await
            .map_err(|error| Error::from_engine("run the query", error))
    }

    /// Runs one read-only statement and gives its rows as JSON objects: for the few that the service itself reads.
    ///
    /// # Errors
    /// As [`Session::sql`].
    pub async fn json(&self, statement: Statement) -> Result<Vec<Value>> {
        use futures::TryStreamExt;
        let rows = self.sql_with(&statement.sql, statement.parameters).await?;
        let rows: Vec<arrow::array::RecordBatch> = rows
            .try_collect()
            .await
            .map_err(|error| Error::from_engine("run the query", error))?;
        let failed =
            |error: arrow::error::ArrowError| Error::from_engine("read a row", error.into());
        let mut json = Vec::new();
        let mut writer = arrow::json::WriterBuilder::new()
            .with_explicit_nulls(true)
            .build::<_, arrow::json::writer::JsonArray>(&mut json);
        for batch in &rows {
            writer.write(batch).map_err(failed)?;
        }
        writer.finish().map_err(failed)?;
        drop(writer);
        Ok(serde_json::from_slice(&json).unwrap_or_default())
    }
}
