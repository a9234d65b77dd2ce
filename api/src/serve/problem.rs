//! Errors as clients see them: `application/problem+json` of RFC 9457, for gRPC a status.
//!
//! What a client is told and why it happened are kept apart: the detail goes out, the cause only
//! into the log, and the request id joins the two.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::flight;
use super::observe::RequestId;

/// The type of a problem's body.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// The most bytes of a plain error message of the framework that become a detail.
const MAX_BARE: u64 = 1024;

/// What goes wrong, by status: slug, title, and the detail where nothing better is known.
const KINDS: &[(u16, &str, &str, &str)] = &[
    (
        400,
        "bad-request",
        "bad request",
        "the request cannot be understood",
    ),
    (
        401,
        "unauthorized",
        "authentication needed",
        "the request has no valid token",
    ),
    (
        403,
        "forbidden",
        "not allowed",
        "the token does not allow this",
    ),
    (
        404,
        "not-found",
        "not found",
        "there is nothing at this path",
    ),
    (
        405,
        "method-not-allowed",
        "method not allowed",
        "see the header Allow",
    ),
    (
        406,
        "not-acceptable",
        "not acceptable",
        "none of the accepted formats can be given",
    ),
    (
        408,
        "request-timeout",
        "request too slow",
        "the request did not arrive in time",
    ),
    (
        413,
        "payload-too-large",
        "body too large",
        "the body is larger than allowed",
    ),
    (
        414,
        "uri-too-long",
        "address too long",
        "the address is longer than allowed",
    ),
    (
        415,
        "unsupported-media-type",
        "unsupported media type",
        "this content type is not understood",
    ),
    (
        422,
        "unprocessable",
        "cannot be processed",
        "it is well formed, but cannot be done",
    ),
    (
        431,
        "too-many-headers",
        "too many headers",
        "it has more headers, or longer ones, than allowed",
    ),
    (
        500,
        "internal",
        "internal error",
        "its log tells why, under the request id",
    ),
    (
        503,
        "unavailable",
        "unavailable",
        "the server cannot answer this now",
    ),
    (
        504,
        "timeout",
        "took too long",
        "no answer within the time allowed",
    ),
];

