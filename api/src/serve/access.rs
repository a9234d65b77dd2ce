//! Who may ask for what.
//!
//! Beyond loopback every request needs a token. On loopback without tokens, everybody on the machine may ask; what a
//! browser sends for another site's page is kept out by the name in the header `Host`, and by bodies that have to be
//! JSON.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use http::header::{AUTHORIZATION, HOST};

use super::auth::{Authentication, Authenticator, Denied, Scope, Scopes, bearer, password};
use super::pgwire::{PasswordCheck, Refused};
use super::problem::Problem;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Id and name of a token, or issuer and subject of an OIDC token; `anonymous` where none is needed.
    pub name: String,
    /// How they are known.
    pub authentication: Authentication,
    /// What they may do.
    pub scopes: Scopes,
}

/// How callers are told apart.
#[derive(Clone)]
pub enum Access {
    /// Everybody who reaches the address, which is a loopback one.
    Loopback,
    /// Who has a token.
    Tokens(Arc<Authenticator>),
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Tokens(_) => "Tokens",
        })
    }
}

/// What a route needs.
#[derive(Debug, Clone)]
pub struct Gate {
    /// How callers are told apart.
    pub access: Access,
    /// What they need; none where whoever is known may ask.
    pub scope: Option<Scope>,
    /// Whether a token may also come as the password of a user of any name.
    pub passwords: bool,
    /// The time.
    pub clock: fn() -> DateTime<Utc>,
}

/// Lets a request through where its caller may.
///
/// # Errors
/// 401 without a valid token, 403 where it does not allow this, 421 for a name that is not loopback's, 503 where the
/// issuer of OIDC tokens cannot be asked.
pub async fn guard(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = match &gate.access {
        Access::Loopback => {
            check_name(&request)?;
            Caller {
                name: "anonymous".to_owned(),
                authentication: Authentication::None,
                scopes: Scope::ALL.into_iter().collect(),
            }
        }
        Access::Tokens(authenticator) => {
            let credential = request
                .headers()
                .get(AUTHORIZATION)
                .ok_or(Denied::Missing)
                .and_then(|value| {
                    if gate.passwords {
                        password(value.as_bytes())
                    } else {
                        bearer(value.as_bytes()).map(str::to_owned)
                    }
                })
                .map_err(|denied| refused(&denied))?;
            let principal = authenticator
                .authenticate(&credential, (gate.clock)())
                .await
                .map_err(|denied| refused(&denied))?;
            if let Some(scope) = gate.scope
                && !principal.scopes.allows(scope)
            {
                let text = format!("the token does not have the scope {scope}");
                return Err(Problem::forbidden(text));
            }
            Caller {
                name: principal.name,
                authentication: principal.authentication,
                scopes: principal.scopes,
            }
        }
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Lets a request through for what everybody may have, under a name that is loopback's where nothing else is asked for.
///
/// # Errors
/// 421 for another name.
pub async fn open(
    State(access): State<Access>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if matches!(access, Access::Loopback) {
        check_name(&request)?;
    }
    Ok(next.run(request).await)
}

fn check_name(request: &Request) -> Result<(), Problem> {
    if is_local(request) {
        return Ok(());
    }
    Err(Problem::of(StatusCode::MISDIRECTED_REQUEST)
        .detail("without authentication only requests to localhost are answered"))
}

/// Passwords of PostgreSQL clients: tokens that allow SQL.
#[derive(Debug)]
pub struct Passwords {
    /// Who knows the tokens.
    pub tokens: Arc<Authenticator>,
    /// The time.
    pub clock: fn() -> DateTime<Utc>,
}

#[async_trait::async_trait]
impl PasswordCheck for Passwords {
    async fn check(&self, password: &str) -> Result<String, Refused> {
        let principal = self
            .tokens
            .authenticate(password, (self.clock)())
            .await
            .map_err(|denied| match denied {
                Denied::Unavailable(_) => Refused::Unavailable(denied.to_string()),
                _ => Refused::Denied(denied.to_string()),
            })?;
        if principal.scopes.allows(Scope::Sql) {
            Ok(principal.name)
        } else {
            let why = format!("{} does not have the scope sql", principal.name);
            Err(Refused::Denied(why))
        }
    }
}

fn refused(denied: &Denied) -> Problem {
    match denied {
        Denied::Unavailable(_) => Problem::unavailable(denied.shown()).because(denied.to_string()),
        _ => Problem::unauthorized(denied.shown()),
    }
}

/// Tells whether a request names the machine itself. A page of another site whose name was pointed here names that.
fn is_local(request: &Request) -> bool {
    let name = request
        .uri()
        .authority()
        .map(|authority| authority.host().to_owned())
        .or_else(|| {
            let value = request.headers().get(HOST)?.to_str().ok()?;
            let authority: http::uri::Authority = value.parse().ok()?;
            Some(authority.host().to_owned())
        });
    let Some(name) = name else { return false };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_names_of_the_machine_itself_are_local() {
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("127.1.2.3", true),
            ("[::1]:8080", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            let request = Request::builder()
                .uri("/api/v1/summary")
                .header(HOST, host)
                .body(Body::empty())
                .unwrap();
            assert_eq!(is_local(&request), local, "{host}");
        }
    }
}
