//! One thing, with everything that belongs to it.

use arrow::array::RecordBatch;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use http::HeaderMap;
use podtrail_query::listing::{self, Listing};
use podtrail_query::report::Report;
use podtrail_query::{Filter, Statement};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Meta, ProblemDocument};
use crate::encode::{Encoder, Form};
use crate::serve::answer::Question;
use crate::serve::parameters::{ListParameters, Parameters};
use crate::serve::problem::Problem;
use crate::serve::rows::{
    FallbackHour, FallbackRow, NodeAction, NodeHour, NodePod, NodeRow, RoleChain, WorkloadAction,
    WorkloadHour, WorkloadPod, WorkloadRow,
};
use crate::serve::served::InService;
use crate::serve::state::State;

/// Rows of each list of an answer.
const MOST_ROWS: u64 = 10_000;

/// Reads a list as JSON rows, and whether it had more than fit.
pub(super) async fn rows(
    state: &State,
    now: &InService,
    listing: &Listing,
    filter: &Filter,
) -> Result<(Vec<Value>, bool), Problem> {
    let statement = Statement {
        most_rows: Some(MOST_ROWS),
        ..listing.whole(filter)?
    };
    let mut answer = state.reports.run(&now.session, statement).await?;
    let mut encoder = Encoder::new(Form::Json, answer.schema()).map_err(Problem::internal)?;
    let mut json = b"[".to_vec();
    while let Some(batch) = futures::StreamExt::next(&mut answer).await {
        let batch: RecordBatch = batch?;
        json.extend(encoder.batch(&batch).map_err(Problem::internal)?);
    }
    json.push(b']');
    let rows = serde_json::from_slice(&json).map_err(Problem::internal)?;
    Ok((rows, answer.is_truncated()))
}

/// Reads several lists, and names those that had more rows than fit.
pub(super) async fn lists<const N: usize>(
    state: &State,
    now: &InService,
    wanted: [(&str, Listing, Filter); N],
) -> Result<([Vec<Value>; N], Vec<String>), Problem> {
    let mut lists = std::array::from_fn(|_| Vec::new());
    let mut truncated = Vec::new();
    for (list, (name, listing, filter)) in lists.iter_mut().zip(wanted) {
        let (rows, more) = rows(state, now, &listing, &filter).await?;
        *list = rows;
        if more {
            truncated.push(name.to_owned());
        }
    }
    Ok((lists, truncated))
}

/// Gives a list with the times of the request, narrowed to one thing.
fn narrowed<'name>(
    name: &'name str,
    listing: Listing,
    parameters: &Filter,
    what: &[(&str, &str)],
) -> Result<(&'name str, Listing, Filter), Problem> {
    let mut filter = Filter::default();
    if listing.takes("from") {
        filter.from = parameters.from;
        filter.to = parameters.to;
    }
    for (column, value) in what {
        filter.set(column, *value)?;
    }
    Ok((name, listing, filter))
}

/// Bounds of time.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Times {
    /// Only calls made from this time on: RFC 3339, a date, or relative such as `-7d`.
    pub from: Option<String>,
    /// Only calls made before this time; a date includes its day.
    pub to: Option<String>,
}

impl Times {
    pub(super) fn filter(self) -> Result<Filter, Problem> {
        ListParameters {
            from: self.from,
            to: self.to,
            ..ListParameters::default()
        }
        .filter()
    }
}

/// A fallback.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Fallback {
    /// Its row.
    #[schema(value_type = FallbackRow)]
    pub item: Value,
    /// Its calls per hour.
    #[schema(value_type = Vec<FallbackHour>)]
    pub hours: Vec<Value>,
    /// Lists that have more rows than shown.
    pub truncated: Vec<String>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Option<Meta>,
}

/// One fallback: who, why, the evidence and the fix.
///
/// # Errors
/// 404 where there is none of the id.
#[utoipa::path(
    get,
    path = "/fallbacks/{id}",
    params(("id" = String, Path, description = "Column `id` of the list")),
    responses(
        (status = 200, description = "The fallback.", body = Fallback),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn fallback(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = match Question::begin(&state, &headers, &["fallback", &id])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let filter = Filter::default().with("id", id.as_str())?;
    let wanted = [
        ("item", listing::FALLBACKS, filter.clone()),
        ("hours", listing::FALLBACK_HOURS, filter),
    ];
    let ([rows, hours], truncated) = lists(&state, &question.now, wanted).await?;
    let item = rows
        .into_iter()
        .next()
        .ok_or_else(|| Problem::not_found("no fallback of this id"))?;
    question.object(&Fallback {
        item,
        hours,
        truncated,
        meta: None,
    })
}

/// Which workload is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WorkloadPath {
    /// Cluster name, or with its slashes percent-encoded its ARN or OIDC issuer
    pub cluster: String,
    /// Kubernetes namespace
    pub namespace: String,
    /// Service account
    pub service_account: String,
}

impl WorkloadPath {
    /// What is asked of the workload, to be known again by.
    pub(super) fn key<'key>(&'key self, question: &'key str, more: &'key str) -> [&'key str; 5] {
        [
            question,
            &self.cluster,
            &self.namespace,
            &self.service_account,
            more,
        ]
    }
}