/// An error for the client.
///
/// As a response it has no body yet: [`render`] writes it, since only there the request id is
/// known.
#[derive(Clone)]
pub struct Problem(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    slug: Option<&'static str>,
    title: &'static str,
    detail: String,
    retry_after: Option<u32>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem of this status, with the detail that is known of the status alone.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        let known = KINDS.iter().find(|kind| kind.0 == status.as_u16());
        let (slug, title, detail) = known.map_or(
            (None, status.canonical_reason().unwrap_or("error"), ""),
            |kind| (Some(kind.1), kind.2, kind.3),
        );
        Self(Box::new(Inner {
            status,
            slug,
            title,
            detail: detail.to_owned(),
            retry_after: None,
            cause: None,
        }))
    }

    /// 400: the request cannot be understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401, with the challenge that asks for a bearer token.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::UNAUTHORIZED).detail(detail)
    }

    /// 403: who asks is known and may not.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::FORBIDDEN).detail(detail)
    }

    /// 404.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 405. Whoever gives it sets the header `Allow`.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::of(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// 406: none of the formats in `Accept`.
    #[must_use]
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_ACCEPTABLE).detail(detail)
    }

    /// 413.
    #[must_use]
    pub fn payload_too_large(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::PAYLOAD_TOO_LARGE).detail(detail)
    }

    /// 414.
    #[must_use]
    pub fn uri_too_long(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::URI_TOO_LONG).detail(detail)
    }

    /// 415.
    #[must_use]
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail)
    }

    /// 422: understood, but not possible.
    #[must_use]
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY).detail(detail)
    }

    /// 503: too much at once; worth another try after so many seconds.
    #[must_use]
    pub fn too_busy(detail: impl Into<String>, retry_after: u32) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE)
            .kind("too-busy", "too busy")
            .detail(detail)
            .retry_after(retry_after)
    }

    /// 504: given up after the time allowed.
    #[must_use]
    pub fn timeout(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::GATEWAY_TIMEOUT).detail(detail)
    }

    /// 503: something that is needed, such as the store, does not answer.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE).detail(detail)
    }

    /// 500: the client is told nothing but the request id.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR).because(cause)
    }

    /// A closer kind than the status alone: the end of its type, and its title.
    #[must_use]
    pub fn kind(mut self, slug: &'static str, title: &'static str) -> Self {
        self.0.slug = Some(slug);
        self.0.title = title;
        self
    }

    /// What the client is told of this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// In how many seconds another try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Why it happened. This is logged and never sent.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// What the client is told.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self.0.detail.as_str() {
            "" => self.0.title,
            detail => detail,
        }
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Logs the cause. Without one there is nothing to add to the line of the request.
    fn log(&self) {
        let Some(cause) = &self.0.cause else {
            return;
        };
        let (status, cause) = (self.0.status.as_u16(), Chain(cause.as_ref()));
        match self.0.status {
            StatusCode::INTERNAL_SERVER_ERROR => tracing::error!(status, %cause, "request failed"),
            _ if self.0.status.is_server_error() => {
                tracing::warn!(status, %cause, "request failed");
            }
            _ => tracing::debug!(status, %cause, "request refused"),
        }
    }

    /// What its body says.
    pub(super) fn document(&self, request_id: &str) -> Vec<u8> {
        let document = Document {
            kind: self.0.slug.map_or_else(
                || "about:blank".to_owned(),
                |slug| format!("/problems/{slug}"),
            ),
            title: self.0.title,
            status: self.0.status.as_u16(),
            detail: &self.0.detail,
            request_id,
            retry_after: self.0.retry_after,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// Makes the response say this problem. Its other headers stay.
    fn write(&self, response: Response, request_id: &str) -> Response {
        let body = self.document(request_id);
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(CONTENT_ENCODING);
        let json = HeaderValue::from_static(PROBLEM_JSON);
        parts.headers.insert(CONTENT_TYPE, json);
        let never = HeaderValue::from_static("no-store");
        parts.headers.insert(CACHE_CONTROL, never);
        Response::from_parts(parts, Body::from(body))
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("status", &self.0.status)
            .field("slug", &self.0.slug)
            .finish_non_exhaustive()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        let headers = response.headers_mut();
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of a problem: members 3.1.1 to 3.1.4 of RFC 9457, and two of ours.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// An error and what it comes from, in one line.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

/// Writes problems into responses: those that handlers returned, and those that axum or a
/// layer tell by a bare status or a line of text. Clients of gRPC get its status instead.
pub async fn render(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let grpc = flight::is_grpc(request.headers());
    let mut response = next.run(request).await;
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_bare(&response) => {
            let (parts, body) = response.into_parts();
            let problem = from_bare(parts.status, body).await;
            response = Response::from_parts(parts, Body::empty());
            problem
        }
        None => return response,
    };
    problem.log();
    if grpc {
        return flight::written(&problem, response);
    }
    problem.write(response, id.as_ref().map_or("", RequestId::as_str))
}

/// Whether it is an error in no form that a handler chose.
fn is_bare(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    (status.is_client_error() || status.is_server_error())
        && kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Takes the text of a bare error for its detail, or, where it tells of the server's inside,
/// for its cause.
async fn from_bare(status: StatusCode, body: Body) -> Problem {
    let problem = Problem::of(status);
    // Longer or endless ones are not an error message.
    if body.size_hint().exact().is_none_or(|size| size > MAX_BARE) {
        return problem;
    }
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return problem;
    };
    let text = String::from_utf8_lossy(&bytes);
    match text.trim() {
        "" => problem,
        text if status.is_server_error() => problem.because(text),
        text => problem.detail(text),
    }
}

#[cfg(test)]
mod tests;
