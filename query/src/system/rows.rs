//! Rows of the tables of `system`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::{DataFusionError, Result as DfResult};
use deltalake::DeltaTable;

use crate::executor::QueryRow;
use crate::udf::FUNCTIONS;

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn time(name: &str) -> Field {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Field::new(name, kind, true)
}

fn count(name: &str) -> Field {
    Field::new(name, DataType::UInt64, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(
        values
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

/// Statements that run, and the last that ended. `state`: running, finished, failed, cancelled; `query`: the first
/// 4 KiB of the text; `elapsed_ms`: milliseconds since its begin, waiting included.
pub(super) fn queries_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        count("id"),
        time("started_at"),
        text("state"),
        text("door"),
        text("by"),
        text("query"),
        count("elapsed_ms"),
        count("rows"),
        text("error"),
    ]))
}

pub(super) fn queries(rows: &[QueryRow]) -> DfResult<RecordBatch> {
    let texts = |pick: fn(&QueryRow) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(pick).collect::<StringArray>())
    };
    let counts = |pick: fn(&QueryRow) -> u64| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| Some(pick(row)))
                .collect::<UInt64Array>(),
        )
    };
    let columns = vec![
        counts(|row| row.id),
        times(
            rows.iter()
                .map(|row| Some(row.started_at.timestamp_micros())),
        ),
        texts(|row| Some(row.state)),
        texts(|row| Some(row.door)),
        texts(|row| Some(&row.by)),
        texts(|row| Some(&row.query)),
        counts(|row| row.elapsed_ms),
        counts(|row| row.rows),
        texts(|row| row.error.as_deref()),
    ];
    Ok(RecordBatch::try_new(queries_schema(), columns)?)
}

/// Data files of the session's snapshot, by table.
pub(super) fn data_files_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("table"),
        text("path"),
        number("size_bytes"),
        number("records"),
    ]))
}

pub(super) fn data_files(tables: &[(&'static str, DeltaTable)]) -> DfResult<RecordBatch> {
    let mut names = Vec::new();
    let mut files = Vec::new();
    for (name, table) in tables {
        let snapshot = table
            .snapshot()
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        for file in snapshot.log_data().iter() {
            names.push(*name);
            files.push((
                file.path().into_owned(),
                file.size(),
                file.num_records()
                    .and_then(|count| i64::try_from(count).ok()),
            ));
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(names)),
        Arc::new(
            files
                .iter()
                .map(|file| Some(&file.0))
                .collect::<StringArray>(),
        ),
        Arc::new(
            files
                .iter()
                .map(|file| Some(file.1))
                .collect::<Int64Array>(),
        ),
        Arc::new(files.iter().map(|file| file.2).collect::<Int64Array>()),
    ];
    Ok(RecordBatch::try_new(data_files_schema(), columns)?)
}

/// The functions that podtrail adds to SQL.
pub(super) fn functions_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![text("name"), text("usage"), text("doc")]))
}

pub(super) fn functions() -> DfResult<RecordBatch> {
    let texts = |pick: fn(&'static crate::udf::FunctionDoc) -> &'static str| -> ArrayRef {
        Arc::new(
            FUNCTIONS
                .iter()
                .map(pick)
                .map(Some)
                .collect::<StringArray>(),
        )
    };
    let columns = vec![
        texts(crate::udf::FunctionDoc::name),
        texts(|function| function.usage),
        texts(|function| function.doc),
    ];
    Ok(RecordBatch::try_new(functions_schema(), columns)?)
}
