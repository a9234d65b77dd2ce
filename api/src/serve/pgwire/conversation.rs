//! What one client says, and what it is answered: the simple and the extended protocol.
//!
//! See <https://www.postgresql.org/docs/current/protocol-flow.html>.

mod cursors;
mod extended;
mod reading;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ParamValues;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::results::{SendableRowStream, Tag};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage as Told;
use datafusion_postgres::pgwire::messages::PgWireFrontendMessage as Asked;
use datafusion_postgres::pgwire::messages::response::{
    EmptyQueryResponse, ReadyForQuery, TransactionStatus,
};
use datafusion_postgres::pgwire::messages::startup::ParameterStatus;
use futures::{SinkExt, StreamExt};
use podtrail_query::{Error, Statement};

use super::connection::Wire;
use super::error::{
    ABORTED_TRANSACTION, CANCELLED, INTERNAL_ERROR, INVALID_AUTHORIZATION, LIMIT_EXCEEDED,
    NO_STATEMENT, PROTOCOL_VIOLATION, SYSTEM_ERROR, UNCHECKED, error, fatal,
};
use super::parameters::Parameter;
use super::rows::{Columns, columns, described, encoded, texts};
use super::settings::Settings;
use super::statement::{Order, Sorted};
use super::{Refused, Service};
use cursors::Cursor;

/// How statements come here, as the audit tells it.
const DOOR: &str = "postgresql";

/// Prepared statements of a connection.
const MOST_STATEMENTS: usize = 256;
/// Portals of a connection, and cursors.
const MOST_PORTALS: usize = 64;

/// A client that has been let in.
pub(super) struct Conversation {
    service: Arc<Service>,
    /// Who asks.
    by: String,
    /// What they were let in with, where a password is asked for.
    password: Option<String>,
    settings: Settings,
    transaction: TransactionStatus,
    statements: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Bound>,
    cursors: HashMap<String, Cursor>,
    /// Something failed: all is ignored until the client asks whether it is heard.
    skipping: bool,
    /// Between the messages of an extended query.
    amid: bool,
    /// The statement under way, until the executor has it: one that fails before is noted here.
    unnoted: Option<Unnoted>,
}

/// A statement that is noted nowhere yet.
struct Unnoted {
    text: String,
    /// It has values, which its error may tell.
    has_values: bool,
}

/// A prepared statement; none for an empty one. It keeps no plan: each run reads the snapshot then in service.
struct Prepared(Option<Kept>);

struct Kept {
    sorted: Sorted,
    parameters: Vec<Parameter>,
    /// The columns, where it gives rows.
    schema: Option<Schema>,
}

/// A statement with its values.
struct Bound {
    prepared: Arc<Prepared>,
    portal: Portal<()>,
    rows: Rows,
}

