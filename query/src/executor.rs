//! Runs statements within bounds: how many at once, how long each, how much memory, how many rows.
//!
//! A statement runs on a runtime of its own, so that its work never keeps the service from answering others. Its
//! rows come through a short channel: a reader that is slow makes the statement wait and lets others work meanwhile,
//! one that leaves ends it. Who waits for a statement waits no longer than it may take, whatever keeps its thread busy.

mod answer;
mod describe;
mod log;
mod turns;
mod withheld;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use futures::{FutureExt, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::engine::Session;
use crate::error::{Error, Result};
pub use answer::Answer;
pub use describe::Description;
pub(crate) use log::QueryRow;
pub use log::{Ended, Queries, SHOWN_TEXT};
use log::{Entry, Outcome};
use turns::{Turn, Turns};
use withheld::without_values;

/// Batches that wait for a reader.
const WAITING_BATCHES: usize = 2;

/// Time that a statement has to end by itself, once it has taken as long as it may.
const GRACE: Duration = Duration::from_millis(500);

/// Bounds of statements.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Statements that work at once. As many may wait for slow readers meanwhile.
    pub concurrent: usize,
    /// Statements that may wait for their turn.
    pub waiting: usize,
    /// How long a statement waits for its turn.
    pub patience: Duration,
    /// How long a statement may take, from its turn to its last row.
    pub time: Duration,
    /// Bytes of memory of each, for operators that can hold much.
    pub memory_bytes: usize,
    /// Rows of each.
    pub rows: u64,
    /// Bytes of a statement's text.
    pub text_bytes: usize,
}

impl Default for Bounds {
    /// 4 statements at once and 32 waiting for at most 5 s; each 60 s, 512 MiB, a million rows, 256 KiB of text.
    fn default() -> Self {
        Self {
            concurrent: 4,
            waiting: 32,
            patience: Duration::from_secs(5),
            time: Duration::from_mins(1),
            memory_bytes: 512 << 20,
            rows: 1_000_000,
            text_bytes: 256 << 10,
        }
    }
}

/// A statement, and who hands it in.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL.
    pub sql: String,
    /// Values of its placeholders.
    pub parameters: Option<ParamValues>,
    /// Rows after which the answer ends and says so ([`Answer::is_truncated`]); without it, more rows than
    /// [`Bounds::rows`] are an error.
    pub most_rows: Option<u64>,
    /// Who asks: name of a token, subject of an OIDC token.
    pub by: String,
    /// How it came: `http`, `postgresql`, `flight`.
    pub door: &'static str,
}

impl Statement {
    /// A statement of the service itself, without placeholders.
    #[must_use]
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            parameters: None,
            most_rows: None,
            by: "podtrail".to_owned(),
            door: "service",
        }
    }
}

/// Runs statements. Cheap to clone; clones share the bounds.
#[derive(Debug, Clone)]
pub struct Executor {
    runtime: Handle,
    bounds: Bounds,
    turns: Arc<Turns>,
    queries: Option<Arc<Queries>>,
    clock: fn() -> DateTime<Utc>,
}

impl Executor {
    /// Makes an executor that runs statements on `runtime` and, where `queries` are given, notes each there.
    #[must_use]
    pub fn new(
        runtime: Handle,
        bounds: Bounds,
        queries: Option<Arc<Queries>>,
        clock: fn() -> DateTime<Utc>,
    ) -> Self {
        Self {
            runtime,
            turns: Arc::new(Turns::new(bounds)),
            bounds,
            queries,
            clock,
        }
    }

    /// Gives the bounds.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Statements that run now, those that wait for their readers among them.
    #[must_use]
    pub fn running(&self) -> usize {
        self.turns.taken()
    }

    /// Runs a statement that only reads.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] for what is malformed, names what does not exist or would change anything,
    /// [`Error::Busy`] where no turn comes in time; others where it cannot run. Errors after the first row come in
    /// the answer's stream.
    pub async fn run(&self, session: &Arc<Session>, statement: Statement) -> Result<Answer> {
        self.start(session, statement, None).await
    }

