use metrics::{counter, histogram};

use super::*;

#[tokio::test]
async fn gives_histograms_and_descriptions() {
    let recorder = builder().unwrap().build_recorder();
    let handle = recorder.handle();
    let _local = metrics::set_default_local_recorder(&recorder);
    describe();
    counter!(REQUESTS, "status" => "200").increment(2);
    histogram!(REQUEST_SECONDS, "route" => "/a").record(0.02);
    handle.run_upkeep();
    let response = page(&handle);
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"));
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let text = String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    let expected = [
        "# HELP podtrail_http_requests_total HTTP requests answered or given up",
        "podtrail_http_requests_total{status=\"200\"} 2",
        "podtrail_http_request_duration_seconds_bucket{route=\"/a\",le=\"0.01\"} 0",
        "podtrail_http_request_duration_seconds_bucket{route=\"/a\",le=\"0.025\"} 1",
        "podtrail_http_request_duration_seconds_count{route=\"/a\"} 1",
    ];
    for line in expected {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[test]
fn is_installed_once() {
    recorder().unwrap();
    assert!(recorder().is_err());
}
