//! Metrics, and how they are given to Prometheus.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::MissedTickBehavior;

/// Requests answered or given up, by method, route and status.
pub const REQUESTS: &str = "podtrail_http_requests_total";
/// Time from a request's head to the end of its response, by method and route.
pub const REQUEST_SECONDS: &str = "podtrail_http_request_duration_seconds";
/// Requests whose response is not at its end.
pub const REQUESTS_IN_FLIGHT: &str = "podtrail_http_requests_in_flight";

/// Bounds of durations, in seconds.
///
/// Pages of the dashboard should take tens of milliseconds, reports less than a second or a few;
/// beyond a minute requests are cut. Thus steps of two to three up to a minute, which tell a
/// quantile to that factor and cost 15 series a route. Summaries would be exact, but cannot be
/// added up over several servers.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Installs the recorder of metrics for the whole process.
pub fn recorder() -> Result<PrometheusHandle, BuildError> {
    let handle = builder()?.install_recorder()?;
    describe();
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, SECONDS)
}

fn describe() {
    super::observed::describe();
    describe_counter!(REQUESTS, "HTTP requests answered or given up");
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from the head of an HTTP request to the end of its response"
    );
    describe_gauge!(
        REQUESTS_IN_FLIGHT,
        "HTTP requests whose response is not at its end"
    );
}

/// Puts recorded durations into their histograms now and then, forever. Without it they pile up
/// in memory while nobody scrapes.
pub async fn upkeep(handle: PrometheusHandle, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// The answer of `/metrics`.
#[must_use]
pub fn page(handle: &PrometheusHandle) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, kind)], handle.render()).into_response()
}

#[cfg(test)]
mod tests;
