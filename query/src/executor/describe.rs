//! What a statement gives and what it asks for, told without running it.

use std::collections::HashMap;

use arrow::datatypes::DataType;

use super::{
    AbortHandle, Arc, Error, Executor, ParamValues, Result, SchemaRef, Session, Statement, filled,
    panicked, stopped, without_values,
};

/// The columns of a statement, and the places in it for values.
#[derive(Debug, Clone)]
pub struct Description {
    /// Names and types of the columns; where values are missing, as far as they can be told without.
    pub columns: SchemaRef,
    /// Placeholders by name (`$1`, `$name`), and their types where the statement tells them.
    pub placeholders: HashMap<String, Option<DataType>>,
}

impl Executor {
    /// Describes a statement that only reads, within the bounds of those that run. It is noted only where it is
    /// refused: who goes on runs it.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn describe(
        &self,
        session: &Arc<Session>,
        statement: Statement,
    ) -> Result<Description> {
        let mut result = self.described(session, &statement).await;
        if statement.parameters.is_some() {
            result = result.map_err(without_values);
        }
        if let Err(error) = &result {
            self.refused(&statement, error);
        }
        result
    }

    async fn described(
        &self,
        session: &Arc<Session>,
        statement: &Statement,
    ) -> Result<Description> {
        self.check_length(statement)?;
        let turn = self.turns.take().await?;
        let (session, time) = (Arc::clone(session), self.bounds.time);
        let (sql, parameters) = (statement.sql.clone(), statement.parameters.clone());
        let task = self.runtime.spawn(async move {
            let _turn = turn;
            describe(&session, &sql, parameters).await
        });
        let _waited_for = WaitedFor(task.abort_handle());
        // Beside its thread, which may be busy with what should end.
        match tokio::time::timeout(time, task).await {
            Ok(Ok(described)) => described,
            Ok(Err(error)) if error.is_panic() => Err(panicked()),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(Error::TimedOut(time)),
        }
    }
}

/// Ends the work when nobody waits for it any more.
struct WaitedFor(AbortHandle);

impl Drop for WaitedFor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn describe(
    session: &Session,
    sql: &str,
    parameters: Option<ParamValues>,
) -> Result<Description> {
    let mut plan = session.plan(sql).await?;
    let names = plan
        .get_parameter_names()
        .map_err(|error| Error::from_engine("read the placeholders", error))?;
    // One that is compared with columns of several types has none.
    let mut types = plan.get_parameter_types().unwrap_or_default();
    let placeholders = names
        .into_iter()
        .map(|name| {
            let kind = types.remove(&name).flatten();
            (name, kind)
        })
        .collect();
    if let Some(parameters) = parameters {
        plan = filled(plan, parameters)?;
    }
    let columns = session.columns(plan)?;
    Ok(Description {
        columns,
        placeholders,
    })
}
