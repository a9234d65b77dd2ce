//! Times as the AWS CLI and Kubernetes write them.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde_json::Value;

/// Seconds since the epoch stay below this until the year 5138; larger numbers are milliseconds.
const SECONDS_BELOW: f64 = 1e11;

/// µs since the epoch of RFC 3339 text, of text with a numeric offset without colon, or of text
/// without an offset, which is UTC.
pub(super) fn parse(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
        return Some(time.timestamp_micros());
    }
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| time.and_utc().timestamp_micros())
}

/// As [`parse`]; numbers are seconds (AWS CLI version 1) or milliseconds (CloudWatch Logs).
pub(super) fn of(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| *number >= 0.0)?;
            let micros = number * if number < SECONDS_BELOW { 1e6 } else { 1e3 };
            // Nothing that chrono cannot print may leave this module.
            #[allow(clippy::cast_possible_truncation)] // saturates, and is checked below
            let micros = micros.round() as i64;
            DateTime::<Utc>::from_timestamp_micros(micros).map(|_| micros)
        }
        _ => None,
    }
}

/// RFC 3339 text of µs since the epoch.
pub(super) fn text(micros: i64) -> Option<String> {
    DateTime::<Utc>::from_timestamp_micros(micros)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// The `YYYYMMDDTHHMMSSZ` in a file name, if it is a time.
pub(super) fn in_file_name(name: &str) -> Option<i64> {
    const LENGTH: usize = "YYYYMMDDTHHMMSSZ".len();
    let bytes = name.as_bytes();
    bytes
        .windows(LENGTH)
        .enumerate()
        .filter(|(at, window)| {
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            !before.is_some_and(u8::is_ascii_digit) && window.is_ascii()
        })
        .find_map(|(at, _)| {
            let text = name.get(at..at + LENGTH)?;
            NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()
        })
        .map(|time| time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests;
