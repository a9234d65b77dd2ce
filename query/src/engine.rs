//! The only door to the data: opens a session on one snapshot of the store and runs SQL in it.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use podtrail_ingest::store::Store;

use crate::catalog::{self, Snapshot};
use crate::error::{Error, Result};
use crate::rules::{NodeAgentRule, NodeAgentRules};
use crate::udf;

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
    limits: Limits,
    rules: Arc<NodeAgentRules>,
}

impl Engine {
    /// Makes an engine for a store.
    ///
    /// # Errors
    /// [`Error::Rules`] where a rules file is malformed.
    pub fn new(store: Store, limits: Limits) -> Result<Self> {
        Ok(Self {
            store,
            limits,
            rules: Arc::new(NodeAgentRules::built_in()?),
        })
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
        let context = self.context()?;
        udf::register(&context, &self.rules);
        let snapshot = catalog::register(&context, &self.store, &self.rules).await?;
        Ok(Session { context, snapshot })
    }

    fn context(&self) -> Result<SessionContext> {
        let failed = |error| Error::from_engine("start the engine", error);
        let mode = match &self.limits.spill_folder {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default()
            .with_mode(mode)
            .with_max_temp_directory_size(self.limits.spill_bytes);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(self.limits.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(failed)?;
        let config = SessionConfig::new()
            .with_target_partitions(self.limits.threads)
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
            .set_str("datafusion.execution.time_zone", "+00:00");
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        Ok(SessionContext::new_with_state(state))
    }
}

/// One snapshot of the store, and SQL over it.
pub struct Session {
    context: SessionContext,
    snapshot: Snapshot,
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

    /// Runs one read-only statement.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] for SQL that is malformed, names what does not exist, or would change
    /// anything; other variants where it cannot run.
    pub async fn sql(&self, query: &str) -> Result<SendableRecordBatchStream> {
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        self.context
            .sql_with_options(query, options)
            .await
            .map_err(|error| Error::from_engine("plan the query", error))?
            .execute_stream()
            .await
            .map_err(|error| Error::from_engine("start the query", error))
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
}
