//! Rows as bytes, in the forms that the command line and the HTTP API share.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::LineDelimited;

/// Times in texts: RFC 3339, UTC.
pub const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// Forms of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Members of a JSON array, without its brackets.
    Json,
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values with a header, texts guarded against formulas.
    Csv,
    /// Arrow's IPC stream.
    Arrow,
}

/// Writes batches one after the other.
pub struct Encoder {
    form: Form,
    schema: SchemaRef,
    arrow: Option<StreamWriter<Vec<u8>>>,
    begun: bool,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Encoder")
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// Makes an encoder for rows of a schema.
    ///
    /// # Errors
    /// Where Arrow cannot write the schema.
    pub fn new(form: Form, schema: SchemaRef) -> Result<Self, ArrowError> {
        let arrow = match form {
            Form::Arrow => Some(StreamWriter::try_new(Vec::new(), &schema)?),
            _ => None,
        };
        Ok(Self {
            form,
            schema,
            arrow,
            begun: false,
        })
    }

    /// Writes one batch.
    ///
    /// # Errors
    /// Where a value has no text.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let first = !self.begun;
        if batch.num_rows() > 0 || self.form == Form::Csv {
            self.begun = true;
        }
        match self.form {
            Form::Json => {
                let lines = lines(batch)?;
                Ok(members(&lines, first))
            }
            Form::Ndjson => lines(batch),
            Form::Csv => csv(batch, first),
            Form::Arrow => {
                let Some(writer) = &mut self.arrow else {
                    return Ok(Vec::new());
                };
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    /// Writes what ends the rows.
    ///
    /// # Errors
    /// As [`Encoder::batch`].
    pub fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        if self.form == Form::Csv && !self.begun {
            return csv(&RecordBatch::new_empty(Arc::clone(&self.schema)), true);
        }
        let Some(writer) = &mut self.arrow else {
            return Ok(Vec::new());
        };
        writer.finish()?;
        Ok(std::mem::take(writer.get_mut()))
    }
}

fn lines(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, LineDelimited>(&mut bytes);
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

/// Makes members of an array of lines. No JSON value has a line break that is not escaped.
fn members(lines: &[u8], first: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len());
    let mut follows = !first;
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        if follows {
            bytes.extend_from_slice(b",\n");
        }
        follows = true;
        bytes.extend_from_slice(line);
    }
    bytes
}

fn csv(batch: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = arrow::csv::WriterBuilder::new()
        .with_header(header)
        .with_timestamp_tz_format(TIME_FORMAT.to_owned())
        .build(&mut bytes);
    writer.write(&flat(&without_formulas(batch)?)?)?;
    drop(writer);
    Ok(bytes)
}

/// Writes lists and the like as text: CSV has no form for them.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            if column.data_type().is_nested() {
                let formatter = arrow::util::display::ArrayFormatter::try_new(
                    column,
                    &arrow::util::display::FormatOptions::default(),
                )?;
                let texts: StringArray = (0..column.len())
                    .map(|row| (!column.is_null(row)).then(|| formatter.value(row).to_string()))
                    .collect();
                return Ok(Arc::new(texts) as ArrayRef);
            }
            Ok(Arc::clone(column))
        })
        .collect::<Result<Vec<_>, ArrowError>>()?;
    with_columns(batch, columns)
}

/// Guards texts, names of columns too, that a spreadsheet would take for a formula with an apostrophe.
/// Source: OWASP, "CSV Injection".
///
/// # Errors
/// Where Arrow cannot read a text column.
pub fn without_formulas(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            if !matches!(
                column.data_type(),
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
            ) {
                return Ok(Arc::clone(column));
            }
            let texts = cast(column, &DataType::Utf8)?;
            let texts: &StringArray = texts.as_string();
            let guarded: StringArray = texts.iter().map(|text| text.map(guarded)).collect();
            Ok(Arc::new(guarded) as ArrayRef)
        })
        .collect::<Result<Vec<_>, ArrowError>>()?;
    let batch = with_columns(batch, columns)?;
    let schema = batch.schema();
    let fields = schema.fields().iter();
    let fields: Vec<_> = fields
        .map(|field| field.as_ref().clone().with_name(guarded(field.name())))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec())
}

fn guarded(text: &str) -> String {
    match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn with_columns(batch: &RecordBatch, columns: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| {
            field
                .as_ref()
                .clone()
                .with_data_type(column.data_type().clone())
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::Field;

    fn batch(texts: &[Option<&str>]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("name", DataType::Utf8, true),
            Field::new("n", DataType::Int64, false),
        ]);
        let count = i64::try_from(texts.len()).unwrap();
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(texts.iter().copied().collect::<StringArray>()),
                Arc::new(Int64Array::from_iter_values(0..count)),
            ],
        )
        .unwrap()
    }

    fn encoded(form: Form, batches: &[RecordBatch]) -> String {
        let schema = batch(&[]).schema();
        let mut encoder = Encoder::new(form, schema).unwrap();
        let mut bytes = Vec::new();
        for batch in batches {
            bytes.extend(encoder.batch(batch).unwrap());
        }
        bytes.extend(encoder.end().unwrap());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_form_is_whole_whatever_the_batches() {
        let batches = [
            batch(&[]),
            batch(&[Some("a\nb")]),
            batch(&[]),
            batch(&[None, Some("=1")]),
        ];
        assert_eq!(
            encoded(Form::Json, &batches),
            "{\"name\":\"a\\nb\",\"n\":0},\n{\"name\":null,\"n\":0},\n{\"name\":\"=1\",\"n\":1}"
        );
        assert_eq!(
            encoded(Form::Ndjson, &batches[1..2]),
            "{\"name\":\"a\\nb\",\"n\":0}\n"
        );
        assert_eq!(
            encoded(Form::Csv, &batches),
            "name,n\n\"a\nb\",0\n,0\n'=1,1\n"
        );
        assert_eq!(encoded(Form::Json, &[]), "");
        assert_eq!(encoded(Form::Csv, &[]), "name,n\n");
    }

    #[test]
    fn names_of_columns_are_no_formulas_either() {
        let schema = Schema::new(vec![Field::new("=cmd", DataType::Utf8, true)]);
        let rows: ArrayRef = Arc::new(StringArray::from(vec!["=1"]));
        let batch = RecordBatch::try_new(Arc::new(schema), vec![rows]).unwrap();
        for (form, expected) in [
            (Form::Csv, "'=cmd\n'=1\n"),
            (Form::Ndjson, "{\"=cmd\":\"=1\"}\n"),
        ] {
            let mut encoder = Encoder::new(form, batch.schema()).unwrap();
            let bytes = encoder.batch(&batch).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
        let mut encoder = Encoder::new(Form::Csv, batch.schema()).unwrap();
        assert_eq!(encoder.end().unwrap(), b"'=cmd\n");
    }

    #[test]
    fn an_arrow_stream_can_be_read_back() {
        let batches = [batch(&[Some("a")]), batch(&[None])];
        let mut encoder = Encoder::new(Form::Arrow, batches[0].schema()).unwrap();
        let mut bytes = Vec::new();
        for batch in &batches {
            bytes.extend(encoder.batch(batch).unwrap());
        }
        bytes.extend(encoder.end().unwrap());
        let reader = arrow::ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap();
        let read: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
        assert_eq!(read, batches);
    }
}
