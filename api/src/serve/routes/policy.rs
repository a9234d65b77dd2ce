//! The least-privilege policy of a workload, beside what its roles are granted.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use http::HeaderMap;
use podtrail_query::policy::{Options, of_workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::detail::WorkloadPath;
use super::{Meta, ProblemDocument};
use crate::serve::answer::Question;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// What a policy grants.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyParameters {
    /// Grant also what was refused.
    #[serde(default)]
    pub include_denied: bool,
}

/// A least-privilege policy, and what to know before using it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicyAnswer {
    /// IAM policy documents. One, unless it would be longer than a managed policy may be; none when no call needs a
    /// permission.
    #[schema(value_type = Vec<Object>)]
    pub documents: Vec<Value>,
    /// What to know before using it.
    pub notes: Vec<PolicyNote>,
    /// Calls that no action is known for.
    pub unmapped: Vec<UnmappedCall>,
    /// What the roles that the workload used as its own may do, beside what it did; none where it used none.
    pub granted: Vec<GrantedRoleAnswer>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Meta,
}

/// One thing to know about a policy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicyNote {
    /// What kind of note it is.
    pub code: String,
    /// The note, a sentence.
    pub text: String,
}

/// A role that a workload used as its own, and what it may do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = GrantedRole)]
pub struct GrantedRoleAnswer {
    /// The role.
    pub role_arn: String,
    /// When its policies were seen last. Null where no inventory shows them: then nothing is known of what it may do.
    #[schema(required, format = DateTime)]
    pub observed_at: Option<String>,
    /// Its policies.
    pub policies: Vec<GrantedPolicyAnswer>,
    /// What they allow, in the order of actions; a boundary and statements that deny are not taken off.
    pub allows: Vec<AllowedAction>,
    /// Actions that the workload used with it though none of its policies allows them: allowed by the resource, or by a
    /// policy that has gone since. Empty where not all of its policies are known.
    pub allowed_elsewhere: Vec<String>,
}

/// A policy of a role.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = GrantedPolicy)]
pub struct GrantedPolicyAnswer {
    /// Its name.
    pub name: String,
    /// ARN of a managed policy.
    #[schema(required)]
    pub arn: Option<String>,
    /// `inline`, `managed`, or `boundary`: the permissions boundary.
    pub kind: String,
    /// Its text; null where it was not seen.
    #[schema(required, value_type = Option<Object>)]
    pub document: Option<Value>,
}

/// An action that policies of a role allow, and what of it was used.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AllowedAction {
    /// The action as it stands there, such as `s3:Get*`.
    pub action: String,
    /// Actions that it excepts (`NotAction`).
    pub except: Vec<String>,
    /// Actions that fit it and that the workload used with the role. Others may use the role too.
    pub used: Vec<String>,
}

/// A call that no action is known for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnmappedCall {
    /// Service called.
    pub event_source: String,
    /// API action called.
    pub event_name: String,
    /// Why no action is known.
    pub reason: String,
    /// Number of calls.
    pub calls: u64,
}

/// A least-privilege IAM policy for a workload, from the calls seen.
///
/// # Errors
/// 404 where nothing is known of the workload.
#[utoipa::path(
    get,
    path = "/workloads/{cluster}/{namespace}/{service_account}/policy",
    params(WorkloadPath, PolicyParameters),
    responses(
        (status = 200, description = "The policy.", body = PolicyAnswer),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn policy(
    Shared(state): Shared<State>,
    Path(workload): Path<WorkloadPath>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<PolicyParameters>,
) -> Result<Response, Problem> {
    let denied = parameters.include_denied.to_string();
    let question = match Question::begin(&state, &headers, &workload.key("policy", &denied))? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let options = Options {
        include_denied: parameters.include_denied,
    };
    let WorkloadPath {
        cluster,
        namespace,
        service_account,
    } = &workload;
    let session = &question.now.session;
    let policy = of_workload(session, cluster, namespace, service_account, options).await?;
    question.object(&policy)
}
