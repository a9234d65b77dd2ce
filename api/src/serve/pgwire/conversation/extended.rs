//! The extended protocol: statements are prepared, bound to values, and run as far as the client asks.

use std::sync::Arc;

use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::results::Tag;
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage as Told;
use datafusion_postgres::pgwire::messages::data::{NoData, ParameterDescription};
use datafusion_postgres::pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete,
    PortalSuspended, TARGET_TYPE_BYTE_PORTAL, TARGET_TYPE_BYTE_STATEMENT,
};
use datafusion_postgres::pgwire::messages::response::EmptyQueryResponse;
use futures::SinkExt;

use super::{
    Bound, Conversation, Kept, MOST_PORTALS, MOST_STATEMENTS, Prepared, Reply, Rows, SHOW_ALL,
    no_statement, sent, tagged, told,
};
use crate::serve::pgwire::connection::Wire;
use crate::serve::pgwire::error::{
    LIMIT_EXCEEDED, NO_CURSOR, PROTOCOL_VIOLATION, SYNTAX_ERROR, error,
};
use crate::serve::pgwire::parameters::{Parameter, bound, typed};
use crate::serve::pgwire::rows::{columns, described, texts};
use crate::serve::pgwire::statement::{Order, Sorted};

impl Conversation {
    pub(super) async fn parse(&mut self, wire: &mut Wire, parse: Parse) -> PgWireResult<()> {
        self.begin(&parse.query, false);
        self.within_bounds(&parse.query)?;
        let name = parse.name.unwrap_or_default();
        if self.statements.len() >= MOST_STATEMENTS && !self.statements.contains_key(&name) {
            return Err(error(
                LIMIT_EXCEEDED,
                format!("a connection may have at most {MOST_STATEMENTS} prepared statements"),
            ));
        }
        let mut statements = self.service.sorter.read(&parse.query)?;
        let sorted = statements.pop();
        if !statements.is_empty() {
            return Err(error(
                SYNTAX_ERROR,
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        let kept = match sorted {
            Some(sorted) => Some(self.prepared(sorted, &parse.type_oids).await?),
            None => None,
        };
        self.statements.insert(name, Arc::new(Prepared(kept)));
        self.unnoted = None;
        Ok(wire.feed(Told::ParseComplete(ParseComplete::new())).await?)
    }

    async fn prepared(&mut self, sorted: Sorted, declared: &[u32]) -> PgWireResult<Kept> {
        self.unless_aborted(&sorted.order)?;
        let Sorted { order, text } = sorted;
        let (cursor, sql) = match order {
            Order::Read(sql) => (None, sql),
            Order::Declare(cursor, sql) => (Some(cursor), sql),
            order => {
                let schema = match &order {
                    Order::Show(name) => Some(texts(&[self.settings.show(name)?.0])),
                    Order::ShowAll => Some(texts(&SHOW_ALL)),
                    Order::Fetch(name, _) => Some(self.cursor_schema(name)?.as_ref().clone()),
                    _ => None,
                };
                return Ok(Kept {
                    sorted: Sorted { order, text },
                    parameters: Vec::new(),
                    schema,
                });
            }
        };
        let service = &self.service;
        let session = service.snapshots.current();
        let typed = typed(&service.catalog, &session, *sql, declared).await?;
        let schema = typed.plan.schema().as_arrow().clone();
        let sql = Box::new(typed.statement);
        let (order, schema) = match cursor {
            // Its rows come when they are fetched.
            Some(cursor) => (Order::Declare(cursor, sql), None),
            None => (Order::Read(sql), Some(schema)),
        };
        Ok(Kept {
            sorted: Sorted { order, text },
            parameters: typed.parameters,
            schema,
        })
    }

    pub(super) async fn bind(&mut self, wire: &mut Wire, bind: Bind) -> PgWireResult<()> {
        let name = bind.portal_name.clone().unwrap_or_default();
        if self.portals.len() >= MOST_PORTALS && !self.portals.contains_key(&name) {
            return Err(error(
                LIMIT_EXCEEDED,
                format!("a connection may have at most {MOST_PORTALS} portals"),
            ));
        }
        let prepared = self.statement(bind.statement_name.as_deref())?;
        if let Some(kept) = &prepared.0 {
            self.begin(&kept.sorted.text, true);
        }
        let parameters = prepared.0.as_ref().map_or(&[][..], |kept| &kept.parameters);
        let portal = bound(parameters, &bind)?;
        if let Some(schema) = prepared.0.as_ref().and_then(|kept| kept.schema.as_ref()) {
            columns(schema, &portal.result_column_format)?;
        }
        let rows = Rows::Unasked;
        let bound = Bound {
            prepared,
            portal,
            rows,
        };
        self.portals.insert(name, bound);
        self.unnoted = None;
        Ok(wire.feed(Told::BindComplete(BindComplete::new())).await?)
    }

    pub(super) async fn describe(
        &mut self,
        wire: &mut Wire,
        describe: Describe,
    ) -> PgWireResult<()> {
        let name = describe.name.as_deref();
        let (prepared, format) = match describe.target_type {
            TARGET_TYPE_BYTE_STATEMENT => {
                let prepared = self.statement(name)?;
                let parameters = prepared.0.as_ref().map_or(&[][..], |kept| &kept.parameters);
                let types = parameters.iter().map(Parameter::oid).collect();
                let types = ParameterDescription::new(types);
                wire.feed(Told::ParameterDescription(types)).await?;
                (prepared, &Format::UnifiedText)
            }
            TARGET_TYPE_BYTE_PORTAL => {
                let Some(bound) = self.portals.get(name.unwrap_or_default()) else {
                    // A cursor is a portal that SQL has made.
                    let schema = self.cursor_schema(name.unwrap_or_default())?;
                    let columns = columns(schema, &Format::UnifiedText)?;
                    let told = Told::RowDescription(described(&columns));
                    return Ok(wire.feed(told).await?);
                };
                (
                    Arc::clone(&bound.prepared),
                    &bound.portal.result_column_format,
                )
            }
            _ => return Err(error(PROTOCOL_VIOLATION, "nothing such can be described")),
        };
        let told = match prepared.0.as_ref().and_then(|kept| kept.schema.as_ref()) {
            Some(schema) => Told::RowDescription(described(&columns(schema, format)?)),
            None => Told::NoData(NoData::new()),
        };
        Ok(wire.feed(told).await?)
    }

    pub(super) async fn execute(&mut self, wire: &mut Wire, execute: Execute) -> PgWireResult<()> {
        let name = execute.name.unwrap_or_default();
        // A portal that fails, or whose client leaves, is gone: its statement ends with it.
        let mut bound = self
            .portals
            .remove(&name)
            .ok_or_else(|| no_portal(Some(&name)))?;
        let prepared = Arc::clone(&bound.prepared);
        let Some(kept) = prepared.0.as_ref() else {
            self.portals.insert(name, bound);
            let told = Told::EmptyQueryResponse(EmptyQueryResponse::new());
            return Ok(wire.feed(told).await?);
        };
        if matches!(bound.rows, Rows::Unasked) {
            self.begin(&kept.sorted.text, !kept.parameters.is_empty());
        }
        self.unless_aborted(&kept.sorted.order)?;
        if matches!(bound.rows, Rows::Unasked) {
            let reply = self.run(wire, kept, &bound.portal).await?;
            self.unnoted = None;
            match reply {
                Reply::Rows(_, rows, tag) => bound.rows = Rows::Open(rows, tag),
                Reply::Done(tag) => {
                    bound.rows = Rows::Ended;
                    told(wire, Tag::new(tag)).await?;
                    self.portals.insert(name, bound);
                    return Ok(());
                }
            }
        }
        let most = match usize::try_from(execute.max_rows) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(most) => most,
        };
        let tag = match &mut bound.rows {
            Rows::Open(rows, tag) => match sent(wire, rows, most).await? {
                (_, true) => {
                    wire.feed(Told::PortalSuspended(PortalSuspended::new()))
                        .await?;
                    self.portals.insert(name, bound);
                    return Ok(());
                }
                (count, false) => tagged(tag, count),
            },
            Rows::Unasked | Rows::Ended => tagged("SELECT", 0),
        };
        bound.rows = Rows::Ended;
        self.portals.insert(name, bound);
        told(wire, tag).await
    }

    pub(super) async fn close(&mut self, wire: &mut Wire, close: Close) -> PgWireResult<()> {
        let name = close.name.as_deref().unwrap_or_default();
        if close.target_type == TARGET_TYPE_BYTE_STATEMENT {
            self.statements.remove(name);
        } else {
            self.portals.remove(name);
        }
        Ok(wire.feed(Told::CloseComplete(CloseComplete::new())).await?)
    }

    /// Runs a prepared statement with its values.
    async fn run(
        &mut self,
        wire: &mut Wire,
        kept: &Kept,
        portal: &Portal<()>,
    ) -> PgWireResult<Reply> {
        let format = &portal.result_column_format;
        match &kept.sorted.order {
            Order::Read(sql) => {
                let values = Some((kept.parameters.as_slice(), portal));
                let (sql, text) = (sql.as_ref().clone(), kept.sorted.text.clone());
                self.read(sql, text, values, format, kept.schema.as_ref())
                    .await
            }
            Order::Declare(declared, sql) => {
                let values = Some((kept.parameters.as_slice(), portal));
                let (sql, text) = (sql.as_ref().clone(), kept.sorted.text.clone());
                self.declare(declared.clone(), sql, text, values).await
            }
            order => self.obey(wire, order.clone(), format).await,
        }
    }

    fn statement(&self, name: Option<&str>) -> PgWireResult<Arc<Prepared>> {
        let prepared = self.statements.get(name.unwrap_or_default());
        prepared.cloned().ok_or_else(|| no_statement(name))
    }
}

fn no_portal(name: Option<&str>) -> PgWireError {
    let name = name.unwrap_or_default();
    error(NO_CURSOR, format!("portal \"{name}\" does not exist"))
}
