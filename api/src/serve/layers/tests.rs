use std::io::Write;
use std::sync::Mutex;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Query;
use axum::routing::{get, post};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER,
};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;

use super::super::observe::REQUEST_ID;
use super::*;

fn limits() -> HttpLimits {
    HttpLimits {
        uri_bytes: 200,
        body_bytes: 1000,
        in_flight: 1,
        head_time: Duration::from_millis(50),
        ..HttpLimits::default()
    }
}

fn routes() -> Router {
    let long = || async { "long ".repeat(1000) };
    let arrow = || async {
        let kind = "application/vnd.apache.arrow.stream";
        ([(CONTENT_TYPE, kind)], "long ".repeat(1000))
    };
    Router::new()
        .route("/short", get(|| async { "short" }))
        .route("/api/v1/long", get(long))
        .route(
            "/api/v1/kept",
            get(|| async { ([(CACHE_CONTROL, "private")], "kept") }),
        )
        .route("/arrow", get(arrow))
        .route(
            "/tagged",
            get(|| async { ([(ETAG, "\"strong\"")], "long ".repeat(1000)) }),
        )
        .route("/things/{name}", get(|| async { "thing" }))
        .route(
            "/number",
            get(|_: Query<Vec<(String, u8)>>| async { "number" }),
        )
        .route("/echo", post(|body: Bytes| async { body }))
        .route(
            "/json",
            post(|Json(value): Json<Value>| async { Json(value) }),
        )
        .route(
            "/panic",
            get(async || -> &'static str { panic!("literal") }),
        )
        .route("/stuck", get(std::future::pending::<&'static str>))
        .route("/stream", get(|| async { Body::new(Endless) }))
        .route("/healthz", get(|| async { "fine" }))
}

/// A body that never ends.
struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let data = Bytes::from_static(b"more");
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(data))))
    }
}

