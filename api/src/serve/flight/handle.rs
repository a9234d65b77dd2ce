//! What a client comes back with: a statement, and the values of its placeholders once it has sent them.
//!
//! It says nothing that the client may not say anew, so it needs no signature, and it is read as carefully as any
//! other input.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::{MessageHeader, root_as_message};
use arrow_flight::FlightData;
use arrow_flight::utils::flight_data_to_arrow_batch;
use bytes::Bytes;
use datafusion::common::{ParamValues, ScalarValue};
use futures::{Stream, StreamExt};
use prost::Message;
use tonic::Status;

/// Bytes of the values of a statement's placeholders.
const MOST_VALUES: usize = 256 << 10;

/// A statement and its values.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Handle {
    /// The SQL.
    #[prost(string, tag = "1")]
    pub(super) sql: String,
    #[prost(message, optional, tag = "2")]
    values: Option<Values>,
}

/// One row of values, as Arrow's IPC format has it.
#[derive(Clone, PartialEq, Message)]
struct Values {
    #[prost(bytes = "bytes", tag = "1")]
    schema: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    header: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    body: Bytes,
}

impl Handle {
    /// Makes the handle of a statement without values.
    pub(super) fn new(sql: String) -> Self {
        Self { sql, values: None }
    }

    /// Reads what [`Handle::write`] wrote.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Status> {
        Self::decode(bytes).map_err(|_| invalid("the statement's handle is none of podtrail's"))
    }

    /// Gives the bytes that a client keeps.
    pub(super) fn write(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// Takes the values that a client sends: one row of them.
    pub(super) async fn bind(
        &mut self,
        mut messages: impl Stream<Item = Result<FlightData, Status>> + Send + Unpin,
    ) -> Result<(), Status> {
        let mut values = Values::default();
        while let Some(message) = messages.next().await {
            let message = message?;
            match kind(&message.data_header)? {
                MessageHeader::NONE => {}
                MessageHeader::Schema => values.schema = message.data_header,
                MessageHeader::RecordBatch if values.header.is_empty() => {
                    values.header = message.data_header;
                    values.body = message.data_body;
                }
                MessageHeader::RecordBatch => return Err(one_row()),
                _ => return Err(not_plain()),
            }
        }
        self.values = (!values.schema.is_empty()).then_some(values);
        self.parameters().map(drop)
    }

    /// Gives the values for `$1`, `$2` and so on; none where there are none.
    pub(super) fn parameters(&self) -> Result<Option<ParamValues>, Status> {
        let Some(values) = &self.values else {
            return Ok(None);
        };
        let scalars = values.read()?;
        Ok((!scalars.is_empty())
            .then(|| ParamValues::List(scalars.into_iter().map(Into::into).collect())))
    }
}

impl Values {
    fn read(&self) -> Result<Vec<ScalarValue>, Status> {
        // Arrow's reader panics on columns that no writer describes.
        catch_unwind(AssertUnwindSafe(|| self.scalars())).unwrap_or_else(|_| Err(malformed()))
    }

    fn scalars(&self) -> Result<Vec<ScalarValue>, Status> {
        if self.schema.len() + self.header.len() + self.body.len() > MOST_VALUES {
            let text = format!("the values have more than {MOST_VALUES} bytes");
            return Err(Status::resource_exhausted(text));
        }
        let schema = FlightData::new().with_data_header(self.schema.clone());
        let schema = Schema::try_from(&schema).map_err(|_| malformed())?;
        if schema.fields().is_empty() {
            return Ok(Vec::new());
        }
        if !schema.fields().iter().all(|field| is_plain(field)) {
            return Err(not_plain());
        }
        if self.header.is_empty() {
            return Err(one_row());
        }
        let message = root_as_message(&self.header).map_err(|_| malformed())?;
        let batch = message.header_as_record_batch().ok_or_else(one_row)?;
        if batch.length() != 1 {
            return Err(one_row());
        }
        // What is compressed says itself how much memory to take for it.
        if batch.compression().is_some() {
            return Err(invalid("values are taken uncompressed only"));
        }
        let data = FlightData::new()
            .with_data_header(self.header.clone())
            .with_data_body(self.body.clone());
        let row = flight_data_to_arrow_batch(&data, Arc::new(schema), &HashMap::new())
            .map_err(|_| malformed())?;
        row.columns()
            .iter()
            .map(|column| ScalarValue::try_from_array(column, 0).map_err(|_| malformed()))
            .collect()
    }
}

/// Tells what a message of Arrow's IPC format is.
fn kind(header: &[u8]) -> Result<MessageHeader, Status> {
    if header.is_empty() {
        return Ok(MessageHeader::NONE);
    }
    let message = root_as_message(header).map_err(|_| malformed())?;
    Ok(message.header_type())
}

/// Tells whether a value of this type is one value, and no more than the bytes that were sent for it.
fn is_plain(field: &Field) -> bool {
    use DataType as D;
    let kind = field.data_type();
    kind.is_numeric()
        || kind.is_temporal()
        || matches!(
            kind,
            D::Null | D::Boolean | D::Utf8 | D::LargeUtf8 | D::Utf8View
        )
        || matches!(kind, D::Binary | D::LargeBinary | D::BinaryView)
}

fn invalid(text: &'static str) -> Status {
    Status::invalid_argument(text)
}

fn malformed() -> Status {
    invalid("the values cannot be read")
}

fn one_row() -> Status {
    invalid("a statement takes one row of values at a time")
}

fn not_plain() -> Status {
    invalid("a value is a text, a number, a boolean, a time, bytes or null")
}

#[cfg(test)]
mod tests;