    /// Runs a plan that [`Session::plan`] made of the statement.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn run_plan(
        &self,
        session: &Arc<Session>,
        plan: LogicalPlan,
        statement: Statement,
    ) -> Result<Answer> {
        self.start(session, statement, Some(plan)).await
    }

    async fn start(
        &self,
        session: &Arc<Session>,
        statement: Statement,
        plan: Option<LogicalPlan>,
    ) -> Result<Answer> {
        let entry = self
            .queries
            .as_ref()
            .map(|queries| queries.begin(&statement, (self.clock)()));
        let turn = match self.check_length(&statement) {
            Ok(()) => self.turns.take().await,
            Err(error) => Err(error),
        };
        let turn = match turn {
            Ok(turn) => turn,
            Err(error) => {
                if let Some(entry) = entry {
                    entry.fail(&error, 0);
                }
                return Err(error);
            }
        };
        let has_parameters = statement.parameters.is_some();
        let (rows_in, rows) = mpsc::channel(WAITING_BATCHES);
        let (schema_in, schema) = oneshot::channel();
        let end = Arc::new(Mutex::new(None));
        let truncated = Arc::new(AtomicBool::new(false));
        let stop = Arc::new(AtomicBool::new(false));
        // One for both who watch it: what the timer stops has not ended before its time.
        let deadline = Instant::now() + self.bounds.time;
        let run = Run {
            session: Arc::clone(session),
            bounds: self.bounds,
            statement,
            has_parameters,
            plan,
            schema: Some(schema_in),
            rows: rows_in,
            end: Arc::clone(&end),
            truncated: Arc::clone(&truncated),
            stop: Arc::clone(&stop),
            deadline,
            sent: 0,
            entry,
            turn,
        };
        let running = Running {
            task: self.runtime.spawn(run.drive()).abort_handle(),
            timer: stop_at(deadline, &stop),
            stop,
        };
        let late = deadline + GRACE;
        let schema = match tokio::time::timeout_at(late, schema).await {
            Ok(Ok(schema)) => schema,
            // The statement ended before it had a schema.
            Ok(Err(_)) => return Err(taken(&end).unwrap_or_else(stopped)),
            Err(_) => return Err(Error::TimedOut(self.bounds.time)),
        };
        Ok(Answer {
            schema,
            rows,
            end,
            truncated,
            has_parameters,
            done: false,
            late: Box::pin(tokio::time::sleep_until(late)),
            time: self.bounds.time,
            _running: running,
        })
    }

    fn check_length(&self, statement: &Statement) -> Result<()> {
        if statement.sql.len() > self.bounds.text_bytes {
            return Err(Error::InvalidQuery(format!(
                "the statement is longer than {} bytes",
                self.bounds.text_bytes
            )));
        }
        Ok(())
    }
}

/// Ends a statement when nobody waits for its rows any more.
#[derive(Debug)]
struct Running {
    task: AbortHandle,
    /// Stops what does not wait, in time.
    timer: AbortHandle,
    stop: Arc<AtomicBool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.timer.abort();
        self.task.abort();
    }
}

/// Sets `stop` at a time. On the caller's runtime: the statement's may be busy with what should stop.
fn stop_at(deadline: Instant, stop: &Arc<AtomicBool>) -> AbortHandle {
    let stop = Arc::clone(stop);
    let timer = tokio::spawn(async move {
        tokio::time::sleep_until(deadline).await;
        stop.store(true, Ordering::Relaxed);
    });
    timer.abort_handle()
}

/// How a statement ended, once it has.
type End = Arc<Mutex<Option<Result<()>>>>;

fn taken(end: &End) -> Option<Error> {
    end.lock().ok()?.take()?.err()
}

/// The engine has faults of its own; its message stands in the log.
fn panicked() -> Error {
    Error::Engine {
        what: "run the query".to_owned(),
        source: Box::new(DataFusionError::Internal("the engine panicked".to_owned())),
    }
}

fn stopped() -> Error {
    Error::Stopped("the statement was stopped".to_owned())
}

/// A statement under way.
struct Run {
    session: Arc<Session>,
    bounds: Bounds,
    statement: Statement,
    has_parameters: bool,
    plan: Option<LogicalPlan>,
    schema: Option<oneshot::Sender<SchemaRef>>,
    rows: mpsc::Sender<RecordBatch>,
    end: End,
    truncated: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    deadline: Instant,
    sent: u64,
    entry: Option<Entry>,
    /// Given back last: who gets the turn finds this statement noted as ended.
    turn: Turn,
}

