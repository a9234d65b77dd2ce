//! Statements that read data, from their values to their rows.

use datafusion::arrow::datatypes::Schema;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::error::PgWireResult;
use podtrail_query::{Answer, Statement};
use tokio::time::Instant;

use super::{Conversation, DOOR, Reply};
use crate::serve::pgwire::error::{NOT_SUPPORTED, error, of_engine};
use crate::serve::pgwire::parameters::{Parameter, values};
use crate::serve::pgwire::rows::{Columns, answer_in_time, columns, rows};

impl Conversation {
    /// Runs a statement and gives its rows, whose columns are those that were announced.
    pub(super) async fn read(
        &mut self,
        sql: Sql,
        text: String,
        bound: Option<(&[Parameter], &Portal<()>)>,
        format: &Format,
        announced: Option<&Schema>,
    ) -> PgWireResult<Reply> {
        let tag = match &sql {
            Sql::Query(_) => "SELECT",
            Sql::Explain { .. } => "EXPLAIN",
            _ => "SHOW",
        };
        let (answer, deadline) = Box::pin(self.started(sql, text, bound)).await?;
        let given = columns(&answer.schema(), format)?;
        if let Some(announced) = announced {
            let announced = columns(announced, format)?;
            let types = |columns: &Columns| -> Vec<_> {
                columns
                    .iter()
                    .map(|column| column.datatype().oid())
                    .collect()
            };
            if types(&announced) != types(&given) {
                return Err(error(
                    NOT_SUPPORTED,
                    "the columns have changed since the statement was prepared",
                ));
            }
        }
        let rows = rows(answer, &given, deadline);
        Ok(Reply::Rows(given, rows, tag))
    }

    /// Runs a statement on the snapshot now in service. Gives with its answer until when it may take.
    pub(super) async fn started(
        &mut self,
        sql: Sql,
        text: String,
        bound: Option<(&[Parameter], &Portal<()>)>,
    ) -> PgWireResult<(Answer, Option<Instant>)> {
        let parameters = match bound {
            Some((parameters, portal)) => values(parameters, portal)?,
            None => None,
        };
        let deadline = self.settings.timeout().map(|time| Instant::now() + time);
        let service = &self.service;
        let session = service.snapshots.current();
        let plan = service.catalog.plan(&session, sql).await;
        let plan = plan.map_err(|failure| of_engine(&failure))?;
        let statement = Statement {
            sql: text,
            parameters,
            most_rows: None,
            by: self.by.clone(),
            door: DOOR,
        };
        // From here on the executor notes how it ends.
        self.unnoted = None;
        let run = service.executor.run_plan(&session, plan, statement);
        Ok((answer_in_time(deadline, run).await?, deadline))
    }
}