/// A service account of a cluster.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Workload {
    /// The roles that it used, by access path.
    #[schema(value_type = Vec<WorkloadRow>)]
    pub roles: Vec<Value>,
    /// What it called.
    #[schema(value_type = Vec<WorkloadAction>)]
    pub actions: Vec<Value>,
    /// Its calls per hour, by action.
    #[schema(value_type = Vec<WorkloadHour>)]
    pub hours: Vec<Value>,
    /// The roles that it assumed, one from the other.
    #[schema(value_type = Vec<RoleChain>)]
    pub chains: Vec<Value>,
    /// Its pods, over time.
    #[schema(value_type = Vec<WorkloadPod>)]
    pub pods: Vec<Value>,
    /// Where it falls back to a node role.
    #[schema(value_type = Vec<FallbackRow>)]
    pub fallbacks: Vec<Value>,
    /// Lists that have more rows than shown.
    pub truncated: Vec<String>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Option<Meta>,
}

/// One workload: its roles and how it came to them, actions, pods and fallbacks.
///
/// # Errors
/// 404 where nothing is known of it, 400 where several clusters have the name.
#[utoipa::path(
    get,
    path = "/workloads/{cluster}/{namespace}/{service_account}",
    params(WorkloadPath, Times),
    responses(
        (status = 200, description = "The workload.", body = Workload),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn workload(
    Shared(state): Shared<State>,
    Path(workload): Path<WorkloadPath>,
    headers: HeaderMap,
    Parameters(times): Parameters<Times>,
) -> Result<Response, Problem> {
    let times = times.filter()?;
    let what = format!("{times:?}");
    let question = match Question::begin(&state, &headers, &workload.key("workload", &what))? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    // Rows of several clusters of one name are not put together.
    let cluster =
        podtrail_query::cluster_asked_for(&question.now.session, &workload.cluster).await?;
    let one = [
        ("cluster", cluster.as_str()),
        ("namespace", &workload.namespace),
        ("service_account", &workload.service_account),
    ];
    let wanted = [
        narrowed("roles", Report::Workloads.listing(), &times, &one)?,
        narrowed("actions", listing::WORKLOAD_ACTIONS, &times, &one)?,
        narrowed("hours", listing::WORKLOAD_HOURS, &times, &one)?,
        narrowed("chains", listing::WORKLOAD_CHAINS, &times, &one)?,
        narrowed("pods", listing::WORKLOAD_PODS, &times, &one)?,
        narrowed("fallbacks", listing::FALLBACKS, &times, &one)?,
    ];
    let ([roles, actions, hours, chains, pods, fallbacks], truncated) =
        lists(&state, &question.now, wanted).await?;
    let known = [&roles, &actions, &chains, &pods, &fallbacks];
    if known.iter().all(|rows| rows.is_empty()) {
        return Err(Problem::not_found("nothing is known of this workload"));
    }
    question.object(&Workload {
        roles,
        actions,
        hours,
        chains,
        pods,
        fallbacks,
        truncated,
        meta: None,
    })
}

/// A node.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Its rows: one per role that it used.
    #[schema(value_type = Vec<NodeRow>)]
    pub roles: Vec<Value>,
    /// What was called with its role, and by whom.
    #[schema(value_type = Vec<NodeAction>)]
    pub actions: Vec<Value>,
    /// These calls per hour.
    #[schema(value_type = Vec<NodeHour>)]
    pub hours: Vec<Value>,
    /// Pods on it, over time.
    #[schema(value_type = Vec<NodePod>)]
    pub pods: Vec<Value>,
    /// Lists that have more rows than shown.
    pub truncated: Vec<String>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Option<Meta>,
}

/// One node: its role's calls by who made them, and the pods on it.
///
/// # Errors
/// 404 where nothing is known of it.
#[utoipa::path(
    get,
    path = "/nodes/{instance}",
    params(("instance" = String, Path, description = "Instance id"), Times),
    responses(
        (status = 200, description = "The node.", body = Node),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn node(
    Shared(state): Shared<State>,
    Path(instance): Path<String>,
    headers: HeaderMap,
    Parameters(times): Parameters<Times>,
) -> Result<Response, Problem> {
    let times = times.filter()?;
    let what = format!("{times:?}");
    let question = match Question::begin(&state, &headers, &["node", &instance, &what])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let one = [("node", instance.as_str())];
    let wanted = [
        narrowed("roles", Report::Nodes.listing(), &times, &one)?,
        narrowed("actions", listing::NODE_ACTIONS, &times, &one)?,
        narrowed("hours", listing::NODE_HOURS, &times, &one)?,
        narrowed("pods", listing::NODE_PODS, &times, &one)?,
    ];
    let ([roles, actions, hours, pods], truncated) = lists(&state, &question.now, wanted).await?;
    if roles.is_empty() && actions.is_empty() && pods.is_empty() {
        return Err(Problem::not_found("nothing is known of this node"));
    }
    question.object(&Node {
        roles,
        actions,
        hours,
        pods,
        truncated,
        meta: None,
    })
}