impl Run {
    async fn drive(mut self) {
        let deadline = self.deadline;
        let work = AssertUnwindSafe(self.run()).catch_unwind();
        let result = match tokio::time::timeout_at(deadline, work).await {
            // What was stopped in time fails with an error of its own.
            Ok(Ok(Err(_))) if Instant::now() >= deadline => Err(Error::TimedOut(self.bounds.time)),
            Ok(Ok(result)) if self.has_parameters => result.map_err(without_values),
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(panicked()),
            Err(_) => Err(Error::TimedOut(self.bounds.time)),
        };
        if let Some(entry) = self.entry.take() {
            match &result {
                Ok(()) => entry.end(Outcome::Finished, self.sent),
                Err(Error::Stopped(_)) => entry.end(Outcome::Cancelled, self.sent),
                Err(error) => entry.fail(error, self.sent),
            }
        }
        if let Ok(mut end) = self.end.lock() {
            *end = Some(result);
        }
    }

    async fn run(&mut self) -> Result<()> {
        let mut rows = self.stream().await?;
        let mut next = rows.next().await;
        // With the first rows only: what fails before them is told instead of an answer, not in it.
        if !matches!(next, Some(Err(_)))
            && let Some(schema) = self.schema.take()
        {
            // Nobody waits any more: the task is about to be stopped.
            let _ = schema.send(rows.schema());
        }
        while let Some(batch) = next {
            let batch = batch.map_err(|error| Error::from_engine("run the query", error))?;
            let Some(batch) = self.within_bounds(batch)? else {
                return Ok(());
            };
            self.sent += batch.num_rows() as u64;
            self.send(batch).await?;
            next = rows.next().await;
        }
        Ok(())
    }

    /// Hands rows to the reader. Where it does not read those before, others work until it does.
    async fn send(&mut self, rows: RecordBatch) -> Result<()> {
        let rows = match self.rows.try_send(rows) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(rows)) => rows,
            Err(TrySendError::Closed(_)) => return Err(stopped()),
        };
        let room = self.turn.while_waiting(self.rows.reserve()).await?;
        room.map_err(|_| stopped())?.send(rows);
        Ok(())
    }

    async fn stream(&mut self) -> Result<SendableRecordBatchStream> {
        let plan = match self.plan.take() {
            Some(plan) => plan,
            None => self.session.plan(&self.statement.sql).await?,
        };
        let plan = match self.statement.parameters.take() {
            Some(parameters) => filled(plan, parameters)?,
            None => plan,
        };
        self.session
            .start(plan, self.bounds.memory_bytes, &self.stop)
            .await
    }

    /// Cuts a batch to what may still be sent; none where nothing may.
    fn within_bounds(&self, batch: RecordBatch) -> Result<Option<RecordBatch>> {
        let most = self.statement.most_rows.unwrap_or(self.bounds.rows);
        let room = most.min(self.bounds.rows) - self.sent;
        if batch.num_rows() as u64 <= room {
            return Ok(Some(batch));
        }
        if self.statement.most_rows.is_none() {
            return Err(Error::LimitExceeded(format!(
                "more than {} rows",
                self.bounds.rows
            )));
        }
        self.truncated.store(true, Ordering::Relaxed);
        // Fewer rows than the batch has, so they fit.
        let room = usize::try_from(room).unwrap_or(0);
        Ok((room > 0).then(|| batch.slice(0, room)))
    }
}

/// Puts values in the places of placeholders, one for each.
fn filled(plan: LogicalPlan, parameters: ParamValues) -> Result<LogicalPlan> {
    let failed = |error| Error::from_engine("fill the placeholders", error);
    let places = plan.get_parameter_names().map_err(failed)?;
    let given: Vec<String> = match &parameters {
        ParamValues::List(values) => (1..=values.len())
            .map(|place| format!("${place}"))
            .collect(),
        ParamValues::Map(values) => values.keys().map(|name| format!("${name}")).collect(),
    };
    // A value that nothing asks for is a typing error somewhere.
    if let Some(unasked) = given.iter().find(|name| !places.contains(*name)) {
        return Err(Error::InvalidQuery(format!(
            "there is a value for {unasked}, which the statement does not have"
        )));
    }
    plan.with_param_values(parameters).map_err(failed)
}

#[cfg(test)]
mod tests;
