//! What is told of each request: an id, a span, a line in the log, metrics.
//!
//! None of it has anything that the client chose, but for a request id of harmless characters:
//! queries, headers and bodies hold names of people and tokens.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use metrics::{Gauge, counter, gauge, histogram};
use tracing::{Instrument, Span, info, info_span};
use uuid::Uuid;

use super::body::{Guard, Guarded};
use super::telemetry::{REQUEST_SECONDS, REQUESTS, REQUESTS_IN_FLIGHT};

/// The header that carries the request id both ways.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id taken from a client, in bytes.
const MAX_ID: usize = 64;

/// The route of requests that no route matches. Their paths are without bound.
const UNMATCHED: &str = "unmatched";

/// The method of requests whose method is none that everybody knows.
const OTHER: &str = "other";

/// The status in metrics of requests whose client went away before there was any, as in nginx.
const GONE: &str = "499";

/// The id of a request, from the client where it is well formed. In the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).filter(|id| {
            let id = id.as_bytes();
            let fine = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=MAX_ID).contains(&id.len()) && id.iter().all(fine)
        });
        let new = || HeaderValue::from_str(&Uuid::new_v4().to_string());
        match given {
            Some(id) => Self(id.clone()),
            None => Self(new().unwrap_or_else(|_| HeaderValue::from_static("unknown"))),
        }
    }

    /// The id as text.
    #[must_use]
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the value of its header.
    #[must_use]
    pub(super) fn into_value(self) -> HeaderValue {
        self.0
    }
}

/// Gives the request an id and a span, and tells of it when its response is sent or given up.
pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let route = route(&request).to_owned();
    let method = method(request.method());
    let span = info_span!("request", id = id.as_str(), method, route);
    let mut ticket = Ticket::new(span.clone(), method, route);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span).await;
    ticket.status = Some(response.status());
    response.headers_mut().insert(REQUEST_ID, id.0);
    response.map(|body| Guarded::wrap(body, ticket))
}

/// Tells of what was refused before it was a request, and gives the id that its answer has.
pub(super) fn refused(status: StatusCode) -> RequestId {
    let id = RequestId::of(&HeaderMap::new());
    let span = info_span!(
        "request",
        id = id.as_str(),
        method = OTHER,
        route = UNMATCHED
    );
    let mut ticket = Ticket::new(span, OTHER, UNMATCHED.to_owned());
    ticket.status = Some(status);
    ticket.complete = true;
    id
}

/// The pattern of the route that the request matches.
pub(crate) fn route(request: &Request) -> &str {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or(UNMATCHED, MatchedPath::as_str)
}

/// Clients may invent methods.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => OTHER,
    }
}

/// A request on its way; dropped when the last of its response is sent or given up.
#[derive(Debug)]
struct Ticket {
    span: Span,
    method: &'static str,
    route: String,
    started: Instant,
    _in_flight: InFlight,
    status: Option<StatusCode>,
    bytes: usize,
    complete: bool,
}

impl Ticket {
    fn new(span: Span, method: &'static str, route: String) -> Self {
        Self {
            span,
            method,
            route,
            started: Instant::now(),
            _in_flight: InFlight::new(),
            status: None,
            bytes: 0,
            complete: false,
        }
    }
}

impl Guard for Ticket {
    fn sent(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    fn complete(&mut self) {
        self.complete = true;
    }

    fn within<T>(&mut self, produce: impl FnOnce() -> T) -> T {
        self.span.in_scope(produce)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let _in_span = self.span.enter();
        tell(self, elapsed);
    }
}

/// Logs and counts a request that is over.
fn tell(ticket: &Ticket, elapsed: Duration) {
    let (method, route) = (ticket.method, ticket.route.clone());
    let status = ticket.status.as_ref().map_or(GONE, StatusCode::as_str);
    let (milliseconds, bytes) = (elapsed.as_millis(), ticket.bytes);
    // The router drops the body of an answer to HEAD.
    let complete = ticket.complete || (method == "HEAD" && ticket.status.is_some());
    if complete {
        info!(status, milliseconds, bytes, "request answered");
    } else {
        info!(
            status,
            milliseconds, bytes, "request given up by the client or cut"
        );
    }
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_owned())
        .increment(1);
    histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(elapsed);
}

/// Counts itself in a gauge while it lives.
struct InFlight(Gauge);

impl InFlight {
    fn new() -> Self {
        let gauge = gauge!(REQUESTS_IN_FLIGHT);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl std::fmt::Debug for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InFlight")
    }
}
