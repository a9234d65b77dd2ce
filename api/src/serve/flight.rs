//! Arrow Flight SQL: the second way to SQL, on the port of the HTTP API, for ADBC, JDBC and ODBC drivers.
//!
//! Its calls pass the same shell, gate and executor as those of the HTTP API. Nothing is kept between calls: what a
//! client is given to come back with, the SQL and the values of a prepared statement, it holds itself ([`handle`]).

mod calls;
mod handle;
mod metadata;
mod service;
mod status;
mod wire;

use arrow_flight::flight_service_server::FlightServiceServer;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post_service;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tonic::server::NamedService;

use super::access::{Gate, guard};
use super::problem::Problem;
use super::state::State;
use calls::Calls;
use service::FlightSql;
pub(super) use status::written;

/// The service with its protocol.
type Service = FlightServiceServer<Calls>;

/// The call that gives a token for a user's name and password.
const HANDSHAKE: &str = "Handshake";

/// All calls of Flight.
const CALLS: [&str; 10] = [
    HANDSHAKE,
    "ListFlights",
    "GetFlightInfo",
    "PollFlightInfo",
    "GetSchema",
    "DoGet",
    "DoPut",
    "DoExchange",
    "DoAction",
    "ListActions",
];

/// Makes the routes, each behind the gate. Messages of clients have at most so many bytes.
pub(super) fn router(state: State, gate: &Gate, message_bytes: usize) -> Router {
    let calls = Calls::new(FlightSql::new(state));
    let service = Service::new(calls).max_decoding_message_size(message_bytes);
    let mut router = Router::new();
    for call in CALLS {
        let gate = Gate {
            passwords: call == HANDSHAKE,
            ..gate.clone()
        };
        let route = post_service(service.clone())
            .route_layer(from_fn(only_grpc))
            .route_layer(from_fn_with_state(gate, guard));
        router = router.route(&format!("/{}/{call}", Service::NAME), route);
    }
    router
}

/// Refuses what is not gRPC. Pages of other sites can send no such type without asking first.
async fn only_grpc(request: Request, next: Next) -> Response {
    if is_grpc(request.headers()) {
        return next.run(request).await;
    }
    Problem::unsupported_media_type("Arrow Flight is answered by gRPC only").into_response()
}

/// Tells whether a client speaks gRPC, and so has to be answered in it.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |kind| kind.as_bytes());
    kind.strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

#[cfg(test)]
mod tests;
