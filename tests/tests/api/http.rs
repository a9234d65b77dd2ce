//! What HTTP asks of the service: tags, compression, errors, headers, methods, and a store that goes away.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use podtrail_tests::forms::{ARROW, CSV, NDJSON, csv};
use podtrail_tests::service::{Answer, Client, OwnStore, Service, eventually};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH};
use serde_json::json;

use super::{record, shared};

/// What answers by GET, with an example of each.
const RESOURCES: [(&str, &str); 24] = [
    ("/api/v1/summary", "/api/v1/summary"),
    ("/api/v1/fallbacks", "/api/v1/fallbacks?limit=1"),
    (
        "/api/v1/fallbacks/{id}",
        "/api/v1/fallbacks/772a60cd3f15aee4",
    ),
    ("/api/v1/readiness", "/api/v1/readiness"),
    ("/api/v1/workloads", "/api/v1/workloads?limit=1"),
    (
        "/api/v1/workloads/{cluster}/{namespace}/{service_account}",
        "/api/v1/workloads/myeks/shop/cart",
    ),
    (
        "/api/v1/workloads/{cluster}/{namespace}/{service_account}/policy",
        "/api/v1/workloads/myeks/shop/cart/policy",
    ),
    ("/api/v1/roles", "/api/v1/roles?limit=1"),
    ("/api/v1/nodes", "/api/v1/nodes?limit=1"),
    (
        "/api/v1/nodes/{instance}",
        "/api/v1/nodes/i-0073c2fa0faae1fb7",
    ),
    ("/api/v1/events", "/api/v1/events?limit=1"),
    ("/api/v1/timeline", "/api/v1/timeline?limit=1"),
    ("/api/v1/flows", "/api/v1/flows?limit=1"),
    ("/api/v1/explain/{id}", "/api/v1/explain/myeks/shop/cart"),
    ("/api/v1/reports/{name}", "/api/v1/reports/readiness"),
    ("/api/v1/ingestion", "/api/v1/ingestion"),
    ("/api/v1/coverage", "/api/v1/coverage"),
    ("/api/v1/session", "/api/v1/session"),
    ("/healthz", "/healthz"),
    ("/readyz", "/readyz"),
    ("/metrics", "/metrics"),
    ("", "/"),
    ("", "/docs"),
    ("", "/openapi.json"),
];

/// Demands what every answer has.
#[track_caller]
fn assert_guarded(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what}: {name}");
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
        "{what}: {policy}"
    );
    assert!(
        answer
            .header("x-request-id")
            .is_some_and(|id| !id.is_empty()),
        "{what}"
    );
    let cors: Vec<&str> = answer
        .headers
        .keys()
        .map(reqwest::header::HeaderName::as_str)
        .filter(|name| name.starts_with("access-control-"))
        .collect();
    assert!(cors.is_empty(), "{what}: {cors:?}");
}

#[tokio::test]
async fn every_answer_has_the_headers_of_safety_and_none_of_cors() {
    let (_service, client) = shared().await;
    for (_, target) in RESOURCES {
        let request = client
            .request("GET", target)
            .header("origin", "https://evil.example");
        let answer = Client::send(request).await.expect(200);
        assert_guarded(&answer, target);
        if target.starts_with("/api/") {
            let cache = answer.header("cache-control").unwrap();
            assert!(
                cache == "no-store" || cache == "private, no-cache",
                "{target}: {cache}"
            );
        }
    }
    let preflight = client
        .request("OPTIONS", "/api/v1/sql")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    let answer = Client::send(preflight).await;
    assert_guarded(&answer, "preflight");
    assert_eq!(answer.status, 405);
    for target in ["/no/such/path", "/api/v1/events?limit=0", "/api/v1/sql"] {
        assert_guarded(&client.get(target).await, target);
    }
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let (_service, client) = shared().await;
    for (_, target) in RESOURCES {
        let head = Client::send(client.request("HEAD", target))
            .await
            .expect(200);
        assert!(head.body.is_empty(), "{target}");
        let get = client.get(target).await.expect(200);
        for name in ["content-type", "etag", "x-podtrail-snapshot"] {
            assert_eq!(head.header(name), get.header(name), "{target}: {name}");
        }
    }
}

#[tokio::test]
async fn the_document_lists_every_path_that_is_served() {
    let (_service, client) = shared().await;
    let answer = client.get("/openapi.json").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3."),
        "{}",
        document["openapi"]
    );
    let mut wanted: BTreeSet<(String, String)> = RESOURCES
        .iter()
        .filter(|(path, _)| !path.is_empty())
        .map(|(path, _)| ((*path).to_owned(), "get".to_owned()))
        .collect();
    wanted.insert(("/api/v1/sql".to_owned(), "post".to_owned()));
    let paths = document["paths"].as_object().unwrap();
    let said: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| (path.clone(), method.clone()))
        })
        .collect();
    assert_eq!(said, wanted);
    for (_, target) in RESOURCES {
        client.get(target).await.expect(200);
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} is nowhere");
    }
    let page = client.get("/docs").await.expect(200).text();
    for path in paths.keys() {
        assert!(
            page.contains(path.as_str()),
            "the page does not show {path}"
        );
    }
}

