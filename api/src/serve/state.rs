//! What handlers share.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use podtrail_query::Executor;

use super::remembered::Remembered;
use super::schedule::Schedules;
use super::served::Served;

/// What handlers share.
#[derive(Clone)]
pub struct State {
    /// The snapshot in service.
    pub served: Arc<Served>,
    /// Answers that were given.
    pub remembered: Arc<Remembered>,
    /// Runs the service's own statements.
    pub reports: Executor,
    /// Runs users' statements.
    pub sql: Executor,
    /// What runs on a schedule, and how it went.
    pub schedules: Arc<Schedules>,
    /// Renders the metrics.
    pub metrics: Option<PrometheusHandle>,
    /// The time.
    pub clock: fn() -> DateTime<Utc>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("State")
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}
