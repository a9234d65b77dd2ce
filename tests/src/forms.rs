//! Rows of answers, read back from each form.

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::json::writer::LineDelimited;
use serde_json::Value;

/// Media type of each form but JSON.
pub const NDJSON: &str = "application/x-ndjson";
/// Comma-separated values.
pub const CSV: &str = "text/csv";
/// Arrow's IPC stream.
pub const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Reads lines of JSON.
pub fn ndjson(bytes: &[u8]) -> Vec<Value> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line of JSON"))
        .collect()
}

/// Reads an Arrow stream, which has to be whole.
pub fn arrow(bytes: &[u8]) -> Vec<Value> {
    let batches: Vec<RecordBatch> = StreamReader::try_new(bytes, None)
        .expect("a schema")
        .collect::<Result<_, _>>()
        .expect("batches");
    let end = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    assert!(bytes.ends_with(&end), "the stream has no end");
    let mut lines = Vec::new();
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, LineDelimited>(&mut lines);
    for batch in &batches {
        writer.write(batch).expect("JSON");
    }
    writer.finish().expect("JSON");
    drop(writer);
    ndjson(&lines)
}

/// Reads CSV as RFC 4180 has it: the header, then the rows.
pub fn csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(sign),
        }
    }
    assert!(!quoted && field.is_empty() && row.is_empty(), "cut off");
    rows
}

/// Gives how CSV has a JSON value; none where it may have it in more than one way.
pub fn in_csv(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(match text.chars().next() {
            Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
            _ => text.clone(),
        }),
        Value::Bool(_) => Some(value.to_string()),
        Value::Number(number) if !number.is_f64() => Some(value.to_string()),
        _ => None,
    }
}
