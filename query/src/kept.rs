//! Views whose rows are computed once for a snapshot: kept in memory for the session, and on the shelf for the
//! sessions that come after it; or held in memory only while such views are made of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use tokio::sync::OnceCell;
use tracing::Instrument;

use crate::days::{self, Days};
use crate::marks::Marks;
use crate::shelf::Shelf;

/// Makes a view's rows of the rows of its inputs, by input, with at most so many threads.
type Compute = fn(Vec<Vec<RecordBatch>>, usize) -> DfResult<Vec<RecordBatch>>;

/// Rows that are held together: what a dictionary of texts covers, and what one scan passes on.
const HELD_ROWS: usize = 65_536;

/// Where a view's rows are once they were computed.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In memory for the session, and on the shelf for those after it. Such rows grow with issued credentials, nodes, pods and
    /// hours, not with calls.
    Shelf(Arc<Shelf>),
    /// The same, of rows that each come from one day's files alone: of a later snapshot, only days with other files are
    /// computed.
    ByDay(Arc<Shelf>, Arc<Days>),
    /// The same, of rows that also come from what the marks of their day are made of: days with another mark are computed
    /// as well. They grow with hours, and with calls that pods made with a node's role, by five minutes.
    Marked(Arc<Shelf>, Arc<Days>, Arc<Marks>),
    /// In memory until [`Kept::release`]: rows that other kept views are made of.
    Memory,
}

/// A view that is computed when first read, and kept.
pub(crate) struct Kept {
    recipe: Arc<Recipe>,
    /// What is read.
    schema: SchemaRef,
    /// Until they are released.
    rows: RwLock<Option<Arc<OnceCell<MemTable>>>>,
}

/// How the rows of a view are had.
struct Recipe {
    name: &'static str,
    inputs: Vec<LogicalPlan>,
    /// What is held: what is read, or that with dictionaries for texts.
    held: SchemaRef,
    compute: Compute,
    place: Place,
}

impl Kept {
    /// Keeps the rows of one plan; where `compact` is set, equal texts are held once.
    pub(crate) fn view(
        name: &'static str,
        plan: LogicalPlan,
        compact: bool,
        place: &Place,
    ) -> Self {
        // What a column is declared to be may be narrower than what the plan then gives.
        let fields: Vec<Field> = plan
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let rows: Compute = |inputs, _| Ok(inputs.into_iter().flatten().collect());
        Self::made(name, vec![plan], schema, rows, compact, place)
    }

    /// Keeps what is made of the rows of several plans; where `compact` is set, equal texts are held once.
    pub(crate) fn made(
        name: &'static str,
        inputs: Vec<LogicalPlan>,
        schema: SchemaRef,
        compute: Compute,
        compact: bool,
        place: &Place,
    ) -> Self {
        let held = if compact {
            with_dictionaries(&schema)
        } else {
            Arc::clone(&schema)
        };
        let recipe = Recipe {
            name,
            inputs,
            held,
            compute,
            place: place.clone(),
        };
        Self {
            recipe: Arc::new(recipe),
            schema,
            rows: RwLock::new(Some(Arc::default())),
        }
    }

    /// Forgets the rows, once all that is made of them has been made. Who reads them later has them computed again.
    pub(crate) fn release(&self) {
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Gives where the rows are, or will be; once they are released, a place for one reader.
    fn cell(&self) -> Arc<OnceCell<MemTable>> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.clone().unwrap_or_default()
    }

    /// Has the rows made by a task of their own. A plan is made by one thread, and the plans of some dozens of views are much
    /// of what the first answer costs: those of views that do not read each other are made side by side.
    async fn made_apart(&self, state: &dyn CatalogSession) -> DfResult<MemTable> {
        let Some(own) = state.as_any().downcast_ref::<SessionState>() else {
            return self.recipe.rows(state).await;
        };
        let (recipe, own) = (Arc::clone(&self.recipe), own.clone());
        let rows = async move { recipe.rows(&own).await };
        // It ends when nobody waits for it.
        SpawnedTask::spawn(rows.in_current_span())
            .join_unwind()
            .await
            .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
    }

    /// Reads texts out of their dictionaries.
    fn as_read(&self, rows: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
        if self.recipe.held == self.schema {
            return Ok(rows);
        }
        let columns = rows
            .schema()
            .fields()
            .iter()
            .enumerate()
            .map(|(index, field)| {
                let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
                let declared = self.schema.field_with_name(field.name())?.data_type();
                let read = if declared == field.data_type() {
                    column
                } else {
                    Arc::new(CastExpr::new(column, declared.clone(), None))
                };
                Ok((read, field.name().clone()))
            })
            .collect::<DfResult<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, rows)?))
    }
}

impl Recipe {
    async fn rows(&self, state: &dyn CatalogSession) -> DfResult<MemTable> {
        let rows = match &self.place {
            Place::Memory => self.computed(state, &self.inputs).await?,
            Place::Shelf(shelf) | Place::ByDay(shelf, _) | Place::Marked(shelf, _, _) => {
                self.shelved(state, shelf).await?
            }
        };
        // Each partition is read by a thread of its own.
        let threads = threads_of(state);
        let mut partitions = vec![Vec::new(); threads];
        for (at, batch) in rows.into_iter().enumerate() {
            partitions[at % threads].push(batch);
        }
        MemTable::try_new(Arc::clone(&self.held), partitions)
    }

