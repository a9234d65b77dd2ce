use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use http::header::ALLOW;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

/// What a client gets of a response.
async fn rendered(response: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Response {
    let handler = move || {
        let response = response();
        async move { response }
    };
    let router = Router::new()
        .route("/", get(handler))
        .layer(from_fn(render));
    let request = http::Request::new(Body::empty());
    router.oneshot(request).await.unwrap()
}

async fn document(response: Response) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), 4096).await;
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

#[tokio::test]
async fn tells_the_client_and_keeps_the_cause() {
    let cause = std::io::Error::other("the disk is full");
    let problem = Problem::unavailable("the store does not answer").because(cause);
    let response = rendered(move || problem.clone().into_response()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let expected = json!({
        "type": "/problems/unavailable",
        "title": "unavailable",
        "status": 503,
        "detail": "the store does not answer",
        "request_id": "",
    });
    assert_eq!(document(response).await, expected);
}

#[tokio::test]
async fn carries_its_headers() {
    let response = rendered(|| Problem::too_busy("full", 7).into_response()).await;
    assert_eq!(response.headers()[RETRY_AFTER], "7");
    let document = document(response).await;
    assert_eq!(document["retry_after"], 7);
    assert_eq!(document["type"], "/problems/too-busy");

    let response = rendered(|| Problem::unauthorized("no token").into_response()).await;
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
}

#[test]
fn constructors_have_their_status() {
    let check = |problem: Problem, status: u16| assert_eq!(problem.status().as_u16(), status);
    check(Problem::bad_request(""), 400);
    check(Problem::unauthorized(""), 401);
    check(Problem::forbidden(""), 403);
    check(Problem::not_found(""), 404);
    check(Problem::method_not_allowed(), 405);
    check(Problem::not_acceptable(""), 406);
    check(Problem::payload_too_large(""), 413);
    check(Problem::uri_too_long(""), 414);
    check(Problem::unsupported_media_type(""), 415);
    check(Problem::unprocessable(""), 422);
    check(Problem::internal("why"), 500);
    check(Problem::too_busy("", 1), 503);
    check(Problem::unavailable(""), 503);
    check(Problem::timeout(""), 504);
}

#[tokio::test]
async fn takes_over_bare_errors() {
    let text = || (StatusCode::BAD_REQUEST, [(ALLOW, "GET")], "no such filter").into_response();
    let response = rendered(text).await;
    assert_eq!(response.headers()[ALLOW], "GET");
    let told = document(response).await;
    assert_eq!(told["detail"], "no such filter");
    assert_eq!(told["type"], "/problems/bad-request");

    let inside = || (StatusCode::INTERNAL_SERVER_ERROR, "at /srv/store").into_response();
    let told = document(rendered(inside).await).await;
    assert!(!told.to_string().contains("/srv/store"));

    let unknown = || StatusCode::IM_A_TEAPOT.into_response();
    let told = document(rendered(unknown).await).await;
    assert_eq!(told["type"], "about:blank");
    assert_eq!(told["title"], "I'm a teapot");

    let long = || (StatusCode::BAD_REQUEST, "x".repeat(2000)).into_response();
    let told = document(rendered(long).await).await;
    assert_eq!(told["detail"], "the request cannot be understood");
}

#[tokio::test]
async fn leaves_other_answers_alone() {
    let page = || (StatusCode::NOT_FOUND, axum::response::Html("<p>gone")).into_response();
    let response = rendered(page).await;
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/html"));
    let fine = rendered(|| "fine".into_response()).await;
    assert_eq!(fine.status(), StatusCode::OK);
}

#[test]
fn chains_causes_in_a_line() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the snapshot")]
    struct Outer(#[source] std::io::Error);
    let error = Outer(std::io::Error::other("no route"));
    let told = Chain(&error).to_string();
    assert_eq!(told, "cannot read the snapshot: no route");
}