#[tokio::test]
async fn errors_are_problem_documents_with_the_request_id() {
    let (_service, client) = shared().await;
    let send = async |method: &str, path: &str| Client::send(client.request(method, path)).await;
    let json = |request: reqwest::RequestBuilder, body: Vec<u8>| {
        request.header(CONTENT_TYPE, "application/json").body(body)
    };
    let sql = || client.request("POST", "/api/v1/sql");
    send("GET", "/api/v1/events?limit=0").await.problem(400);
    send("GET", "/api/v1/nothing").await.problem(404);
    send("GET", "/api/%ff/%00").await.problem(404);
    for (method, path) in [
        ("DELETE", "/api/v1/events"),
        ("POST", "/api/v1/events"),
        ("GET", "/api/v1/sql"),
        ("PUT", "/healthz"),
    ] {
        let answer = send(method, path).await;
        assert!(answer.header("allow").is_some(), "{method} {path}");
        answer.problem(405);
    }
    for (path, accept) in [
        ("/api/v1/events", "image/png"),
        ("/api/v1/summary", CSV),
        ("/api/v1/workloads/myeks/shop/cart", ARROW),
        ("/api/v1/explain/myeks/shop/cart", NDJSON),
    ] {
        client.get_as(path, accept).await.problem(406);
    }
    let big = format!("{{\"query\":\"SELECT 1 -- {}\"}}", "x".repeat(1 << 20));
    let answer = Client::send(json(sql(), big.into_bytes())).await;
    assert_eq!(answer.header("connection"), Some("close"));
    answer.problem(413);
    send(
        "GET",
        &format!("/api/v1/events?cluster={}", "x".repeat(9_000)),
    )
    .await
    .problem(414);
    Client::send(sql().body("SELECT 1")).await.problem(415);
    Client::send(
        sql()
            .header(CONTENT_TYPE, "text/plain")
            .body("{\"query\":\"SELECT 1\"}"),
    )
    .await
    .problem(415);
    for body in [
        "",
        "SELECT 1",
        "[]",
        "{}",
        "{\"query\":1}",
        "{\"query\":\"SELECT 1\",\"more\":1}",
        "{\"query\":\"SELECT 1\",\"limit\":-1}",
    ] {
        Client::send(json(sql(), body.into())).await.problem(400);
    }
    let named = client
        .request("GET", "/api/v1/nothing")
        .header("x-request-id", "of-the-client_1");
    assert_eq!(
        Client::send(named).await.problem(404)["request_id"],
        "of-the-client_1"
    );
    let hostile = client
        .request("GET", "/api/v1/nothing")
        .header("x-request-id", "<script>\"");
    let problem = Client::send(hostile).await.problem(404);
    assert!(!problem["request_id"].as_str().unwrap().contains('<'));
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    let (_service, client) = shared().await;
    // A report has no time in it that changes between two answers.
    let path = "/api/v1/reports/workloads";
    let asked = async |encoding: &str| {
        let request = client
            .request("GET", path)
            .header(ACCEPT, NDJSON)
            .header(ACCEPT_ENCODING, encoding);
        Client::send(request).await.expect(200)
    };
    let plain = asked("identity").await;
    assert_eq!(plain.header("content-encoding"), None);
    let zipped = asked("gzip").await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(
        zipped
            .headers
            .get_all("vary")
            .iter()
            .any(|value| value == "accept-encoding"),
        "{:?}",
        zipped.headers
    );
    let mut inflated = Vec::new();
    GzDecoder::new(zipped.body.as_slice())
        .read_to_end(&mut inflated)
        .unwrap();
    assert_eq!(inflated, plain.body);
    let zstandard = asked("zstd").await;
    assert_eq!(zstandard.header("content-encoding"), Some("zstd"));
    assert_eq!(
        zstd::decode_all(zstandard.body.as_slice()).unwrap(),
        plain.body
    );
    assert!(zipped.body.len() < plain.body.len() && zstandard.body.len() < plain.body.len());
    let unknown = asked("br").await;
    assert_eq!(unknown.header("content-encoding"), None);
}

