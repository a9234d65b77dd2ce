//! The calls of Flight SQL.
//!
//! A statement is described when a client asks for its columns, and runs when the client asks for its rows.

use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionBeginSavepointRequest, ActionBeginSavepointResult, ActionBeginTransactionRequest,
    ActionBeginTransactionResult, ActionCancelQueryRequest, ActionCancelQueryResult,
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, ActionCreatePreparedSubstraitPlanRequest,
    ActionEndSavepointRequest, ActionEndTransactionRequest, CommandGetCatalogs,
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
    CommandStatementIngest, CommandStatementQuery, CommandStatementSubstraitPlan,
    CommandStatementUpdate, DoPutPreparedStatementResult, ProstMessageExt, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse, Ticket,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::header::AUTHORIZATION;
use podtrail_query::{Description, Error, Session, Statement};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::handle::Handle;
use super::metadata;
use super::status::refused;
use super::wire::{Rows, encoded, given, info, message, plain, promised, stamp};
use crate::serve::access::Caller;
use crate::serve::auth::password;
use crate::serve::state::State;

/// What a client is given as its token where none is needed.
const NO_TOKEN: &str = "anonymous";

/// Text of what is refused as it would change something.
const READ_ONLY: &str = "podtrail's SQL only reads";

/// The service.
#[derive(Debug)]
pub(super) struct FlightSql {
    state: State,
}

impl FlightSql {
    /// Makes the service.
    pub(super) fn new(state: State) -> Self {
        Self { state }
    }

    /// The snapshot in service.
    fn session(&self) -> Arc<Session> {
        self.state.served.now().session
    }

    async fn describe<T: Sync>(
        &self,
        handle: &Handle,
        request: &Request<T>,
    ) -> Result<Description, Status> {
        let statement = statement(handle, request)?;
        let session = self.session();
        let described = self.state.sql.describe(&session, statement);
        described.await.map_err(|error| refused(&error))
    }

    /// Answers with the columns of a statement, and the ticket for its rows.
    async fn promise(
        &self,
        handle: &Handle,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let columns = self.describe(handle, &request).await?.columns;
        let ticket = TicketStatementQuery {
            statement_handle: handle.write(),
        };
        let ticket = ticket.as_any().encode_to_vec();
        info(request, &plain(&columns), ticket.into())
    }

    /// Runs a statement and answers with its rows.
    async fn run(
        &self,
        handle: &[u8],
        request: &Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        let statement = statement(&Handle::read(handle)?, request)?;
        let now = self.state.served.now();
        let answer = self.state.sql.run(&now.session, statement);
        let answer = answer.await.map_err(|error| refused(&error))?;
        let schema = plain(&answer.schema());
        let mut response = Response::new(encoded(schema, answer.map_err(|error| refused(&error))));
        stamp(response.metadata_mut(), &now);
        Ok(response)
    }
}

/// Makes the statement that a handle stands for.
fn statement<T>(handle: &Handle, request: &Request<T>) -> Result<Statement, Status> {
    let caller = request.extensions().get::<Caller>();
    let caller = caller.ok_or_else(|| Status::unauthenticated("who asks is not known"))?;
    Ok(Statement {
        sql: handle.sql.clone(),
        parameters: handle.parameters()?,
        most_rows: None,
        by: caller.name.clone(),
        door: "flight",
    })
}

/// Gives the placeholders in the order in which values are sent for them. One of unknown type takes a text.
fn placeholders(description: &Description) -> Result<Schema, Status> {
    let count = description.placeholders.len();
    let fields = (1..=count).map(|place| {
        let name = format!("${place}");
        let kind = description.placeholders.get(&name).ok_or_else(|| {
            Status::invalid_argument("name placeholders $1, $2 and so on, without a gap")
        })?;
        let kind = kind.clone().unwrap_or(DataType::Utf8);
        Ok(Field::new(name, kind, true))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>, Status>>()?))
}

fn read_only() -> Status {
    Status::unimplemented(READ_ONLY)
}

fn no_transactions() -> Status {
    Status::unimplemented("there are no transactions: podtrail's SQL only reads")
}

fn no_substrait() -> Status {
    Status::unimplemented("plans of Substrait are not taken: send SQL")
}

fn outside_transactions(transaction: Option<&Bytes>) -> Result<(), Status> {
    match transaction {
        Some(_) => Err(no_transactions()),
        None => Ok(()),
    }
}

