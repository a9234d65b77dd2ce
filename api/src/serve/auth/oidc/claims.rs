//! What the claims of a token say, once its signature, issuer and audience are proven.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::super::{Authentication, Denied, Principal, Scopes};
use super::OidcConfig;

/// How far the issuer's clock may be from ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Most characters of a subject (OpenID Connect Core 1.0, section 2).
const MOST_SUBJECT: usize = 255;

/// Checks the times and reads who it is and what they may do.
///
/// # Errors
/// [`Denied::Expired`], [`Denied::Malformed`].
pub(super) fn principal(
    config: &OidcConfig,
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Principal, Denied> {
    let time = |value: &Value| time(value).ok_or(Denied::Malformed);
    let end = time(claims.get("exp").ok_or(Denied::Malformed)?)?;
    let end = end.checked_add_signed(LEEWAY).ok_or(Denied::Malformed)?;
    if end <= now {
        return Err(Denied::Expired);
    }
    if let Some(start) = claims.get("nbf") {
        let start = time(start)?;
        if start.signed_duration_since(now) > LEEWAY {
            return Err(Denied::Expired);
        }
    }
    let subject = claims.get("sub").and_then(Value::as_str);
    let subject = subject.filter(|text| is_subject(text));
    let subject = subject.ok_or(Denied::Malformed)?;
    Ok(Principal {
        authentication: Authentication::Oidc,
        name: format!("{} {subject}", config.issuer),
        scopes: scopes(config, claims),
        expires_at: Some(end),
    })
}

/// A NumericDate (RFC 7519, section 2). Fractions of a second are cut off.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    let seconds = value.as_i64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| seconds.is_finite())?;
        // Saturates, and chrono refuses the ends.
        #[allow(clippy::cast_possible_truncation)]
        Some(seconds as i64)
    })?;
    DateTime::from_timestamp(seconds, 0)
}

/// Names go into logs, so that they are of one line.
fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MOST_SUBJECT && !text.chars().any(char::is_control)
}

fn scopes(config: &OidcConfig, claims: &Map<String, Value>) -> Scopes {
    let groups = match find(claims, &config.groups_claim) {
        Some(Value::Array(groups)) => groups.as_slice(),
        Some(group) => std::slice::from_ref(group),
        None => &[],
    };
    let groups = groups.iter().filter_map(Value::as_str);
    groups
        .filter_map(|group| config.groups.get(group).copied())
        .collect()
}

/// The claim of a name, else that at the end of a path: names with dots in them are common
/// (`https://example.com/groups`).
fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(claim) = claims.get(path) {
        return Some(claim);
    }
    let (first, rest) = path.split_once('.')?;
    let mut claim = claims.get(first)?;
    for name in rest.split('.') {
        claim = claim.get(name)?;
    }
    Some(claim)
}

#[cfg(test)]
mod tests;
