//! A token as a line of the file.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::super::Scope;
use super::{TokenRecord, is_id};

/// Most characters of a token's name.
pub(super) const MOST_NAME: usize = 100;

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    id: String,
    name: String,
    /// Hexadecimal.
    sha256: String,
    scopes: Vec<Scope>,
    created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl From<&TokenRecord> for Line {
    fn from(record: &TokenRecord) -> Self {
        let shown = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        Self {
            id: record.id.clone(),
            name: record.name.clone(),
            sha256: hex(&record.sha256),
            scopes: record.scopes.iter().collect(),
            created_at: shown(record.created_at),
            expires_at: record.expires_at.map(shown),
            revoked_at: record.revoked_at.map(shown),
        }
    }
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(line: &[u8]) -> Result<TokenRecord, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        // It counts lines from the beginning of this one.
        let place = text.rfind(" at line ").unwrap_or(text.len());
        text[..place].to_owned()
    })?;
    if !is_id(&line.id) {
        return Err("the id is not one".to_owned());
    }
    check_name(&line.name)?;
    let time = |field: &str, text: &str| {
        let time = DateTime::parse_from_rfc3339(text);
        time.map(|time| time.to_utc())
            .map_err(|_| format!("{field} is not a time"))
    };
    let optional = |field, text: Option<&str>| text.map(|text| time(field, text)).transpose();
    Ok(TokenRecord {
        sha256: unhex(&line.sha256).ok_or("sha256 is not 64 hexadecimal digits")?,
        scopes: line.scopes.into_iter().collect(),
        created_at: time("created_at", &line.created_at)?,
        expires_at: optional("expires_at", line.expires_at.as_deref())?,
        revoked_at: optional("revoked_at", line.revoked_at.as_deref())?,
        id: line.id,
        name: line.name,
    })
}

/// Checks a name, which is shown in lists and logs.
///
/// # Errors
/// What a name is.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.trim().is_empty()
        && name.chars().count() <= MOST_NAME
        && !name.chars().any(char::is_control);
    fits.then_some(())
        .ok_or_else(|| format!("a token's name is a line of 1 to {MOST_NAME} characters"))
}

/// Writes bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}
