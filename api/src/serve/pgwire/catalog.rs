//! Plans statements as PostgreSQL clients write them: over a snapshot, with `pg_catalog` beside podtrail's schemas.
//!
//! The catalog lives in states of its own, never in a session's context: what other doors plan is not touched. Its
//! object ids are one list for all snapshots, as clients keep them.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    SchemaProvider, TableProvider,
};
use datafusion::common::exec_err;
use datafusion::datasource::{TableType, ViewTable, provider_as_source};
use datafusion::error::Result as DfResult;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::catalog_info::CatalogInfo;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    PgCatalogSchemaProvider, PgCatalogStaticTables,
};
use datafusion_postgres::datafusion_pg_catalog::setup_pg_catalog;
use podtrail_query::Session;

use super::{Snapshots, functions};

/// Name of the database that clients see.
const DATABASE: &str = "podtrail";
/// Schema whose names need no qualifier.
pub(super) const SCHEMA: &str = "public";
/// Schema of PostgreSQL's own tables.
const PG_CATALOG: &str = "pg_catalog";
/// Its table of databases.
const PG_DATABASE: &str = "pg_database";

/// Plans statements over snapshots.
pub(super) struct Catalog {
    /// Functions and settings of a session, without its tables: it keeps no snapshot alive.
    template: SessionState,
    pg_catalog: Arc<dyn SchemaProvider>,
}

impl Catalog {
    /// Makes the catalog.
    ///
    /// # Errors
    /// Where its tables or functions cannot be made.
    pub(super) fn new(snapshots: &Arc<dyn Snapshots>) -> DfResult<Self> {
        let tables = Arc::new(PgCatalogStaticTables::try_new()?);
        let listing = Listing(Arc::clone(snapshots));
        let pg_catalog = PgCatalogSchemaProvider::try_new(listing, tables, EmptyContextProvider)?;
        let state = SessionStateBuilder::new_from_existing(snapshots.current().context().state());
        let mut state = state
            .with_catalog_list(list(MemoryCatalogProvider::new()))
            .build();
        let options = state.config_mut().options_mut();
        DATABASE.clone_into(&mut options.catalog.default_catalog);
        SCHEMA.clone_into(&mut options.catalog.default_schema);
        let context = SessionContext::new_with_state(state);
        setup_pg_catalog(&context, DATABASE, EmptyContextProvider).map_err(|error| *error)?;
        functions::register(&context);
        Ok(Self {
            template: context.state(),
            pg_catalog: Arc::new(OneDatabase(Arc::new(pg_catalog))),
        })
    }

    /// Plans a statement over a snapshot.
    ///
    /// # Errors
    /// Where it names what does not exist, or cannot be planned.
    pub(super) async fn plan(
        &self,
        session: &Session,
        statement: Statement,
    ) -> DfResult<LogicalPlan> {
        let plan = self
            .state(session)?
            .statement_to_plan(EngineStatement::Statement(Box::new(statement)))
            .await?;
        session.without_unions(plan)
    }

    fn state(&self, session: &Session) -> DfResult<SessionState> {
        let catalog = MemoryCatalogProvider::new();
        if let Some(tables) = tables(session) {
            for name in tables.schema_names() {
                if let Some(schema) = tables.schema(&name) {
                    catalog.register_schema(&name, schema)?;
                }
            }
        }
        catalog.register_schema(PG_CATALOG, Arc::clone(&self.pg_catalog))?;
        let state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_catalog_list(list(catalog))
            .build();
        // A context's state starts the clock of `now()`.
        Ok(SessionContext::new_with_state(state).state())
    }
}

fn list(catalog: MemoryCatalogProvider) -> Arc<dyn CatalogProviderList> {
    let list = MemoryCatalogProviderList::new();
    list.register_catalog(DATABASE.to_owned(), Arc::new(catalog));
    Arc::new(list)
}

/// Gives the catalog of a session's own tables.
fn tables(session: &Session) -> Option<Arc<dyn CatalogProvider>> {
    let state = session.context().state();
    let name = &state.config().options().catalog.default_catalog;
    state.catalog_list().catalog(name)
}

/// `pg_catalog` without the database `postgres` that it adds for tools: there is no such database.
#[derive(Debug)]
struct OneDatabase(Arc<dyn SchemaProvider>);

#[async_trait]
impl SchemaProvider for OneDatabase {
    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }

    async fn table(&self, name: &str) -> DfResult<Option<Arc<dyn TableProvider>>> {
        let Some(table) = self.0.table(name).await? else {
            return Ok(None);
        };
        if !name.eq_ignore_ascii_case(PG_DATABASE) {
            return Ok(Some(table));
        }
        let plan = LogicalPlanBuilder::scan(PG_DATABASE, provider_as_source(table), None)?
            .filter(col("datname").eq(lit(DATABASE)))?
            .build()?;
        Ok(Some(Arc::new(ViewTable::new(plan, None))))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.table_exist(name)
    }
}

/// What `pg_catalog` lists: the tables and views of the snapshot in service.
#[derive(Clone)]
struct Listing(Arc<dyn Snapshots>);

impl std::fmt::Debug for Listing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Listing")
    }
}

impl Listing {
    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        tables(&self.0.current())?.schema(name)
    }
}

#[async_trait]
impl CatalogInfo for Listing {
    async fn catalog_names(&self) -> DfResult<Vec<String>> {
        Ok(vec![DATABASE.to_owned()])
    }

    async fn schema_names(&self, _catalog: &str) -> DfResult<Option<Vec<String>>> {
        let Some(tables) = tables(&self.0.current()) else {
            return exec_err!("the snapshot has no tables");
        };
        let mut names = tables.schema_names();
        names.push(PG_CATALOG.to_owned());
        // Object ids are given in this order.
        names.sort();
        Ok(Some(names))
    }

    async fn table_names(&self, _catalog: &str, schema: &str) -> DfResult<Option<Vec<String>>> {
        let mut names = self
            .schema(schema)
            .map_or_else(Vec::new, |schema| schema.table_names());
        names.sort();
        Ok(Some(names))
    }

    async fn table_schema(
        &self,
        _catalog: &str,
        schema: &str,
        table: &str,
    ) -> DfResult<Option<SchemaRef>> {
        let Some(schema) = self.schema(schema) else {
            return Ok(None);
        };
        Ok(schema.table(table).await?.map(|table| table.schema()))
    }

    async fn table_type(
        &self,
        _catalog: &str,
        schema: &str,
        table: &str,
    ) -> DfResult<Option<TableType>> {
        match self.schema(schema) {
            Some(schema) => schema.table_type(table).await,
            None => Ok(None),
        }
    }
}
