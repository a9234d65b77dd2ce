//! Derived ids for records whose eventID belongs to another record.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::{Map, Value};

use super::gather;
use crate::error::Result;
use crate::hash::Framed;
use crate::hex;

/// Takes some rows of staged chunks and gives each an id that is a hash of all that the record says, so that a
/// further copy gets the same. The eventID it came with is kept in `extra`.
pub(super) fn under_derived_ids(chunks: &[RecordBatch], which: &[usize]) -> Result<RecordBatch> {
    let taken = gather::rows(chunks, which)?;
    let schema = taken.schema();
    let texts = taken
        .columns()
        .iter()
        .map(|column| Ok(cast(column, &DataType::Utf8)?))
        .collect::<Result<Vec<ArrayRef>>>()?;
    let mut ids = Vec::with_capacity(taken.num_rows());
    let mut extras = Vec::with_capacity(taken.num_rows());
    for row in 0..taken.num_rows() {
        let mut hash = Framed::default();
        let mut extra = Map::new();
        for (field, column) in schema.fields().iter().zip(&texts) {
            let column: &StringArray = column.as_string();
            if column.is_null(row) || field.name() == "source_object" {
                continue;
            }
            let text = column.value(row);
            hash.add(Some(field.name().as_bytes()));
            hash.add(Some(text.as_bytes()));
            match field.name().as_str() {
                "event_id" => drop(extra.insert("eventID".to_owned(), text.into())),
                "extra" => {
                    if let Ok(Value::Object(members)) = serde_json::from_str(text) {
                        extra.extend(members);
                    }
                }
                _ => {}
            }
        }
        ids.push(format!("derived-{}", hex(&hash.digest())));
        extras.push(Value::Object(extra).to_string());
    }
    let mut columns = taken.columns().to_vec();
    columns[schema.index_of("event_id")?] = Arc::new(StringArray::from(ids));
    columns[schema.index_of("extra")?] = Arc::new(StringArray::from(extras));
    Ok(RecordBatch::try_new(schema, columns)?)
}
