//! What the Delta log says of the rows of a data file.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::schema::Table;

/// Characters of a text column's minimum and maximum kept in the Delta log.
pub(super) const STATS_TEXT_CHARS: usize = 64;

/// Largest Unicode scalar value: what is cut off a maximum sorts before it.
const TIE_BREAKER: char = '\u{10FFFF}';

/// Smallest or largest value of a column.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Bound {
    Text(String),
    Micros(i64),
    Int(i64),
}

/// What is known of one column.
#[derive(Debug)]
struct Column {
    name: &'static str,
    /// Rows seen with a column of this name.
    seen: bool,
    nulls: usize,
    bounds: Option<(Bound, Bound)>,
}

/// Describes the rows of one data file: row count, and minimum, maximum and nulls of the table's `stats` columns
/// (Delta protocol, "Per-file Statistics").
#[derive(Debug)]
pub(crate) struct Stats {
    rows: usize,
    columns: Vec<Column>,
}

impl Stats {
    /// Describes no rows yet.
    pub(crate) fn new(table: &Table) -> Self {
        let columns = table.stats.iter().map(|&name| Column {
            name,
            seen: false,
            nulls: 0,
            bounds: None,
        });
        Self {
            rows: 0,
            columns: columns.collect(),
        }
    }

    /// Takes more rows in.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        for column in &mut self.columns {
            let Some(values) = batch.column_by_name(column.name) else {
                continue;
            };
            column.seen = true;
            column.nulls += values.null_count();
            let Some((low, high)) = bounds(values) else {
                continue;
            };
            column.bounds = Some(match column.bounds.take() {
                None => (low, high),
                Some((least, most)) => (
                    if low < least { low } else { least },
                    if high > most { high } else { most },
                ),
            });
        }
    }

    /// Gives the text of an `Add` action.
    pub(crate) fn to_json(&self) -> String {
        let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
        for column in self.columns.iter().filter(|column| column.seen) {
            nulls.insert(column.name.to_owned(), json!(column.nulls));
            let shown = column
                .bounds
                .as_ref()
                .and_then(|(low, high)| Some((shown(low, false)?, shown(high, true)?)));
            if let Some((low, high)) = shown {
                least.insert(column.name.to_owned(), low);
                most.insert(column.name.to_owned(), high);
            }
        }
        json!({
            "numRecords": self.rows,
            "minValues": least,
            "maxValues": most,
            "nullCount": nulls,
        })
        .to_string()
    }
}

fn bounds(column: &ArrayRef) -> Option<(Bound, Bound)> {
    match column.data_type() {
        DataType::Utf8 => {
            let text: &StringArray = column.as_string();
            let (low, high) = min_string(text).zip(max_string(text))?;
            Some((Bound::Text(low.to_owned()), Bound::Text(high.to_owned())))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            let (low, high) = min(times).zip(max(times))?;
            Some((Bound::Micros(low), Bound::Micros(high)))
        }
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>();
            let (low, high) = min(numbers).zip(max(numbers))?;
            Some((Bound::Int(low), Bound::Int(high)))
        }
        _ => None,
    }
}

fn shown(bound: &Bound, upper: bool) -> Option<Value> {
    match bound {
        Bound::Text(text) => Some(cut(text, upper)),
        Bound::Micros(micros) => rfc3339(*micros),
        Bound::Int(number) => Some(json!(number)),
    }
}

pub(super) fn cut(text: &str, upper: bool) -> Value {
    let Some((end, _)) = text.char_indices().nth(STATS_TEXT_CHARS) else {
        return json!(text);
    };
    if !upper {
        return json!(&text[..end]);
    }
    // A text that goes on with the tie breaker itself may sort after it.
    let rest = text[end..].trim_start_matches(TIE_BREAKER);
    if rest.is_empty() {
        return json!(text);
    }
    json!(format!("{}{TIE_BREAKER}", &text[..text.len() - rest.len()]))
}

fn rfc3339(micros: i64) -> Option<Value> {
    let time = DateTime::from_timestamp_micros(micros)?;
    Some(json!(time.to_rfc3339_opts(SecondsFormat::Micros, true)))
}
