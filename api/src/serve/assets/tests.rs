//! They hold with the dashboard and with the page that stands in for it.
#![allow(clippy::unwrap_used)]

use axum::body::Body;
use axum::extract::Request;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HOST, IF_NONE_MATCH, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::serve::layers::{HttpLimits, shell};

fn app() -> Router {
    shell(router(&Access::Loopback), &HttpLimits::default(), false)
}

async fn send(request: http::request::Builder) -> Response {
    let request: Request = request.body(Body::empty()).unwrap();
    app().oneshot(request).await.unwrap()
}

fn get(path: &str) -> http::request::Builder {
    Request::get(path).header(HOST, "localhost:8080")
}

async fn bytes(response: Response) -> Vec<u8> {
    let body = response.into_body().collect().await.unwrap();
    body.to_bytes().to_vec()
}

fn header(response: &Response, name: impl http::header::AsHeaderName) -> &str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

fn index() -> Vec<u8> {
    Files::get(INDEX).unwrap().data.to_vec()
}

#[tokio::test]
async fn every_file_is_served_as_what_it_is() {
    for name in Files::iter() {
        let response = send(get(&format!("/{name}"))).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        let kind = header(&response, CONTENT_TYPE);
        assert_ne!(kind, "application/octet-stream", "{name} has no known type");
        let cache = header(&response, CACHE_CONTROL).to_owned();
        assert_eq!(
            cache.contains("immutable"),
            name.starts_with("assets/"),
            "{name}: {cache}"
        );
        assert_eq!(header(&response, CONTENT_SECURITY_POLICY), POLICY);
        assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        let tag = header(&response, ETAG).to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        assert_eq!(
            bytes(response).await,
            Files::get(&name).unwrap().data.to_vec()
        );

        let response = send(get(&format!("/{name}")).header(IF_NONE_MATCH, &tag)).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{name}");
        assert_eq!(header(&response, ETAG), tag);
        assert_eq!(header(&response, CACHE_CONTROL), cache);
        assert!(bytes(response).await.is_empty());
    }
}

#[tokio::test]
async fn addresses_of_the_dashboard_are_its_page() {
    let page = index();
    for path in [
        "/",
        "/index.html",
        "/fallbacks",
        "/workloads/https%3A%2F%2Foidc.eks.example/shop/cart?from=-7d",
        "/nodes/i-0073c2fa0faae1fb7",
        "/apis",
    ] {
        let response = send(get(path)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&response, CACHE_CONTROL), "no-cache");
        assert_eq!(bytes(response).await, page, "{path}");
    }
    for path in [
        "/assets",
        "/assets/",
        "/assets/nothing-Ab12cd34.js",
        "/api",
        "/api/v1/nothing",
        "/docs/nothing",
        "/openapi.json/nothing",
        "/metrics/nothing",
        "/healthz/nothing",
    ] {
        let response = send(get(path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&response, CONTENT_TYPE), "application/problem+json");
        assert_eq!(header(&response, CACHE_CONTROL), "no-store");
    }
}

#[tokio::test]
async fn no_path_leads_out() {
    let page = index();
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2f..%2fetc%2fpasswd",
        "/assets/../index.html",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/C:/Windows/win.ini",
    ] {
        let response = send(get(path)).await;
        match response.status() {
            StatusCode::OK => assert_eq!(bytes(response).await, page, "{path}"),
            status => assert_eq!(status, StatusCode::NOT_FOUND, "{path}"),
        }
    }
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let head = send(Request::head("/").header(HOST, "localhost")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(header(&head, CONTENT_LENGTH), index().len().to_string());
    assert!(bytes(head).await.is_empty());

    for (path, status) in [
        ("/", 405),
        ("/index.html", 405),
        ("/fallbacks", 404),
        ("/api/v1/nothing", 404),
    ] {
        for method in [Method::POST, Method::OPTIONS, Method::DELETE] {
            let request = Request::builder().method(method).uri(path);
            let response = send(request.header(HOST, "localhost")).await;
            assert_eq!(response.status().as_u16(), status, "{path}");
            let allow = if status == 405 { "GET,HEAD" } else { "" };
            assert_eq!(header(&response, ALLOW), allow, "{path}");
        }
    }
}

#[tokio::test]
async fn without_authentication_only_names_of_the_machine_are_answered() {
    let response = send(Request::get("/").header(HOST, "evil.example")).await;
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn a_compressed_file_has_a_weak_tag() {
    for name in Files::iter() {
        let path = format!("/{name}");
        let plain = header(&send(get(&path)).await, ETAG).to_owned();
        let response = send(get(&path).header(ACCEPT_ENCODING, "gzip")).await;
        if header(&response, CONTENT_ENCODING) != "gzip" {
            assert_eq!(header(&response, ETAG), plain, "{name}");
            continue;
        }
        let weak = header(&response, ETAG).to_owned();
        assert_eq!(weak, format!("W/{plain}"), "{name}");
        assert!(
            header(&response, VARY).contains("accept-encoding"),
            "{name}"
        );
        let again = get(&path)
            .header(ACCEPT_ENCODING, "gzip")
            .header(IF_NONE_MATCH, &weak);
        let again = send(again).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{name}");
        assert_eq!(header(&again, ETAG), weak);
    }
}