#[tokio::test]
async fn a_tag_holds_until_something_is_committed() {
    let own = OwnStore::of_demo();
    let service = Service::start(&own.store(), &["--refresh", "1s"]).await;
    let client = service.client();
    let paths = [
        "/api/v1/events?limit=3",
        "/api/v1/summary",
        "/api/v1/workloads/myeks/shop/cart",
        "/api/v1/ingestion",
        "/api/v1/reports/workloads",
        // Of several filters the order counts for nothing.
        "/api/v1/reports/denied?cluster=myeks&access_path=irsa&namespace=shop&account=111122223333",
        "/api/v1/workloads?cluster=myeks&access_path=irsa&namespace=shop&account=111122223333",
    ];
    let with = async |path: &str, tag: &str| {
        Client::send(client.request("GET", path).header(IF_NONE_MATCH, tag)).await
    };
    let mut tags = Vec::new();
    for path in paths {
        let answer = client.get(path).await.expect(200);
        let tag = answer.header("etag").unwrap().to_owned();
        for known in [
            tag.clone(),
            tag.trim_start_matches("W/").to_owned(),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            let answer = with(path, &known).await.expect(304);
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
        }
        with(path, "\"other\"").await.expect(200);
        // Of another form, with other parameters: another answer.
        let csv = client.get_as("/api/v1/events?limit=3", CSV).await;
        assert_ne!(csv.header("etag"), Some(tag.as_str()));
        tags.push(tag);
    }
    assert_eq!(tags.iter().collect::<BTreeSet<_>>().len(), tags.len());
    assert!(client.get("/api/v1/events?limit=4").await.header("etag") != Some(tags[0].as_str()));
    let before = client.get("/api/v1/summary").await.json()["calls"]
        .as_i64()
        .unwrap();
    let landed = ["landed-1", "landed-2"].map(|id| record(id, "2026-05-01T12:30:00Z"));
    own.ingest("new.json", &landed);
    eventually("the new calls", || async {
        let calls = client.get("/api/v1/summary").await.expect(200).json()["calls"].as_i64();
        (calls == Some(before + 2)).then_some(())
    })
    .await;
    for (path, tag) in paths.iter().zip(&tags) {
        let answer = with(path, tag).await.expect(200);
        assert_ne!(answer.header("etag"), Some(tag.as_str()), "{path}");
    }
    let landed = client.get("/api/v1/events?id=landed-1").await.items();
    assert_eq!(landed[0]["user_agent"], "=cmd|' /C calc'!A0");
    let text = client
        .get_as("/api/v1/events?id=landed-1", CSV)
        .await
        .text();
    let table = csv(&text);
    let place = table[0]
        .iter()
        .position(|name| name == "user_agent")
        .unwrap();
    assert_eq!(table[1][place], "'=cmd|' /C calc'!A0");
    let sql = client.statement(
        &json!({"query": "SELECT user_agent, user_name FROM events WHERE event_id = 'landed-2'"}),
    );
    let text = Client::send(sql.header(ACCEPT, CSV))
        .await
        .expect(200)
        .text();
    assert_eq!(csv(&text)[1], ["'=cmd|' /C calc'!A0", "'@alice"]);
}

#[tokio::test]
async fn the_last_good_snapshot_is_served_while_the_store_is_away() {
    let own = OwnStore::of_demo();
    let service = Service::start(&own.store(), &["--refresh", "1s"]).await;
    let client = service.client();
    // What reports keep needs no file.
    let fallbacks = client.get("/api/v1/fallbacks").await.expect(200).items();
    let away = own.folder().join("away");
    std::fs::rename(own.store(), &away).unwrap();
    let status = async |wanted: &str| {
        eventually(wanted, || async {
            let answer = client.get("/readyz").await.expect(200);
            (answer.json()["status"] == wanted).then(|| answer.json())
        })
        .await
    };
    let ready = status("stale").await;
    let since = ready["stale_since"].as_str().unwrap().to_owned();
    let answer = client.get("/api/v1/fallbacks").await.expect(200);
    let header = answer.header("x-podtrail-stale-since").unwrap();
    assert_eq!(header[..19], since[..19]);
    assert_eq!(answer.json()["stale_since"], header);
    assert_eq!(answer.items(), fallbacks);
    let events = client.get("/api/v1/events?limit=1").await;
    let problem = events.problem(503);
    let folder = own.folder().to_str().unwrap();
    assert!(!problem.to_string().contains(folder), "{problem}");
    let metrics = client.get("/metrics").await.expect(200).text();
    let stale = metrics
        .lines()
        .find(|line| line.starts_with("podtrail_snapshot_stale_seconds "))
        .unwrap();
    assert!(!stale.ends_with(" 0"), "{stale}");
    client.get("/healthz").await.expect(200);
    std::fs::rename(&away, own.store()).unwrap();
    status("ready").await;
    let answer = client.get("/api/v1/fallbacks").await.expect(200);
    assert_eq!(answer.header("x-podtrail-stale-since"), None);
    client.get("/api/v1/events?limit=1").await.expect(200);
    let log = service.log();
    assert!(log.contains("last good snapshot"), "{log}");
}
