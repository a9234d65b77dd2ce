//! The dashboard: files of `web/`, which the build script puts into the binary.
//!
//! They hold no data, so that everybody may have them: the page that asks for a token has to load.

use std::borrow::Cow;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rust_embed::{Embed, EmbeddedFile};

use super::access::{self, Access};
use super::answer::known;
use super::problem::Problem;

/// The dashboard, or the page that stands in for it.
#[derive(Embed)]
#[folder = "$OUT_DIR/web"]
struct Files;

/// The page of every address of the dashboard: what it shows is decided in the browser.
const INDEX: &str = "index.html";

/// Folder of the files that have a hash of their content in their name.
const HASHED: &str = "assets";

/// First segments of paths that are the service's own: what is not there is not the dashboard's either.
const OWN: [&str; 8] = [
    HASHED,
    "api",
    "arrow.flight.protocol.FlightService",
    "docs",
    "healthz",
    "metrics",
    "openapi.json",
    "readyz",
];

/// As for other answers, and pictures that stand in the page itself.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'";

/// Media types by the end of a file's name.
const TYPES: [(&str, &str); 11] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
];

/// Tells whether the binary has the dashboard, rather than the page that stands in for it.
#[must_use]
pub fn has_dashboard() -> bool {
    Files::iter().any(|name| is_hashed(&name))
}

/// Makes the routes: all paths that nothing else has.
pub(super) fn router(access: &Access) -> Router {
    Router::new()
        .route("/", any(file))
        .route("/{*path}", any(file))
        .route_layer(from_fn_with_state(access.clone(), access::open))
}

async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let path = uri.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let (name, found) = find(path).ok_or_else(|| Problem::of(StatusCode::NOT_FOUND))?;
    if [Method::GET, Method::HEAD].contains(&method) {
        return Ok(answer(name, found, &headers));
    }
    // Addresses of pages are there for who reads alone.
    if name != path && !path.is_empty() {
        return Err(Problem::of(StatusCode::NOT_FOUND));
    }
    let mut refused = Problem::method_not_allowed().into_response();
    let allow = HeaderValue::from_static("GET,HEAD");
    refused.headers_mut().insert(ALLOW, allow);
    Ok(refused)
}

/// Finds the file of a path, which is the page itself where the path is none of a file.
fn find(path: &str) -> Option<(&str, EmbeddedFile)> {
    if let Some(file) = Files::get(path) {
        return Some((path, file));
    }
    let first = path.split('/').next().unwrap_or_default();
    if OWN.contains(&first) {
        return None;
    }
    Files::get(INDEX).map(|file| (INDEX, file))
}

fn is_hashed(name: &str) -> bool {
    name.strip_prefix(HASHED)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Answers with a file, or that the client has it already.
fn answer(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = tag(&file);
    let (status, body, tag) = match known(headers, &tag) {
        // The tag as the client has it: it may be that of a compressed answer.
        Some(tag) => (StatusCode::NOT_MODIFIED, Body::empty(), tag),
        None => (StatusCode::OK, body(file), tag.as_str()),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let cache = if is_hashed(name) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if status == StatusCode::OK {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn body(file: EmbeddedFile) -> Body {
    Body::from(match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    })
}

/// Strong tag of a file: the hash of its bytes.
fn tag(file: &EmbeddedFile) -> String {
    let text = URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..16]);
    format!("\"{text}\"")
}

fn media_type(name: &str) -> &'static str {
    let end = name.rsplit('.').next().unwrap_or_default();
    TYPES
        .iter()
        .find(|(known, _)| *known == end)
        .map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests;
