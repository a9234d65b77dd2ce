use arrow_flight::FlightDescriptor;
use arrow_flight::sql::{CommandGetTableTypes, CommandStatementQuery, ProstMessageExt};
use prost::Message;

use super::*;

fn asked(sql: &str) -> FlightDescriptor {
    let query = CommandStatementQuery {
        query: sql.to_owned(),
        transaction_id: None,
    };
    FlightDescriptor::new_cmd(query.as_any().encode_to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_told_without_rows() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let sql = "SELECT event_id, event_time FROM events";
    let promised = client.execute(sql.to_owned(), None).await.unwrap();
    let told = client.inner_mut().get_schema(asked(sql)).await.unwrap();
    assert_eq!(told.into_inner().schema, promised.schema);
    let kinds = CommandGetTableTypes {}.as_any().encode_to_vec();
    let kinds = FlightDescriptor::new_cmd(kinds);
    assert!(client.inner_mut().get_schema(kinds).await.is_ok());
    let refused = client.inner_mut().get_schema(asked("DROP TABLE events"));
    assert_eq!(refused.await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_and_again_hears_at_once_that_rows_can_be_fetched() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let told = client.inner_mut().poll_flight_info(asked("SELECT 7 AS n"));
    let told = told.await.unwrap().into_inner();
    assert!(told.flight_descriptor.is_none());
    let ticket = told.info.unwrap().endpoint.remove(0).ticket.unwrap();
    let rows: Vec<RecordBatch> = client
        .do_get(ticket)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
}
