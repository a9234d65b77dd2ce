//! What surrounds every route: identity, limits, headers, compression.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, STRICT_TRANSPORT_SECURITY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use http_body_util::Limited;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use super::body::Guarded;
use super::observe::{observe, route};
use super::problem::{Problem, render};

/// Routes that must answer while the server is busy: otherwise a full server is taken for a dead
/// one and restarted.
const ALWAYS: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// Bytes from which compression saves more than it costs: less fits into one packet anyway.
const WORTH_COMPRESSING: u64 = 1024;

/// Arrow's format has compression of its own, which readers undo column by column. Whoever wants
/// it asks the route for it.
const ARROW: &str = "application/vnd.apache.arrow";

/// In seconds: clients refused for too many requests in flight try again after this.
const RETRY_AFTER: u32 = 1;

/// Headers of every answer, where the route has not set them. Pages load nothing from elsewhere,
/// are in nobody's frame and tell nobody where their reader came from.
const SECURITY: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'; \
         form-action 'self'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// A year, for this host alone: others under its name are not ours.
const HSTS: &str = "max-age=31536000";

/// Bounds of a request.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Bytes of path and query.
    pub uri_bytes: usize,
    /// Headers of a request. HTTP/1 connections have bounds of their own; here for HTTP/2.
    pub headers: usize,
    /// Bytes of their names and values.
    pub header_bytes: usize,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Time until the head of the response, which includes receiving the body of the request.
    pub head_time: Duration,
    /// Requests in flight, until the end of their responses' bodies.
    pub in_flight: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            uri_bytes: 8 * 1024,
            headers: 100,
            header_bytes: 32 * 1024,
            body_bytes: 1024 * 1024,
            head_time: Duration::from_mins(1),
            in_flight: 64,
        }
    }
}

/// Puts the shell around the routes. `tls` says whether clients come by TLS.
///
/// Routes that are added to the result later have none of it.
pub fn shell(router: Router, limits: &HttpLimits, tls: bool) -> Router {
    let limits = Arc::new(limits.clone());
    let slots = Arc::new(Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)));
    let worth = SizeAbove::new(WORTH_COMPRESSING)
        .and(NotForContentType::GRPC)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new(ARROW));
    // From the inside to the outside: the last one added sees a request first.
    router
        // axum's own limit would come before ours, and is larger.
        .layer(DefaultBodyLimit::disable())
        // Innermost, so that only the handler's time counts, and giving up drops just its work.
        .layer(from_fn_with_state(Arc::clone(&limits), give_up))
        // Before the handler reads, after all that needs no body.
        .layer(from_fn_with_state(Arc::clone(&limits), limit_body))
        // Requests that are refused for their form take no slot.
        .layer(from_fn_with_state(slots, admit))
        .layer(from_fn_with_state(limits, limit_head))
        // Around everything that runs code of ours, inside of what writes the problem down.
        .layer(CatchPanicLayer::custom(panicked))
        // Errors of all the above become documents here...
        .layer(from_fn(render))
        // ...hence have their final bodies when compression looks at them.
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .zstd(true)
                .compress_when(worth),
        )
        .layer(map_response(weaken))
        // Errors need these headers as well.
        .layer(from_fn_with_state(tls, protect))
        // Outermost: counts and times all, and its id is there for everybody else.
        .layer(from_fn(observe))
}

/// Refuses addresses and headers beyond their limits.
async fn limit_head(
    State(limits): State<Arc<HttpLimits>>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri();
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > limits.uri_bytes {
        let most = limits.uri_bytes;
        let detail = format!("path and query have {target} bytes, of at most {most}");
        return Problem::uri_too_long(detail).into_response();
    }
    let headers = request.headers();
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers.len() > limits.headers || bytes > limits.header_bytes {
        return Problem::of(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE).into_response();
    }
    next.run(request).await
}

/// Lets a bounded number of requests in and refuses others at once: a queue would make clients
/// wait for answers that they no longer want when they get them.
async fn admit(State(slots): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if ALWAYS.contains(&route(&request)) {
        return next.run(request).await;
    }
    let Ok(permit) = slots.try_acquire_owned() else {
        let detail = "too many requests are being answered; try again soon";
        return Problem::too_busy(detail, RETRY_AFTER).into_response();
    };
    let response = next.run(request).await;
    response.map(|body| Guarded::wrap(body, permit))
}

/// Refuses bodies beyond the limit: by what they announce, or when they reach it.
async fn limit_body(
    State(limits): State<Arc<HttpLimits>>,
    request: Request,
    next: Next,
) -> Response {
    let most = limits.body_bytes;
    let version = request.version();
    let mut response = if announced(request.headers()).is_some_and(|bytes| bytes > most as u64) {
        let detail = format!("bodies have at most {most} bytes");
        Problem::payload_too_large(detail).into_response()
    } else {
        // Extractors answer its error with 413.
        let request = request.map(|body| Body::new(Limited::new(body, most)));
        next.run(request).await
    };
    // What is left of the body is not read, so that nothing else can come on this connection. HTTP/2 has no such header.
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Drops the handler when the head of its response takes too long.
async fn give_up(State(limits): State<Arc<HttpLimits>>, request: Request, next: Next) -> Response {
    let most = limits.head_time;
    let answer = tokio::time::timeout(most, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let detail = format!("no answer within {most:?}; the request was given up");
        Problem::timeout(detail).into_response()
    })
}

/// Weakens the tag of what was compressed: a strong one stands for other bytes (RFC 9110, section 8.8.3.3).
async fn weaken(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if headers.contains_key(CONTENT_ENCODING)
        && let Some(tag) = headers.get(ETAG)
        && !tag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        headers.insert(ETAG, weak);
    }
    response
}

/// Sets the headers that browsers need for safety.
async fn protect(State(tls): State<bool>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    secure(headers, tls);
    if api {
        let value = HeaderValue::from_static("no-store");
        headers.entry(CACHE_CONTROL).or_insert(value);
    }
    response
}

/// Sets those that every answer has.
pub(super) fn secure(headers: &mut HeaderMap, tls: bool) {
    for (name, value) in SECURITY {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    if tls {
        let value = HeaderValue::from_static(HSTS);
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
}

/// Answers for a handler that panicked. Formatted messages may hold data of the request, hence
/// only literal ones are logged; the panic hook writes all of them to standard error.
#[expect(clippy::needless_pass_by_value, reason = "tower-http calls it so")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&'static str>().copied();
    let text = text.unwrap_or("its message may hold data");
    Problem::internal(format!("panicked: {text}")).into_response()
}

#[cfg(test)]
mod tests;
