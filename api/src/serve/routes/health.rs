//! Whether it lives, whether it is ready, and its metrics.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::serve::observed;
use crate::serve::problem::Problem;
use crate::serve::state::State;
use crate::serve::telemetry;

/// How ready the service is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// `ready`; `stale`: ready, but the store cannot be read and the last good snapshot is served; `starting`.
    pub status: String,
    /// When the snapshot in service was pinned.
    pub pinned_at: DateTime<Utc>,
    /// Seconds since it was pinned.
    pub snapshot_age_seconds: i64,
    /// When the store was last seen to hold nothing newer.
    pub checked_at: DateTime<Utc>,
    /// Since when the store cannot be read.
    pub stale_since: Option<DateTime<Utc>>,
}

/// The process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, description = "The process lives.", body = String, content_type = "text/plain")),
)]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The service can answer: a snapshot is in service and what reports keep is computed. It stays ready while the store
/// cannot be read, since it serves the last good snapshot, and says so.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "It can answer.", body = Readiness),
        (status = 503, description = "Not yet.", body = Readiness),
    ),
)]
pub async fn readyz(Shared(state): Shared<State>) -> Response {
    let now = state.served.now();
    let status = match (now.warm, now.stale_since) {
        (false, _) => "starting",
        (true, Some(_)) => "stale",
        (true, None) => "ready",
    };
    let told = Readiness {
        status: status.to_owned(),
        pinned_at: now.pinned_at,
        snapshot_age_seconds: ((state.clock)() - now.pinned_at).num_seconds(),
        checked_at: now.checked_at,
        stale_since: now.stale_since,
    };
    let code = if now.warm {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(told)).into_response()
}

/// Metrics in the text form of Prometheus.
///
/// # Errors
/// 404 where none are kept.
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")),
)]
pub async fn metrics(Shared(state): Shared<State>) -> Result<Response, Problem> {
    let Some(handle) = &state.metrics else {
        return Err(Problem::not_found("no metrics are kept"));
    };
    let now = state.served.now();
    now.newest.tell((state.clock)());
    let age = (state.clock)() - now.pinned_at;
    let seconds = |duration: chrono::Duration| duration.as_seconds_f64();
    metrics::gauge!("podtrail_snapshot_age_seconds").set(seconds(age));
    let stale = now
        .stale_since
        .map_or(0.0, |since| seconds((state.clock)() - since));
    metrics::gauge!("podtrail_snapshot_stale_seconds").set(stale);
    for (name, executor) in [("sql", &state.sql), ("report", &state.reports)] {
        let running = u32::try_from(executor.running()).unwrap_or(u32::MAX);
        metrics::gauge!("podtrail_queries_running", "kind" => name).set(f64::from(running));
    }
    observed::statements(&state.sql);
    Ok(telemetry::page(handle))
}
