//! The whole at a glance, and what was read.

use axum::extract::State as Shared;
use axum::response::Response;
use http::HeaderMap;
use podtrail_query::listing;
use podtrail_query::report::Report;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::detail::{Times, lists, rows};
use super::{Meta, ProblemDocument};
use crate::serve::answer::Question;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::rows::{
    BatchRow, CoverageRow, FallbackRow, IngestionRow, ReadinessRow, RejectRow, Share, Unattributed,
};
use crate::serve::schedule::Schedule;
use crate::serve::state::State;

/// The whole at a glance.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Number of calls in the store.
    pub calls: i64,
    /// Number of calls that an identity of a cluster made.
    pub attributed_calls: i64,
    /// Calls by access path, actor and confidence.
    #[schema(value_type = Vec<Share>)]
    pub shares: Vec<Value>,
    /// Calls that no identity of a cluster made, by reason.
    #[schema(value_type = Vec<Unattributed>)]
    pub unattributed: Vec<Value>,
    /// Workloads that fall back to a node role.
    pub fallback_workloads: u64,
    /// Their rows, the most calls first; at most ten.
    #[schema(value_type = Vec<FallbackRow>)]
    pub fallbacks: Vec<Value>,
    /// Whether IMDS hop limit 1 is safe, per node role.
    #[schema(value_type = Vec<ReadinessRow>)]
    pub readiness: Vec<Value>,
    /// What the store covers.
    #[schema(value_type = Vec<CoverageRow>)]
    pub coverage: Vec<Value>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Option<Meta>,
}

/// Fallbacks that the summary shows.
const SHOWN_FALLBACKS: usize = 10;

/// The whole at a glance: calls by access path, workloads on node roles, readiness, coverage. The times bound the calls
/// by access path, those of nobody's, and the fallbacks.
///
/// # Errors
/// Where it cannot be read.
#[utoipa::path(
    get,
    path = "/summary",
    params(Times),
    responses(
        (status = 200, description = "The summary.", body = Summary),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn summary(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    Parameters(times): Parameters<Times>,
) -> Result<Response, Problem> {
    let times = times.filter()?;
    let what = format!("{times:?}");
    let question = match Question::begin(&state, &headers, &["summary", &what])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let now = &question.now;
    let all = podtrail_query::Filter::default();
    let (shares, _) = rows(&state, now, &listing::SHARES, &times).await?;
    let (unattributed, _) = rows(&state, now, &listing::UNATTRIBUTED, &times).await?;
    let (mut fallbacks, _) = rows(&state, now, &listing::FALLBACKS, &times).await?;
    let (readiness, _) = rows(&state, now, &Report::Readiness.listing(), &all).await?;
    let (coverage, _) = rows(&state, now, &Report::Coverage.listing(), &all).await?;
    let attributed_calls = sum(&shares, "calls");
    let calls = attributed_calls + sum(&unattributed, "calls");
    fallbacks.sort_by_key(|row| std::cmp::Reverse(row["calls"].as_i64()));
    let fallback_workloads = fallbacks.len() as u64;
    fallbacks.truncate(SHOWN_FALLBACKS);
    question.object(&Summary {
        calls,
        attributed_calls,
        shares,
        unattributed,
        fallback_workloads,
        fallbacks,
        readiness,
        coverage,
        meta: None,
    })
}

fn sum(rows: &[Value], column: &str) -> i64 {
    rows.iter().filter_map(|row| row[column].as_i64()).sum()
}

/// What was read.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Ingestion {
    /// Objects, by source, folder and status.
    #[schema(value_type = Vec<IngestionRow>)]
    pub sources: Vec<Value>,
    /// What runs of ingestion left, by batch, the newest first, at most 1,000. A run makes one, several of much, none of nothing new.
    #[schema(value_type = Vec<BatchRow>)]
    pub batches: Vec<Value>,
    /// What was rejected, by reason.
    #[schema(value_type = Vec<RejectRow>)]
    pub rejects: Vec<Value>,
    /// What runs on a schedule in this process, and how it went.
    pub schedules: Vec<Schedule>,
    /// Lists that have more rows than shown.
    pub truncated: Vec<String>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Option<Meta>,
}

/// What was read, what was rejected, and what runs on a schedule.
///
/// # Errors
/// Where it cannot be read.
#[utoipa::path(
    get,
    path = "/ingestion",
    responses(
        (status = 200, description = "What was read.", body = Ingestion),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn ingestion(
    Shared(state): Shared<State>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let schedules = state.schedules.all();
    let what = format!("{schedules:?}");
    let question = match Question::begin(&state, &headers, &["ingestion", &what])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let all = podtrail_query::Filter::default();
    let wanted = [
        ("sources", listing::INGESTION, all.clone()),
        ("batches", listing::INGESTED_BATCHES, all.clone()),
        ("rejects", listing::REJECTS, all),
    ];
    let ([sources, batches, rejects], truncated) = lists(&state, &question.now, wanted).await?;
    question.object(&Ingestion {
        sources,
        batches,
        rejects,
        schedules,
        truncated,
        meta: None,
    })
}