/// How far a statement is.
enum Rows {
    Unasked,
    Open(SendableRowStream, &'static str),
    Ended,
}

/// What a statement gives.
enum Reply {
    Rows(Columns, SendableRowStream, &'static str),
    Done(&'static str),
}

impl Conversation {
    pub(super) fn new(
        service: Arc<Service>,
        by: String,
        password: Option<String>,
        settings: Settings,
    ) -> Self {
        Self {
            service,
            by,
            password,
            settings,
            transaction: TransactionStatus::Idle,
            statements: HashMap::new(),
            portals: HashMap::new(),
            cursors: HashMap::new(),
            skipping: false,
            amid: false,
            unnoted: None,
        }
    }

    /// Tells whether the client waits for no answer.
    pub(super) fn is_idle(&self) -> bool {
        !self.amid
    }

    /// Answers a message.
    pub(super) async fn answer(&mut self, wire: &mut Wire, asked: Asked) -> PgWireResult<()> {
        self.amid = asked.is_extended_query() && !matches!(asked, Asked::Sync(_));
        if self.skipping && !matches!(asked, Asked::Sync(_)) {
            return Ok(());
        }
        if matches!(asked, Asked::Query(_) | Asked::Parse(_) | Asked::Execute(_)) {
            self.check_again().await?;
        }
        match asked {
            Asked::Query(query) => self.query(wire, &query.query).await,
            Asked::Parse(parse) => self.parse(wire, parse).await,
            Asked::Bind(bind) => self.bind(wire, bind).await,
            Asked::Describe(describe) => self.describe(wire, describe).await,
            Asked::Execute(execute) => self.execute(wire, execute).await,
            Asked::Close(close) => self.close(wire, close).await,
            Asked::Flush(_) => Ok(wire.flush().await?),
            Asked::Sync(_) => {
                self.skipping = false;
                self.ready(wire).await
            }
            // Remains of a COPY that was refused.
            Asked::CopyData(_) | Asked::CopyDone(_) | Asked::CopyFail(_) => Ok(()),
            _ => Err(fatal(
                PROTOCOL_VIOLATION,
                "the message does not belong here",
            )),
        }
    }

    /// Tells the client that what it asked failed. Gives whether the connection ends with it.
    pub(super) async fn failed(
        &mut self,
        wire: &mut Wire,
        failure: PgWireError,
        extended: bool,
    ) -> PgWireResult<bool> {
        let failure = ErrorInfo::from(failure);
        let message = failure.message.clone();
        let refused = match failure.code.as_str() {
            CANCELLED => Error::Stopped(message),
            _ => Error::InvalidQuery(message),
        };
        self.note(&refused);
        let ends = failure.is_fatal();
        wire.feed(Told::ErrorResponse(failure.into())).await?;
        if self.transaction == TransactionStatus::Transaction {
            self.transaction = TransactionStatus::Error;
        }
        if ends {
            wire.flush().await?;
        } else if extended {
            self.skipping = true;
            wire.flush().await?;
        } else {
            self.ready(wire).await?;
        }
        Ok(ends)
    }

    /// Ends the connection of who would not be let in any more: a token may have been revoked or have expired since. Where
    /// that cannot be known now, the statement is refused and the connection stays.
    async fn check_again(&mut self) -> PgWireResult<()> {
        let (Some(auth), Some(password)) = (&self.service.auth, &self.password) else {
            return Ok(());
        };
        match auth.check(password).await {
            Ok(_) => Ok(()),
            Err(Refused::Unavailable(why)) => {
                tracing::warn!(by = self.by, why, "a password cannot be checked");
                Err(error(SYSTEM_ERROR, UNCHECKED))
            }
            Err(Refused::Denied(why)) => {
                tracing::debug!(by = self.by, why, "a PostgreSQL client is let in no more");
                Err(fatal(
                    INVALID_AUTHORIZATION,
                    "the password is not valid any more: its token was revoked or has expired",
                ))
            }
        }
    }

    /// Begins a statement, of which the executor knows nothing yet.
    fn begin(&mut self, text: &str, has_values: bool) {
        self.unnoted = Some(Unnoted {
            text: text.to_owned(),
            has_values,
        });
    }

    /// Notes the statement under way as failed, where the executor has not come to do so.
    fn note(&mut self, refused: &Error) {
        let Some(Unnoted { text, has_values }) = self.unnoted.take() else {
            return;
        };
        let statement = Statement {
            sql: text,
            // What they are is told nowhere: that there are some keeps the error's text out of the log.
            parameters: has_values.then(|| ParamValues::List(Vec::new())),
            most_rows: None,
            by: self.by.clone(),
            door: DOOR,
        };
        self.service.executor.refused(&statement, refused);
    }

    async fn ready(&mut self, wire: &mut Wire) -> PgWireResult<()> {
        if self.transaction == TransactionStatus::Idle {
            self.portals.clear();
        }
        let ready = ReadyForQuery::new(self.transaction);
        Ok(wire.send(Told::ReadyForQuery(ready)).await?)
    }

    /// Answers the statements of a text, one after the other.
    async fn query(&mut self, wire: &mut Wire, text: &str) -> PgWireResult<()> {
        self.begin(text, false);
        self.within_bounds(text)?;
        let statements = self.service.sorter.read(text)?;
        if statements.is_empty() {
            wire.feed(Told::EmptyQueryResponse(EmptyQueryResponse::new()))
                .await?;
        }
        for Sorted { order, text } in statements {
            self.begin(&text, false);
            self.unless_aborted(&order)?;
            let reply = match order {
                Order::Read(sql) => {
                    let schema = None;
                    self.read(*sql, text, None, &Format::UnifiedText, schema)
                        .await?
                }
                Order::Declare(declared, sql) => self.declare(declared, *sql, text, None).await?,
                order => self.obey(wire, order, &Format::UnifiedText).await?,
            };
            self.unnoted = None;
            match reply {
                Reply::Done(tag) => told(wire, Tag::new(tag)).await?,
                Reply::Rows(columns, mut rows, tag) => {
                    wire.feed(Told::RowDescription(described(&columns))).await?;
                    let (count, _) = sent(wire, &mut rows, usize::MAX).await?;
                    told(wire, tagged(tag, count)).await?;
                }
            }
        }
        self.unnoted = None;
        self.ready(wire).await
    }

    /// Does what concerns the connection alone.
    async fn obey(
        &mut self,
        wire: &mut Wire,
        order: Order,
        format: &Format,
    ) -> PgWireResult<Reply> {
        let tag = match order {
            Order::Set(name, value) => {
                let told = self.settings.set(&name, value.as_deref())?;
                report(wire, told).await?;
                "SET"
            }
            Order::ResetAll => {
                report(wire, self.settings.reset()).await?;
                "RESET"
            }
            Order::DiscardAll => {
                self.statements.clear();
                self.portals.clear();
                self.cursors.clear();
                report(wire, self.settings.reset()).await?;
                "DISCARD ALL"
            }
            Order::Show(name) => {
                let (name, value) = self.settings.show(&name)?;
                return table(&[name], &[vec![value]], format);
            }
            Order::ShowAll => {
                let settings = self.settings.all();
                let rows: Vec<_> = settings
                    .into_iter()
                    .map(|(name, value)| vec![name.to_owned(), value, String::new()])
                    .collect();
                return table(&SHOW_ALL, &rows, format);
            }
            Order::Begin => {
                self.transaction = TransactionStatus::Transaction;
                "BEGIN"
            }
            Order::Commit if self.transaction != TransactionStatus::Error => {
                self.end_transaction();
                "COMMIT"
            }
            Order::Commit | Order::Rollback => {
                self.end_transaction();
                "ROLLBACK"
            }
            Order::RollbackTo => {
                if self.transaction == TransactionStatus::Error {
                    self.transaction = TransactionStatus::Transaction;
                }
                "ROLLBACK"
            }
            Order::Deallocate(None) => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            Order::Deallocate(Some(name)) => {
                self.statements
                    .remove(&name)
                    .ok_or_else(|| no_statement(Some(&name)))?;
                "DEALLOCATE"
            }
            Order::Fetch(name, most) => return self.fetch(&name, most, format),
            Order::Close(name) => self.close_cursor(name.as_deref())?,
            Order::Nothing(tag) => tag,
            Order::Read(_) | Order::Declare(..) => {
                return Err(error(INTERNAL_ERROR, "a query is read elsewhere"));
            }
        };
        Ok(Reply::Done(tag))
    }

    fn end_transaction(&mut self) {
        self.transaction = TransactionStatus::Idle;
        self.end_cursors();
    }

    fn within_bounds(&self, text: &str) -> PgWireResult<()> {
        let most = self.service.executor.bounds().text_bytes;
        if text.len() > most {
            return Err(error(
                LIMIT_EXCEEDED,
                format!("the statement is longer than {most} bytes"),
            ));
        }
        Ok(())
    }

    /// Refuses all but the end of a transaction in which something failed.
    fn unless_aborted(&self, order: &Order) -> PgWireResult<()> {
        let ends = matches!(order, Order::Commit | Order::Rollback | Order::RollbackTo);
        if self.transaction == TransactionStatus::Error && !ends {
            return Err(error(
                ABORTED_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.note(&Error::Stopped("the connection ended".to_owned()));
    }
}

/// Columns of `SHOW ALL`.
const SHOW_ALL: [&str; 3] = ["name", "setting", "description"];

/// Gives a table of texts.
fn table(names: &[&str], rows: &[Vec<String>], format: &Format) -> PgWireResult<Reply> {
    let schema = texts(names);
    let columns = columns(&schema, format)?;
    let arrays = (0..names.len())
        .map(|at| {
            let values = rows.iter().map(|row| row.get(at));
            Arc::new(values.collect::<StringArray>()) as ArrayRef
        })
        .collect();
    let batch = RecordBatch::try_new(Arc::new(schema), arrays)
        .map_err(|failure| error(INTERNAL_ERROR, failure.to_string()))?;
    let rows = encoded(&columns, batch);
    Ok(Reply::Rows(columns, rows, "SHOW"))
}

/// Sends at most so many rows; gives how many they were, and whether there may be more.
async fn sent(
    wire: &mut Wire,
    rows: &mut SendableRowStream,
    most: usize,
) -> PgWireResult<(usize, bool)> {
    let mut count = 0;
    while count < most {
        let Some(row) = rows.next().await else {
            return Ok((count, false));
        };
        wire.feed(Told::DataRow(row?)).await?;
        count += 1;
    }
    Ok((count, true))
}

async fn told(wire: &mut Wire, tag: Tag) -> PgWireResult<()> {
    Ok(wire.feed(Told::CommandComplete(tag.into())).await?)
}

fn tagged(tag: &str, count: usize) -> Tag {
    match tag {
        "SELECT" | "FETCH" => Tag::new(tag).with_rows(count),
        _ => Tag::new(tag),
    }
}

async fn report(
    wire: &mut Wire,
    settings: impl IntoIterator<Item = (&'static str, String)> + Send,
) -> PgWireResult<()> {
    let settings: Vec<_> = settings.into_iter().collect();
    for (name, value) in settings {
        let status = ParameterStatus::new(name.to_owned(), value);
        wire.feed(Told::ParameterStatus(status)).await?;
    }
    Ok(())
}

fn no_statement(name: Option<&str>) -> PgWireError {
    let name = name.unwrap_or_default();
    error(
        NO_STATEMENT,
        format!("prepared statement \"{name}\" does not exist"),
    )
}
