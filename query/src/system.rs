//! The schema `system`: what podtrail tells about itself in SQL. Tables are computed when they are read.

mod rows;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{
    MemorySchemaProvider, SchemaProvider, Session as CatalogSession, TableProvider,
};
use datafusion::datasource::{MemTable, TableType, ViewTable};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;

use crate::error::{Error, Result};
use crate::executor::Queries;

/// Name of the schema.
const SCHEMA: &str = "system";

/// Tables of the store that are also found here.
const VIEWS: [&str; 2] = ["ingested_objects", "rejects"];

/// Registers the schema.
pub(crate) async fn register(
    context: &SessionContext,
    tables: Vec<(&'static str, DeltaTable)>,
    queries: &Arc<Queries>,
) -> Result<()> {
    let failed = |error| Error::from_engine("register the schema system", error);
    let schema = MemorySchemaProvider::new();
    let queries = Arc::clone(queries);
    let computed = [
        Computed {
            name: "queries",
            schema: rows::queries_schema(),
            compute: Box::new(move || rows::queries(&queries.rows())),
        },
        Computed {
            name: "data_files",
            schema: rows::data_files_schema(),
            compute: Box::new(move || rows::data_files(&tables)),
        },
        Computed {
            name: "functions",
            schema: rows::functions_schema(),
            compute: Box::new(rows::functions),
        },
    ];
    for table in computed {
        schema
            .register_table(table.name.to_owned(), Arc::new(table))
            .map_err(failed)?;
    }
    for name in VIEWS {
        let sql = format!("SELECT * FROM {name}");
        let plan = context
            .state()
            .create_logical_plan(&sql)
            .await
            .map_err(failed)?;
        schema
            .register_table(name.to_owned(), Arc::new(ViewTable::new(plan, Some(sql))))
            .map_err(failed)?;
    }
    for catalog in context.catalog_names() {
        if let Some(catalog) = context.catalog(&catalog) {
            catalog
                .register_schema(SCHEMA, Arc::new(schema))
                .map_err(failed)?;
            break;
        }
    }
    Ok(())
}

/// A table whose rows are made when it is read.
struct Computed {
    name: &'static str,
    schema: SchemaRef,
    compute: Box<dyn Fn() -> DfResult<RecordBatch> + Send + Sync>,
}

impl fmt::Debug for Computed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Computed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Computed {
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
        let rows = MemTable::try_new(self.schema(), vec![vec![(self.compute)()?]])?;
        rows.scan(state, projection, filters, limit).await
    }
}

#[cfg(test)]
mod tests;