fn app() -> Router {
    shell(routes(), &limits(), false)
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

async fn get_of(app: &Router, path: &str) -> Response {
    let request = request(Method::GET, path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// Checks that a response is the problem of this status, and returns it.
async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(document["request_id"], id.as_str());
    assert_eq!(document["status"], status);
    document
}

#[tokio::test]
async fn tells_what_the_framework_refuses() {
    let app = app();
    let missing = problem(get_of(&app, "/nothing").await, 404).await;
    assert_eq!(missing["type"], "/problems/not-found");

    let wrong = request(Method::DELETE, "/short")
        .body(Body::empty())
        .unwrap();
    let wrong = app.clone().oneshot(wrong).await.unwrap();
    assert_eq!(wrong.headers()[ALLOW], "GET,HEAD");
    problem(wrong, 405).await;

    let query = problem(get_of(&app, "/number?a=b").await, 400).await;
    assert!(query["detail"].as_str().unwrap().contains("query string"));

    let plain = request(Method::POST, "/json")
        .body(Body::from("{}"))
        .unwrap();
    problem(app.clone().oneshot(plain).await.unwrap(), 415).await;
    let broken = request(Method::POST, "/json")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from("{"))
        .unwrap();
    problem(app.oneshot(broken).await.unwrap(), 400).await;
}

#[tokio::test]
async fn keeps_the_limits_of_a_request() {
    let app = app();
    let long = format!("/short?{}", "a".repeat(200));
    problem(get_of(&app, &long).await, 414).await;
    assert_eq!(get_of(&app, "/short?a").await.status(), StatusCode::OK);

    let mut many = request(Method::GET, "/short");
    for number in 0..101 {
        many = many.header(format!("x-{number}"), "1");
    }
    let many = many.body(Body::empty()).unwrap();
    problem(app.clone().oneshot(many).await.unwrap(), 431).await;
    let wide = request(Method::GET, "/short").header("x", "a".repeat(40_000));
    let wide = wide.body(Body::empty()).unwrap();
    problem(app.clone().oneshot(wide).await.unwrap(), 431).await;

    let fits = request(Method::POST, "/echo").body(Body::from(vec![b'a'; 1000]));
    let fits = app.clone().oneshot(fits.unwrap()).await.unwrap();
    assert_eq!(fits.status(), StatusCode::OK);
    drop(fits);
    // Announced, here by the size of the body.
    let large = request(Method::POST, "/echo").header(CONTENT_LENGTH, 1001);
    let large = large.body(Body::from(vec![b'a'; 1001])).unwrap();
    problem(app.clone().oneshot(large).await.unwrap(), 413).await;
    // Not announced: the body has no end.
    let endless = request(Method::POST, "/echo").body(Body::new(Endless));
    problem(app.oneshot(endless.unwrap()).await.unwrap(), 413).await;
}

#[tokio::test]
async fn says_that_it_closes_the_connection_of_a_body_that_it_does_not_read() {
    let app = app();
    for (version, said) in [(Version::HTTP_11, Some("close")), (Version::HTTP_2, None)] {
        let announced = request(Method::POST, "/echo").header(CONTENT_LENGTH, 1001);
        let announced = announced.body(Body::from(vec![b'a'; 1001]));
        let endless = request(Method::POST, "/echo").body(Body::new(Endless));
        for mut request in [announced.unwrap(), endless.unwrap()] {
            *request.version_mut() = version;
            let response = app.clone().oneshot(request).await.unwrap();
            let header = response.headers().get(CONNECTION);
            let header = header.map(|value| value.to_str().unwrap());
            assert_eq!(header, said, "{version:?}");
            problem(response, 413).await;
        }
    }
    let short = get_of(&app, "/short").await;
    assert!(short.headers().get(CONNECTION).is_none());
}

#[tokio::test]
async fn gives_up_and_survives() {
    let app = app();
    let late = problem(get_of(&app, "/stuck").await, 504).await;
    assert_eq!(
        late["detail"],
        "no answer within 50ms; the request was given up"
    );
    let failed = problem(get_of(&app, "/panic").await, 500).await;
    assert!(!failed.to_string().contains("literal"));
    // Both gave their slots back.
    assert_eq!(get_of(&app, "/short").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn holds_a_slot_until_the_end_of_the_body() {
    let app = app();
    let streaming = get_of(&app, "/stream").await;
    let refused = get_of(&app, "/short").await;
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    let refused = problem(refused, 503).await;
    assert_eq!(refused["type"], "/problems/too-busy");
    assert_eq!(get_of(&app, "/healthz").await.status(), StatusCode::OK);
    drop(streaming);
    let read = get_of(&app, "/short").await;
    assert_eq!(read.status(), StatusCode::OK);
    let mut body = read.into_body();
    while body.frame().await.is_some() {}
    // Read to its end, though not dropped.
    assert_eq!(get_of(&app, "/short").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_dropped_request_gives_its_slot_back() {
    let app = app();
    let mut stuck = Box::pin(get_of(&app, "/stuck"));
    let waker = std::task::Waker::noop();
    let polled = stuck
        .as_mut()
        .poll(&mut std::task::Context::from_waker(waker));
    assert!(polled.is_pending());
    problem(get_of(&app, "/short").await, 503).await;
    drop(stuck);
    assert_eq!(get_of(&app, "/short").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn takes_harmless_ids_only() {
    let app = app();
    let longest = "a".repeat(64);
    for id in ["Abc-1_2", "0", &longest] {
        let request = request(Method::GET, "/short").header(REQUEST_ID, id);
        let response = app
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.unwrap().headers()[REQUEST_ID], id);
    }
    let too_long = "a".repeat(65);
    for id in ["", "a b", "a\"b", "ä", "a.b", &too_long] {
        let request = request(Method::GET, "/short").header(REQUEST_ID, id);
        let response = app
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await;
        let response = response.unwrap();
        let given = response.headers()[REQUEST_ID].to_str().unwrap();
        assert!(uuid::Uuid::parse_str(given).is_ok(), "{given}");
    }
}

#[tokio::test]
async fn compresses_what_is_worth_it() {
    let app = app();
    let encoding = async |path: &str, accept: &str| {
        let request = request(Method::GET, path).header(ACCEPT_ENCODING, accept);
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let encoding = response.headers().get(CONTENT_ENCODING).cloned();
        encoding.map(|encoding| encoding.to_str().unwrap().to_owned())
    };
    assert_eq!(
        encoding("/api/v1/long", "gzip").await.as_deref(),
        Some("gzip")
    );
    assert_eq!(
        encoding("/api/v1/long", "zstd").await.as_deref(),
        Some("zstd")
    );
    assert_eq!(encoding("/api/v1/long", "br").await, None);
    assert_eq!(encoding("/short", "gzip").await, None);
    assert_eq!(encoding("/arrow", "gzip, zstd").await, None);
    assert_eq!(encoding("/nothing", "gzip").await, None);
}

#[tokio::test]
async fn a_strong_tag_does_not_outlive_compression() {
    let app = app();
    for (accept, tag) in [("identity", "\"strong\""), ("zstd", "W/\"strong\"")] {
        let request = request(Method::GET, "/tagged").header(ACCEPT_ENCODING, accept);
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[ETAG], tag);
        // Read to its end, so that its slot is free.
        response.into_body().collect().await.unwrap();
    }
}

#[tokio::test]
async fn sets_headers_for_safety() {
    let response = get_of(&app(), "/short").await;
    for (name, value) in SECURITY {
        assert_eq!(response.headers()[*name], *value);
    }
    let policy = response.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(!policy.contains("  "), "{policy}");
    assert!(response.headers().get(STRICT_TRANSPORT_SECURITY).is_none());
    assert!(
        response
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
    assert!(response.headers().get(CACHE_CONTROL).is_none());

    let tls = shell(routes(), &limits(), true);
    let response = get_of(&tls, "/api/v1/long").await;
    assert_eq!(response.headers()[STRICT_TRANSPORT_SECURITY], HSTS);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    drop(response);
    let response = get_of(&tls, "/api/v1/kept").await;
    assert_eq!(response.headers()[CACHE_CONTROL], "private");
}

#[tokio::test]
async fn answers_head_without_a_body() {
    let app = app();
    let request = request(Method::HEAD, "/short").body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[CONTENT_LENGTH], "5");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(bytes.is_empty());
    assert_eq!(get_of(&app, "/short").await.status(), StatusCode::OK);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn logs_nothing_that_the_client_chose() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // While there is one subscriber alone, threads without it may switch events off for all.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let _default = tracing::subscriber::set_default(subscriber);
    let app = app();
    let send = async |request: http::request::Builder, body: &'static str| {
        let request = request
            .header("authorization", "Bearer secret-token")
            .header("cookie", "secret-cookie")
            .header(CONTENT_TYPE, "application/json")
            .header(REQUEST_ID, "id-1");
        let response = app
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await;
        response.unwrap().into_body().collect().await.unwrap();
    };
    send(
        request(Method::GET, "/things/secret-name?secret-query=1"),
        "",
    )
    .await;
    send(request(Method::GET, "/secret-path?secret-query=1"), "").await;
    send(request(Method::GET, "/number?secret-query=1"), "").await;
    send(request(Method::POST, "/json"), "{\"secret-body\"").await;
    send(request(Method::GET, "/panic"), "").await;
    let text = log.text();
    assert!(!text.contains("secret"), "{text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answered = |line: &&Value| line["fields"]["message"] == "request answered";
    let answered: Vec<_> = lines.iter().filter(answered).collect();
    assert_eq!(answered.len(), 5, "{text}");
    let first = answered[0];
    assert_eq!(first["level"], "INFO");
    assert_eq!(first["fields"]["status"], "200");
    assert_eq!(first["fields"]["bytes"], 5);
    assert_eq!(first["span"]["id"], "id-1");
    assert_eq!(first["span"]["method"], "GET");
    assert_eq!(first["span"]["route"], "/things/{name}");
    assert_eq!(answered[1]["span"]["route"], "unmatched");
    let failed = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!(failed["fields"]["cause"], "panicked: literal");
    assert_eq!(failed["span"]["id"], "id-1");
}

#[tokio::test]
async fn counts_requests() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _local = metrics::set_default_local_recorder(&recorder);
    let app = app();
    get_of(&app, "/things/one")
        .await
        .into_body()
        .collect()
        .await
        .unwrap();
    get_of(&app, "/things/two")
        .await
        .into_body()
        .collect()
        .await
        .unwrap();
    get_of(&app, "/nothing")
        .await
        .into_body()
        .collect()
        .await
        .unwrap();
    let odd = Method::from_bytes(b"ODD").unwrap();
    let odd = request(odd, "/short").body(Body::empty()).unwrap();
    app.clone()
        .oneshot(odd)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    let streaming = get_of(&app, "/stream").await;
    let during = handle.render();
    drop(streaming);
    let after = handle.render();
    let has = |text: &str, line: &str| {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    };
    let total = "podtrail_http_requests_total";
    has(
        &after,
        &format!("{total}{{method=\"GET\",route=\"/things/{{name}}\",status=\"200\"}} 2"),
    );
    has(
        &after,
        &format!("{total}{{method=\"GET\",route=\"unmatched\",status=\"404\"}} 1"),
    );
    has(
        &after,
        &format!("{total}{{method=\"other\",route=\"/short\",status=\"405\"}} 1"),
    );
    let seconds = "podtrail_http_request_duration_seconds_count";
    has(
        &after,
        &format!("{seconds}{{method=\"GET\",route=\"/stream\"}} 1"),
    );
    has(&during, "podtrail_http_requests_in_flight 1");
    has(&after, "podtrail_http_requests_in_flight 0");
}