    /// Takes the rows from the shelf, or computes them and puts them there.
    async fn shelved(
        &self,
        state: &dyn CatalogSession,
        shelf: &Shelf,
    ) -> DfResult<Vec<RecordBatch>> {
        if let Some(rows) = shelf.take(self.name, &self.held).await {
            return Ok(rows);
        }
        let days = self.days(state).await?;
        let rows = match &days {
            Some(days) => self.computed_by_day(state, shelf, days).await?,
            None => self.computed(state, &self.inputs).await?,
        };
        shelf
            .put(self.name, &self.held, &rows, days.as_deref())
            .await;
        Ok(rows)
    }

    /// What the rows of each day come from, where each comes from one day.
    async fn days(&self, state: &dyn CatalogSession) -> DfResult<Option<Cow<'_, Days>>> {
        Ok(match &self.place {
            Place::Memory | Place::Shelf(_) => None,
            Place::ByDay(_, days) => Some(Cow::Borrowed(days.as_ref())),
            Place::Marked(_, days, marks) => {
                let marks = marks.read(state).await?;
                Some(Cow::Owned(days.marked(&marks)))
            }
        })
    }

    /// Computes the rows of the days that an earlier snapshot had not, or that came from other things there.
    async fn computed_by_day(
        &self,
        state: &dyn CatalogSession,
        shelf: &Shelf,
        days: &Days,
    ) -> DfResult<Vec<RecordBatch>> {
        let earlier = shelf.earlier(self.name, &self.held).await;
        let (earlier_days, earlier) = earlier.unwrap_or_default();
        let same = days.in_common(&earlier_days);
        if same.is_empty() {
            return self.computed(state, &self.inputs).await;
        }
        let others = days.none_of(&same);
        let others = self
            .inputs
            .iter()
            .map(|plan| {
                LogicalPlanBuilder::from(plan.clone())
                    .filter(others.clone())?
                    .build()
            })
            .collect::<DfResult<Vec<_>>>()?;
        let mut rows = self.computed(state, &others).await?;
        for batch in &earlier {
            rows.push(days::rows_of(&same, batch)?);
        }
        Ok(rows)
    }

    async fn computed(
        &self,
        state: &dyn CatalogSession,
        plans: &[LogicalPlan],
    ) -> DfResult<Vec<RecordBatch>> {
        let begin = Instant::now();
        let mut reading = Duration::ZERO;
        let mut inputs = Vec::with_capacity(plans.len());
        for plan in plans {
            // With it, the kept views that this one reads are computed.
            let plan = state.create_physical_plan(plan).await?;
            let planned = Instant::now();
            let partitions = collect_partitioned(plan, state.task_ctx()).await?;
            reading += planned.elapsed();
            inputs.push(partitions.into_iter().flatten().collect());
        }
        let read = Instant::now();
        let rows = self.as_held((self.compute)(inputs, threads_of(state))?)?;
        tracing::debug!(
            view = self.name,
            rows = rows.iter().map(RecordBatch::num_rows).sum::<usize>(),
            reading_ms = reading.as_millis(),
            making_ms = read.elapsed().as_millis(),
            with_inputs_ms = begin.elapsed().as_millis(),
            "a view was computed"
        );
        Ok(rows)
    }

    /// Puts rows together and, where they are held so, their texts into dictionaries.
    fn as_held(&self, rows: Vec<RecordBatch>) -> DfResult<Vec<RecordBatch>> {
        let mut held = Vec::new();
        let mut waiting: Vec<RecordBatch> = Vec::new();
        let mut count = 0;
        for batch in rows {
            count += batch.num_rows();
            waiting.push(batch);
            if count >= HELD_ROWS {
                held.push(self.together(&waiting)?);
                waiting.clear();
                count = 0;
            }
        }
        if count > 0 {
            held.push(self.together(&waiting)?);
        }
        Ok(held)
    }

    fn together(&self, batches: &[RecordBatch]) -> DfResult<RecordBatch> {
        let Some(first) = batches.first() else {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.held)));
        };
        let batch = concat_batches(&first.schema(), batches)?;
        let columns = batch
            .columns()
            .iter()
            .zip(self.held.fields())
            .map(|(column, field)| Ok(cast(column, field.data_type())?))
            .collect::<DfResult<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.held), columns)?)
    }
}

fn threads_of(state: &dyn CatalogSession) -> usize {
    state.config().target_partitions().max(1)
}

/// A schema whose texts are held once each, and rows name them. Ids of events and activities are all different.
fn with_dictionaries(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let field = field.as_ref().clone();
            let is_text = field.data_type() == &DataType::Utf8;
            if is_text && !matches!(field.name().as_str(), "event_id" | "activity_id") {
                let words =
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                field.with_data_type(words)
            } else {
                field
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Kept")
            .field("name", &self.recipe.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Kept {
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
        let cell = self.cell();
        let rows = cell.get_or_try_init(|| self.made_apart(state)).await?;
        self.as_read(rows.scan(state, projection, filters, limit).await?)
    }
}

#[cfg(test)]
mod tests;
