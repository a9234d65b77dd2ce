//! Rows and their columns as messages of Arrow Flight.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::{
    FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::{Request, Response, Status};

use super::status::{cut_off, internal};
use crate::serve::answer::{SNAPSHOT, STALE_SINCE, stale_since};
use crate::serve::served::InService;

/// Bytes of a message, as far as rows can be cut to it. Clients take four times that and more.
const MESSAGE_BYTES: usize = 1 << 20;

/// Rows on their way to a client.
pub(super) type Rows = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// Gives columns as they are told before and with the rows: what a plan knows of nulls and of where columns come
/// from may differ between the two, and drivers refuse rows that are not what they were promised.
pub(super) fn plain(schema: &Schema) -> SchemaRef {
    let column = |field: &Arc<Field>| Field::new(field.name(), field.data_type().clone(), true);
    Arc::new(Schema::new(
        schema.fields().iter().map(column).collect::<Vec<_>>(),
    ))
}

/// Gives the columns as the encoder sends them: dictionaries are written out.
fn sent(schema: &SchemaRef) -> SchemaRef {
    let nothing = stream::empty::<Result<RecordBatch, FlightError>>();
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(Arc::clone(schema))
        .build(nothing);
    encoder.known_schema().unwrap_or_else(|| Arc::clone(schema))
}

/// Encodes rows as they come.
pub(super) fn encoded(
    schema: SchemaRef,
    rows: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
) -> Rows {
    FlightDataEncoderBuilder::new()
        .with_max_flight_data_size(MESSAGE_BYTES)
        .with_schema(schema)
        .build(rows.map_err(FlightError::from))
        .map_err(cut_off)
        .boxed()
}

/// Tells which snapshot rows are read from, and since when the store cannot be read.
pub(super) fn stamp(metadata: &mut MetadataMap, now: &InService) {
    let snapshot = serde_json::to_string(now.snapshot()).unwrap_or_default();
    for (name, value) in [(SNAPSHOT, Some(snapshot)), (STALE_SINCE, stale_since(now))] {
        let name = AsciiMetadataKey::from_bytes(name.as_str().as_bytes());
        let value = value.and_then(|value| value.parse().ok());
        if let (Ok(name), Some(value)) = (name, value) {
            metadata.insert(name, value);
        }
    }
}

/// Answers with columns, and the ticket for the rows.
pub(super) fn info(
    request: Request<FlightDescriptor>,
    schema: &SchemaRef,
    ticket: Bytes,
) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = FlightInfo::new()
        .try_with_schema(&sent(schema))
        .map_err(|error| internal(&error))?
        .with_endpoint(endpoint)
        .with_descriptor(request.into_inner());
    Ok(Response::new(info))
}

/// Promises the rows of a question about the server: its own text is the ticket.
pub(super) fn promised(
    request: Request<FlightDescriptor>,
    rows: &RecordBatch,
) -> Result<Response<FlightInfo>, Status> {
    let ticket = request.get_ref().cmd.clone();
    info(request, &rows.schema(), ticket)
}

/// Answers with rows that are there.
pub(super) fn given(rows: RecordBatch) -> Response<Rows> {
    let schema = rows.schema();
    Response::new(encoded(schema, stream::iter([Ok(rows)])))
}

/// Writes columns as a message of Arrow's IPC format.
pub(super) fn message(schema: &SchemaRef) -> Result<Bytes, Status> {
    let schema = sent(schema);
    let options = IpcWriteOptions::default();
    let message: IpcMessage = SchemaAsIpc::new(&schema, &options)
        .try_into()
        .map_err(|error: ArrowError| internal(&error))?;
    Ok(message.0)
}
