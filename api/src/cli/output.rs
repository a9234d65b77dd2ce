//! Rows on standard output, in the form the user asked for.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use anyhow::Context;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ArrowWriter;
use podtrail_api::encode::{Encoder, Form, TIME_FORMAT};

use super::{Format, Global};

/// Bytes of a Parquet file that are in memory, before they are written as a row group.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Times as RFC 3339, nulls as nothing.
fn display() -> FormatOptions<'static> {
    FormatOptions::default()
        .with_timestamp_tz_format(Some(TIME_FORMAT))
        .with_timestamp_format(Some(TIME_FORMAT))
}

/// Writes bytes to standard output. A closed pipe is no error: the reader has enough.
pub(crate) fn to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    ended_early(out.write_all(bytes).and_then(|()| out.flush()))
        .context("cannot write to standard output")
}

fn ended_early(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes all rows of a query to standard output.
pub(crate) async fn print(global: &Global, rows: SendableRecordBatchStream) -> anyhow::Result<()> {
    let out = io::BufWriter::new(io::stdout());
    match write(global.output, rows, out, io::stdout().is_terminal()).await {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

/// Takes all rows of a query in hand.
pub(crate) async fn gather(rows: SendableRecordBatchStream) -> anyhow::Result<RecordBatch> {
    let schema = rows.schema();
    let batches: Vec<RecordBatch> = rows.try_collect().await.map_err(run_error)?;
    Ok(concat_batches(&schema, &batches)?)
}

/// Writes rows in hand to standard output.
pub(crate) async fn print_batch(global: &Global, batch: RecordBatch) -> anyhow::Result<()> {
    let schema = batch.schema();
    let rows = futures::stream::iter([Ok(batch)]);
    let rows = RecordBatchStreamAdapter::new(schema, rows);
    print(global, Box::pin(rows)).await
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
            || matches!(
                cause.downcast_ref::<arrow::error::ArrowError>(),
                Some(arrow::error::ArrowError::IoError(_, error)) if error.kind() == io::ErrorKind::BrokenPipe
            )
    })
}

async fn write(
    format: Format,
    mut rows: SendableRecordBatchStream,
    mut out: impl Write + Send,
    terminal: bool,
) -> anyhow::Result<()> {
    let schema = rows.schema();
    match format {
        Format::Table => {
            let mut batches = Vec::new();
            while let Some(batch) = rows.next().await {
                batches.push(batch.map_err(run_error)?);
            }
            writeln!(out, "{}", table(&schema, &batches, terminal)?)?;
        }
        Format::Markdown => {
            write_markdown_header(&schema, &mut out)?;
            while let Some(batch) = rows.next().await {
                write_markdown(&batch.map_err(run_error)?, &mut out)?;
            }
        }
        Format::Json => {
            write!(out, "[")?;
            encode(Form::Json, rows, &mut out).await?;
            writeln!(out, "]")?;
        }
        Format::Ndjson => encode(Form::Ndjson, rows, &mut out).await?,
        Format::Csv => encode(Form::Csv, rows, &mut out).await?,
        Format::Arrow => encode(Form::Arrow, rows, &mut out).await?,
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(&mut out, Arc::clone(&schema), None)?;
            while let Some(batch) = rows.next().await {
                writer.write(&batch.map_err(run_error)?)?;
                if writer.memory_size() >= ROW_GROUP_BYTES {
                    writer.flush()?;
                }
            }
            writer.close()?;
        }
    }
    out.flush()?;
    Ok(())
}

fn run_error(error: datafusion::error::DataFusionError) -> anyhow::Error {
    anyhow::Error::from(error).context("the query failed")
}

async fn encode(
    form: Form,
    mut rows: SendableRecordBatchStream,
    out: &mut (impl Write + Send),
) -> anyhow::Result<()> {
    let mut encoder = Encoder::new(form, rows.schema())?;
    while let Some(batch) = rows.next().await {
        out.write_all(&encoder.batch(&batch.map_err(run_error)?)?)?;
    }
    out.write_all(&encoder.end()?)?;
    Ok(())
}

fn formatters<'a>(
    batch: &'a RecordBatch,
    options: &'a FormatOptions<'a>,
) -> anyhow::Result<Vec<ArrayFormatter<'a>>> {
    Ok(batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), options))
        .collect::<Result<Vec<_>, _>>()?)
}

/// Draws a table; on a terminal no wider than it.
fn table(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    terminal: bool,
) -> anyhow::Result<comfy_table::Table> {
    use comfy_table::{Cell, CellAlignment, ContentArrangement};
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(schema.fields().iter().map(|field| field.name().as_str()));
    if terminal {
        // Takes the width of the terminal itself.
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let options = display();
    for batch in batches {
        let columns = formatters(batch, &options)?;
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .zip(batch.columns())
                .map(|(formatter, column)| {
                    let cell = Cell::new(printable(&formatter.value(row).to_string()));
                    if column.data_type().is_numeric() {
                        cell.set_alignment(CellAlignment::Right)
                    } else {
                        cell
                    }
                });
            table.add_row(cells);
        }
    }
    Ok(table)
}

/// Control characters of untrusted text would act on the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{FFFD}'
            } else {
                character
            }
        })
        .collect()
}

fn write_markdown_header(schema: &SchemaRef, out: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    writeln!(out, "| {} |", names.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(names.len()))
}

fn write_markdown(batch: &RecordBatch, out: &mut impl Write) -> anyhow::Result<()> {
    let options = display();
    let columns = formatters(batch, &options)?;
    for row in 0..batch.num_rows() {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                printable(&column.value(row).to_string())
                    .replace('\\', "\\\\")
                    .replace('|', "\\|")
            })
            .collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}
