//! Who calls, and what they may do: bearer tokens of podtrail's own and those of an OIDC issuer.
//!
//! Nothing here reads the time or knows of HTTP frameworks. A credential is what follows `Bearer `
//! in an `Authorization` header, or a PostgreSQL password.

mod oidc;
mod scope;
mod token;
mod tokens;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::error;
use utoipa::ToSchema;

pub use oidc::{Oidc, OidcConfig};
pub use scope::{Scope, Scopes};
pub use token::{Secret, TokenFile, TokenRecord};
pub use tokens::Tokens;

/// Most bytes of a credential.
pub const MOST_CREDENTIAL_BYTES: usize = 16 << 10;

/// Why authentication cannot be set up, or a token not be managed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// What the user gave cannot be used.
    #[error("{0}")]
    InvalidInput(String),
    /// The token file cannot be used.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was attempted.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The token file is not what podtrail writes.
    #[error("{path}, line {line}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The machine fails: no random numbers, no TLS.
    #[error("{0}")]
    Internal(String),
}

/// Why a caller is not let in. No message contains the credential.
///
/// `Malformed`, `Unknown`, `Expired` and `Revoked` are for logs and metrics; a caller who could
/// tell them apart would learn which tokens exist. Show [`Denied::shown`] instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No credential was given, or one of another scheme.
    #[error("no bearer token was given")]
    Missing,
    /// The credential does not have the form of one.
    #[error("the token is malformed")]
    Malformed,
    /// There is no such token, or it was signed by or made for somebody else.
    #[error("the token is unknown")]
    Unknown,
    /// The token is not valid any more, or not yet.
    #[error("the token is outside the time it is valid in")]
    Expired,
    /// The token was revoked.
    #[error("the token is revoked")]
    Revoked,
    /// The token can neither be accepted nor refused now: an answer of 503 rather than 401.
    #[error("the token cannot be checked: {0}")]
    Unavailable(String),
}

impl Denied {
    /// What the caller may read.
    #[must_use]
    pub fn shown(&self) -> &'static str {
        match self {
            Self::Missing => "a bearer token is needed",
            Self::Malformed | Self::Unknown | Self::Expired | Self::Revoked => "invalid token",
            Self::Unavailable(_) => "tokens cannot be checked at present",
        }
    }
}

/// How somebody was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// Not at all: everybody on the machine may ask.
    None,
    /// By a token of podtrail's own.
    Token,
    /// By a token of the OIDC issuer.
    Oidc,
}

/// Somebody whose credential was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// How it was accepted.
    pub authentication: Authentication,
    /// For logs: id and name of the token, or issuer and subject.
    pub name: String,
    /// What they may do. Empty for a user of the issuer in none of the mapped groups: known, and
    /// forbidden everything.
    pub scopes: Scopes,
    /// From when on the credential is not accepted any more.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Checks credentials against everything that is configured.
#[derive(Debug)]
pub struct Authenticator {
    tokens: Option<Arc<Tokens>>,
    oidc: Option<Oidc>,
}

impl Authenticator {
    /// Puts together what is configured.
    pub fn new(tokens: Option<Tokens>, oidc: Option<Oidc>) -> Self {
        let tokens = tokens.map(Arc::new);
        Self { tokens, oidc }
    }

    /// Tells whether nothing is configured, so that every credential would be refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_none() && self.oidc.is_none()
    }

    /// Tells who gave the credential.
    ///
    /// # Errors
    /// Why they are not let in.
    pub async fn authenticate(
        &self,
        credential: &str,
        now: DateTime<Utc>,
    ) -> Result<Principal, Denied> {
        if credential.is_empty() {
            return Err(Denied::Missing);
        }
        if credential.len() > MOST_CREDENTIAL_BYTES {
            return Err(Denied::Malformed);
        }
        if credential.starts_with(token::PREFIX) {
            let tokens = self.tokens.as_ref().ok_or(Denied::Unknown)?;
            follow(tokens, now).await;
            return tokens.authenticate(credential, now);
        }
        let oidc = self.oidc.as_ref().ok_or(Denied::Unknown)?;
        oidc.authenticate(credential, now).await
    }

    /// What is wrong at present although callers are served: a token file that cannot be read, an
    /// issuer that is not reached.
    pub fn problems(&self) -> Vec<String> {
        let tokens = self.tokens.as_ref().and_then(|tokens| tokens.problem());
        let oidc = self.oidc.as_ref().and_then(Oidc::problem);
        tokens.into_iter().chain(oidc).collect()
    }
}

/// Takes over changes of the token file. Files are not read on a thread that serves others.
async fn follow(tokens: &Arc<Tokens>, now: DateTime<Utc>) {
    if !tokens.due(now) {
        return;
    }
    let tokens = Arc::clone(tokens);
    if let Err(error) = tokio::task::spawn_blocking(move || tokens.reload()).await {
        error!(%error, "the token file was not looked at");
    }
}

/// Takes the credential out of the value of an `Authorization` header (RFC 6750, section 2.1).
///
/// # Errors
/// [`Denied::Missing`] for another scheme, [`Denied::Malformed`] for what cannot be a token.
pub fn bearer(value: &[u8]) -> Result<&str, Denied> {
    let value = std::str::from_utf8(value).map_err(|_| Denied::Malformed)?;
    let (scheme, credential) = value.trim().split_once(' ').ok_or(Denied::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denied::Missing);
    }
    checked(credential.trim_start_matches(' '))
}

/// Takes the credential out of the value of an `Authorization` header that may have a user's name in front of it:
/// the password of `Basic` (RFC 7617), which is a token here, or what [`bearer`] gives.
///
/// # Errors
/// As [`bearer`].
pub fn password(value: &[u8]) -> Result<String, Denied> {
    let basic = value
        .split_first_chunk::<6>()
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"basic "));
    let Some((_, encoded)) = basic else {
        return bearer(value).map(str::to_owned);
    };
    let decoded = STANDARD
        .decode(encoded.trim_ascii())
        .map_err(|_| Denied::Malformed)?;
    let decoded = String::from_utf8(decoded).map_err(|_| Denied::Malformed)?;
    let (_, password) = decoded.split_once(':').ok_or(Denied::Malformed)?;
    if password.is_empty() {
        return Err(Denied::Missing);
    }
    checked(password).map(str::to_owned)
}

/// Gives back what has the form of a credential.
fn checked(credential: &str) -> Result<&str, Denied> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if credential.len() > MOST_CREDENTIAL_BYTES || !credential.bytes().all(is_token) {
        return Err(Denied::Malformed);
    }
    Ok(credential)
}

#[cfg(test)]
mod tests;
