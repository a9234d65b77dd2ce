//! Rows as the protocol writes them, one batch at a time.

use std::pin::Pin;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion_postgres::arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch};
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::{FieldInfo, SendableRowStream};
use datafusion_postgres::pgwire::error::PgWireResult;
use datafusion_postgres::pgwire::messages::data::RowDescription;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use podtrail_query::{Answer, Error};
use tokio::time::{Instant, timeout_at};

use super::error::{CANCELLED, INTERNAL_ERROR, PROTOCOL_VIOLATION, error, of_query};

/// The columns of an answer.
pub(super) type Columns = Arc<Vec<FieldInfo>>;

/// Gives the columns of a schema, in the formats that a client asks for.
pub(super) fn columns(schema: &Schema, format: &Format) -> PgWireResult<Columns> {
    if let Format::Individual(formats) = format
        && formats.len() != schema.fields().len()
    {
        return Err(error(
            PROTOCOL_VIOLATION,
            format!(
                "bind message has {} result formats but the statement has {} columns",
                formats.len(),
                schema.fields().len()
            ),
        ));
    }
    arrow_schema_to_pg_fields(schema, format, None).map(Arc::new)
}

/// Gives a schema of texts.
pub(super) fn texts(names: &[&str]) -> Schema {
    let field = |name: &&str| Field::new(*name, DataType::Utf8, true);
    Schema::new(names.iter().map(field).collect::<Vec<_>>())
}

/// Describes columns.
pub(super) fn described(columns: &Columns) -> RowDescription {
    RowDescription::new(columns.iter().map(Into::into).collect())
}

/// Rows of an answer.
pub(super) type Batches = Pin<Box<dyn Stream<Item = PgWireResult<RecordBatch>> + Send>>;

/// Gives the rows of an answer as they come, until `deadline`.
pub(super) fn batches(answer: Answer, deadline: Option<Instant>) -> Batches {
    Box::pin(stream::try_unfold(answer, move |mut answer| async move {
        let next = in_time(deadline, answer.next()).await?;
        let batch = next.transpose().map_err(|failure| of_query(&failure))?;
        PgWireResult::Ok(batch.map(|batch| (batch, answer)))
    }))
}

/// Gives the rows of an answer as they are sent, until `deadline`.
pub(super) fn rows(
    answer: Answer,
    columns: &Columns,
    deadline: Option<Instant>,
) -> SendableRowStream {
    let columns = Arc::clone(columns);
    Box::pin(
        batches(answer, deadline)
            .map_ok(move |batch| encoded(&columns, batch))
            .try_flatten(),
    )
}

/// Gives the rows of a batch.
pub(super) fn encoded(columns: &Columns, batch: RecordBatch) -> SendableRowStream {
    if batch.num_columns() != columns.len() {
        let failure = error(INTERNAL_ERROR, "the rows do not have the columns described");
        return Box::pin(stream::iter([Err(failure)]));
    }
    Box::pin(stream::iter(encode_recordbatch(Arc::clone(columns), batch)))
}

/// Waits until the client's own deadline, if it has one.
pub(super) async fn in_time<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> PgWireResult<T> {
    let Some(deadline) = deadline else {
        return Ok(work.await);
    };
    let late = || error(CANCELLED, "canceling statement due to statement timeout");
    timeout_at(deadline, work).await.map_err(|_| late())
}

/// Waits for an answer until the client's own deadline, if it has one.
pub(super) async fn answer_in_time(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<Answer, Error>>,
) -> PgWireResult<Answer> {
    in_time(deadline, work)
        .await?
        .map_err(|failure| of_query(&failure))
}
