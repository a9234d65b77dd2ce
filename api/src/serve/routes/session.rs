//! Who asks.

use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ProblemDocument;
use crate::serve::access::Caller;
use crate::serve::auth::{Authentication, Scope};

/// Who asks, and what they may do.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// How the service knows its callers: `none` where everybody on the machine may ask.
    pub authentication: Authentication,
    /// Id and name of the token, or issuer and subject; null where no token is needed.
    #[schema(required)]
    pub name: Option<String>,
    /// What the caller may do; empty for a user whose groups allow nothing.
    pub scopes: Vec<Scope>,
    /// Version of podtrail.
    pub version: String,
}

/// Who asks, and what they may do: a way to try a token, which needs no scope.
///
/// # Errors
/// 401 without a valid token, where one is needed.
#[utoipa::path(
    get,
    path = "/session",
    responses(
        (status = 200, description = "Who asks.", body = Session),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn session(Extension(caller): Extension<Caller>) -> Json<Session> {
    let name = match caller.authentication {
        Authentication::None => None,
        Authentication::Token | Authentication::Oidc => Some(caller.name),
    };
    Json(Session {
        authentication: caller.authentication,
        name,
        scopes: caller.scopes.iter().collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
