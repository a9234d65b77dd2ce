//! Cursors: statements whose rows clients fetch by name, piece by piece, as psqlODBC and psycopg do for large answers.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::error::PgWireResult;
use datafusion_postgres::pgwire::messages::response::TransactionStatus;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;

use super::{Conversation, MOST_PORTALS, Reply};
use crate::serve::pgwire::error::{
    CURSOR_EXISTS, LIMIT_EXCEEDED, NO_CURSOR, NO_TRANSACTION, error,
};
use crate::serve::pgwire::parameters::Parameter;
use crate::serve::pgwire::rows::{Batches, batches, columns, encoded};
use crate::serve::pgwire::statement::Declared;

/// A statement whose rows are fetched.
pub(super) struct Cursor {
    schema: SchemaRef,
    rows: Arc<Mutex<Ahead>>,
    holds: bool,
}

/// Rows that nobody has fetched yet.
struct Ahead {
    batches: Batches,
    /// What is left of a batch.
    rest: Option<RecordBatch>,
    /// Somebody fetches, or did not come to the end: then rows are gone that nobody got.
    amid: bool,
}

impl Ahead {
    /// Gives at most so many rows; none at the end, or where none are asked for.
    async fn take(&mut self, most: usize) -> PgWireResult<Option<RecordBatch>> {
        let next = if most == 0 {
            None
        } else if let Some(rest) = self.rest.take() {
            Some(rest)
        } else {
            self.batches.next().await.transpose()?
        };
        let Some(batch) = next else {
            self.amid = false;
            return Ok(None);
        };
        let count = most.min(batch.num_rows());
        if count < batch.num_rows() {
            self.rest = Some(batch.slice(count, batch.num_rows() - count));
        }
        Ok(Some(batch.slice(0, count)))
    }
}

impl Conversation {
    /// Starts the statement of a cursor.
    pub(super) async fn declare(
        &mut self,
        declared: Declared,
        sql: Sql,
        text: String,
        bound: Option<(&[Parameter], &Portal<()>)>,
    ) -> PgWireResult<Reply> {
        let Declared { name, holds } = declared;
        if !holds && self.transaction == TransactionStatus::Idle {
            let text = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(error(NO_TRANSACTION, text));
        }
        if self.cursors.contains_key(&name) {
            let text = format!("cursor \"{name}\" already exists");
            return Err(error(CURSOR_EXISTS, text));
        }
        if self.cursors.len() >= MOST_PORTALS {
            let text = format!("a connection may have at most {MOST_PORTALS} cursors");
            return Err(error(LIMIT_EXCEEDED, text));
        }
        let (answer, deadline) = Box::pin(self.started(sql, text, bound)).await?;
        let schema = answer.schema();
        // What cannot be fetched is refused now.
        columns(&schema, &Format::UnifiedText)?;
        let ahead = Ahead {
            batches: batches(answer, deadline),
            rest: None,
            amid: false,
        };
        let cursor = Cursor {
            schema,
            rows: Arc::new(Mutex::new(ahead)),
            holds,
        };
        self.cursors.insert(name, cursor);
        Ok(Reply::Done("DECLARE CURSOR"))
    }

    /// Gives at most so many rows of a cursor.
    pub(super) fn fetch(&self, name: &str, most: usize, format: &Format) -> PgWireResult<Reply> {
        let cursor = self.cursor(name)?;
        let given = columns(&cursor.schema, format)?;
        let ahead = cursor.rows.try_lock();
        if !ahead.is_ok_and(|mut ahead| !std::mem::replace(&mut ahead.amid, true)) {
            let text = format!("an earlier FETCH of cursor \"{name}\" did not come to its end");
            return Err(error(NO_CURSOR, text));
        }
        let next = (Arc::clone(&cursor.rows), most);
        let batches = stream::try_unfold(next, |(rows, most)| async move {
            let batch = rows.lock().await.take(most).await?;
            PgWireResult::Ok(batch.map(|batch| {
                let left = most - batch.num_rows();
                (batch, (rows, left))
            }))
        });
        let columns = Arc::clone(&given);
        let rows = batches.map_ok(move |batch| encoded(&columns, batch));
        Ok(Reply::Rows(given, Box::pin(rows.try_flatten()), "FETCH"))
    }

    /// Gives the columns of a cursor.
    pub(super) fn cursor_schema(&self, name: &str) -> PgWireResult<&SchemaRef> {
        self.cursor(name).map(|cursor| &cursor.schema)
    }

    /// Ends a cursor, or all.
    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> PgWireResult<&'static str> {
        let Some(name) = name else {
            self.cursors.clear();
            return Ok("CLOSE CURSOR ALL");
        };
        self.cursor(name)?;
        self.cursors.remove(name);
        Ok("CLOSE CURSOR")
    }

    /// Ends the cursors that do not outlive their transaction.
    pub(super) fn end_cursors(&mut self) {
        self.cursors.retain(|_, cursor| cursor.holds);
    }

    fn cursor(&self, name: &str) -> PgWireResult<&Cursor> {
        let missing = || error(NO_CURSOR, format!("cursor \"{name}\" does not exist"));
        self.cursors.get(name).ok_or_else(missing)
    }
}
