//! What drivers ask a server for before they ask it anything: its tables, and what it can.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::sql::metadata::{SqlInfoDataBuilder, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTables,
    CommandGetXdbcTypeInfo, SqlInfo, SqlSupportedTransaction,
};
use datafusion::catalog::SchemaProvider;
use datafusion::datasource::TableType;
use podtrail_query::Session;
use tonic::Status;

use super::status::internal;

/// Kinds or facts that one request may name.
const MOST_NAMED: usize = 1_000;

/// Kinds of tables, in order.
const KINDS: [&str; 2] = ["TABLE", "VIEW"];

/// Result of this module.
type Rows = Result<RecordBatch, Status>;

fn few(named: usize) -> Result<(), Status> {
    if named > MOST_NAMED {
        let text = format!("a request names at most {MOST_NAMED} kinds");
        return Err(Status::invalid_argument(text));
    }
    Ok(())
}

/// Gives every schema with the names of its catalog and its own.
fn schemas_of(session: &Session) -> Vec<(String, String, Arc<dyn SchemaProvider>)> {
    let mut all = Vec::new();
    let list = Arc::clone(session.context().state().catalog_list());
    for catalog in list.catalog_names() {
        let Some(provider) = list.catalog(&catalog) else {
            continue;
        };
        for name in provider.schema_names() {
            if let Some(schema) = provider.schema(&name) {
                all.push((catalog.clone(), name, schema));
            }
        }
    }
    all
}

/// Lists the catalogs.
pub(super) fn catalogs(session: &Session, command: CommandGetCatalogs) -> Rows {
    let mut rows = command.into_builder();
    for name in session.context().catalog_names() {
        rows.append(name);
    }
    rows.build().map_err(|error| internal(&error))
}

/// Lists the schemas.
pub(super) fn schemas(session: &Session, command: CommandGetDbSchemas) -> Rows {
    let mut rows = command.into_builder();
    for (catalog, name, _) in schemas_of(session) {
        rows.append(catalog, name);
    }
    rows.build().map_err(|error| internal(&error))
}

/// Lists the tables and views.
pub(super) async fn tables(session: &Session, command: CommandGetTables) -> Rows {
    few(command.table_types.len())?;
    let mut rows = command.into_builder();
    for (catalog, name, schema) in schemas_of(session) {
        for table in schema.table_names() {
            let found = schema
                .table(&table)
                .await
                .map_err(|error| internal(&error))?;
            let Some(found) = found else { continue };
            let kind = match found.table_type() {
                TableType::Base | TableType::Temporary => KINDS[0],
                TableType::View => KINDS[1],
            };
            rows.append(&catalog, &name, &table, kind, &found.schema())
                .map_err(|error| internal(&error))?;
        }
    }
    rows.build().map_err(|error| internal(&error))
}

/// Lists the kinds of tables.
pub(super) fn table_types() -> Rows {
    let schema = Schema::new(vec![text("table_type", false)]);
    let kinds = StringArray::from_iter_values(KINDS);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(kinds)]).map_err(|error| internal(&error))
}

/// Tells what the server is and can.
pub(super) fn sql_info(command: CommandGetSqlInfo) -> Rows {
    few(command.info.len())?;
    let mut facts = SqlInfoDataBuilder::new();
    facts.append(SqlInfo::FlightSqlServerName, "podtrail");
    facts.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    facts.append(SqlInfo::FlightSqlServerArrowVersion, arrow::ARROW_VERSION);
    facts.append(SqlInfo::FlightSqlServerReadOnly, true);
    facts.append(SqlInfo::FlightSqlServerSql, true);
    facts.append(SqlInfo::FlightSqlServerSubstrait, false);
    let none = SqlSupportedTransaction::None as i32;
    facts.append(SqlInfo::FlightSqlServerTransaction, none);
    facts.append(SqlInfo::FlightSqlServerCancel, false);
    facts.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    facts.append(SqlInfo::SqlDdlCatalog, false);
    facts.append(SqlInfo::SqlDdlSchema, false);
    facts.append(SqlInfo::SqlDdlTable, false);
    facts.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    let facts = facts.build().map_err(|error| internal(&error))?;
    command
        .into_builder(&facts)
        .build()
        .map_err(|error| internal(&error))
}

/// Lists the types for clients of XDBC: none, as every column tells its own.
pub(super) fn types(command: CommandGetXdbcTypeInfo) -> Rows {
    let none = XdbcTypeInfoDataBuilder::new()
        .build()
        .map_err(|error| internal(&error))?;
    command
        .into_builder(&none)
        .build()
        .map_err(|error| internal(&error))
}

/// Lists primary keys: none.
pub(super) fn primary_keys() -> RecordBatch {
    RecordBatch::new_empty(Arc::new(Schema::new(vec![
        text("catalog_name", true),
        text("db_schema_name", true),
        text("table_name", false),
        text("column_name", false),
        text("key_name", true),
        Field::new("key_sequence", DataType::Int32, false),
    ])))
}

/// Lists foreign keys, from either side: none.
pub(super) fn foreign_keys() -> RecordBatch {
    RecordBatch::new_empty(Arc::new(Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ])))
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}
