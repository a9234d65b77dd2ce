//! Who did it, and how we know.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use podtrail_query::explain::tell;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Meta, ProblemDocument};
use crate::serve::answer::Question;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// The story of an event, an access key, an ARN, a service account or a pod.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// What it is the story of, by its whole name; where only a part of that was asked for.
    pub subject: Option<String>,
    /// The answer in one sentence.
    pub verdict: String,
    /// The event; of an event.
    #[schema(value_type = Option<Object>)]
    pub event: Option<Value>,
    /// Its row of `attribution`; of an event that an identity of a cluster made.
    #[schema(value_type = Option<Object>)]
    pub attribution: Option<Value>,
    /// The sessions behind the call, from the first that an identity of a cluster was given to the call's own; of an event.
    pub chain: Option<Vec<Step>>,
    /// The facts that it rests on; of an event.
    pub evidence: Option<Vec<Fact>>,
    /// What it rests on; of all but events.
    pub sections: Option<Vec<Section>>,
    /// What would make it more certain.
    pub missing: Vec<Missing>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Meta,
}

/// A session on the way to a call, as the record that issued it tells.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// The record that issued the session.
    pub event_id: Option<String>,
    /// The call that this is the record of.
    pub event_name: Option<String>,
    /// When the session was issued.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Access path of the first session of the way.
    pub mechanism: Option<String>,
    /// Roles assumed since the workload's own session.
    pub hops: i64,
    /// The role.
    pub role_arn: Option<String>,
    /// Name of the session.
    pub session_name: Option<String>,
    /// Access key id that was issued.
    pub access_key_id: Option<String>,
    /// How sure it is whose the session is: exact, inferred, candidate or unknown.
    pub confidence: Option<String>,
}

/// What would make an answer more certain.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// What is missing, and what it would tell.
    pub text: String,
    /// A command that gets it; none where that is no matter of one command.
    pub command: Option<String>,
}

/// A fact that an attribution rests on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// Kind of the fact, as in the column `evidence`.
    pub fact: String,
    /// What it says.
    pub detail: Option<String>,
    /// The record that it rests on.
    pub event_id: Option<String>,
    /// That record, where the store has it.
    #[schema(value_type = Option<Object>)]
    pub event: Option<Value>,
}

/// Rows about a subject.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Section {
    /// What the rows are.
    pub title: String,
    /// The rows.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Value>,
}

/// Tells the whole story of an event, an access key, an ARN, a service account or a pod.
///
/// # Errors
/// 404 where nothing is known of it.
#[utoipa::path(
    get,
    path = "/explain/{id}",
    params(("id" = String, Path, description = "Event id, access key id, ARN of a role or of another identity, CLUSTER/NAMESPACE/SERVICE_ACCOUNT[/POD], or a pod's name as [NAMESPACE/]POD")),
    responses(
        (status = 200, description = "The story; of several pods of one name, which there are.", body = Explanation),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn explain(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = match Question::begin(&state, &headers, &["explain", &id])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let session = &question.now.session;
    let told = tell(session, &id).await?;
    question.object(&told)
}