#[tonic::async_trait]
impl FlightSqlService for FlightSql {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<
        Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>,
        Status,
    > {
        // The gate has checked it.
        let token = request
            .metadata()
            .get(AUTHORIZATION.as_str())
            .and_then(|value| password(value.as_bytes()).ok())
            .unwrap_or_else(|| NO_TOKEN.to_owned());
        let bearer = format!("Bearer {token}");
        let answer = HandshakeResponse {
            protocol_version: 0,
            payload: token.into(),
        };
        let mut response = Response::new(stream::iter([Ok(answer)]).boxed() as _);
        if let Ok(value) = bearer.parse() {
            response
                .metadata_mut()
                .insert(AUTHORIZATION.as_str(), value);
        }
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        outside_transactions(query.transaction_id.as_ref())?;
        self.promise(&Handle::new(query.query), request).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let handle = Handle::read(&query.prepared_statement_handle)?;
        self.promise(&handle, request).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.run(&ticket.statement_handle, &request).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.run(&query.prepared_statement_handle, &request).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        outside_transactions(query.transaction_id.as_ref())?;
        let handle = Handle::new(query.query);
        let description = self.describe(&handle, &request).await?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle.write(),
            dataset_schema: message(&plain(&description.columns))?,
            parameter_schema: message(&placeholders(&description)?.into())?,
        })
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let mut handle = Handle::read(&query.prepared_statement_handle)?;
        handle.bind(request.into_inner()).await?;
        Ok(DoPutPreparedStatementResult {
            prepared_statement_handle: Some(handle.write()),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _query: ActionClosePreparedStatementRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        // Nothing is kept.
        Ok(())
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::catalogs(&self.session(), query)?)
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::catalogs(&self.session(), query)?))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::schemas(&self.session(), query)?)
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::schemas(&self.session(), query)?))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::tables(&self.session(), query).await?)
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::tables(&self.session(), query).await?))
    }

    async fn get_flight_info_table_types(
        &self,
        _query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::table_types()?)
    }

    async fn do_get_table_types(
        &self,
        _query: CommandGetTableTypes,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::table_types()?))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::sql_info(query)?)
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::sql_info(query)?))
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::types(query)?)
    }

    async fn do_get_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::types(query)?))
    }

    async fn get_flight_info_primary_keys(
        &self,
        _query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::primary_keys())
    }

    async fn do_get_primary_keys(
        &self,
        _query: CommandGetPrimaryKeys,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::primary_keys()))
    }

    async fn get_flight_info_exported_keys(
        &self,
        _query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::foreign_keys())
    }

    async fn do_get_exported_keys(
        &self,
        _query: CommandGetExportedKeys,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::foreign_keys()))
    }

    async fn get_flight_info_imported_keys(
        &self,
        _query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::foreign_keys())
    }

    async fn do_get_imported_keys(
        &self,
        _query: CommandGetImportedKeys,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::foreign_keys()))
    }

    async fn get_flight_info_cross_reference(
        &self,
        _query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        promised(request, &metadata::foreign_keys())
    }

    async fn do_get_cross_reference(
        &self,
        _query: CommandGetCrossReference,
        _request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        Ok(given(metadata::foreign_keys()))
    }

    async fn get_flight_info_substrait_plan(
        &self,
        _query: CommandStatementSubstraitPlan,
        _request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        Err(no_substrait())
    }

    async fn do_put_substrait_plan(
        &self,
        _query: CommandStatementSubstraitPlan,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(no_substrait())
    }

    async fn do_action_create_prepared_substrait_plan(
        &self,
        _query: ActionCreatePreparedSubstraitPlanRequest,
        _request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        Err(no_substrait())
    }

    async fn do_put_statement_update(
        &self,
        update: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let statement = statement(&Handle::new(update.query), &request)?;
        let refused = Error::InvalidQuery(READ_ONLY.to_owned());
        self.state.sql.refused(&statement, &refused);
        Err(read_only())
    }

    async fn do_put_statement_ingest(
        &self,
        _query: CommandStatementIngest,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(read_only())
    }

    async fn do_put_prepared_statement_update(
        &self,
        _query: CommandPreparedStatementUpdate,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(read_only())
    }

    async fn do_action_begin_transaction(
        &self,
        _query: ActionBeginTransactionRequest,
        _request: Request<Action>,
    ) -> Result<ActionBeginTransactionResult, Status> {
        Err(no_transactions())
    }

    async fn do_action_end_transaction(
        &self,
        _query: ActionEndTransactionRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        Err(no_transactions())
    }

    async fn do_action_begin_savepoint(
        &self,
        _query: ActionBeginSavepointRequest,
        _request: Request<Action>,
    ) -> Result<ActionBeginSavepointResult, Status> {
        Err(no_transactions())
    }

    async fn do_action_end_savepoint(
        &self,
        _query: ActionEndSavepointRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        Err(no_transactions())
    }

    async fn do_action_cancel_query(
        &self,
        _query: ActionCancelQueryRequest,
        _request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        Err(Status::unimplemented(
            "a statement ends when its rows are not read any more",
        ))
    }

    async fn do_action_fallback(
        &self,
        _request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        Err(Status::unimplemented("there is no such action here"))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
