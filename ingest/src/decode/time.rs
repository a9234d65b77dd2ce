//! Times as `CloudTrail` and STS write them, in microseconds since the epoch, UTC.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const MICROS: i64 = 1_000_000;

/// Numbers from here on are milliseconds, smaller ones seconds: as seconds it is the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;
/// Largest number of seconds that is taken for a time (year 9999).
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// Reads ISO 8601 (`T` or a space, any fraction, `Z`, an offset or nothing, which means UTC) or the
/// US English date text of STS `expiration`, with or without a comma after the year and with any
/// kind of space before AM or PM.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.as_bytes().first()?.is_ascii_digit() {
        iso(text)
    } else {
        us_english(text)
    }
}

/// Reads a JSON number: seconds since the epoch, or milliseconds when it is that large.
#[allow(clippy::cast_possible_truncation)] // bounded by SECONDS_MAX
pub(super) fn parse_number(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let seconds = if number >= MILLISECONDS_FROM {
        number / 1e3
    } else {
        number
    };
    (seconds > 0.0 && seconds <= SECONDS_MAX).then(|| (seconds * 1e6).round() as i64)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    bytes.iter().try_fold(0u32, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u32::from(byte - b'0'))
    })
}

fn iso(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let at =
        |index: usize, wanted: &[u8]| bytes.get(index).is_some_and(|byte| wanted.contains(byte));
    if !(at(4, b"-") && at(7, b"-") && at(10, b"Tt ") && at(13, b":") && at(16, b":")) {
        return None;
    }
    let part = |from: usize, to: usize| digits(bytes.get(from..to)?);
    let date =
        NaiveDate::from_ymd_opt(i32::try_from(part(0, 4)?).ok()?, part(5, 7)?, part(8, 10)?)?;
    // A leap second has no place of its own on this scale.
    let second = part(17, 19).map(|second| if second == 60 { 59 } else { second })?;
    let mut rest = &bytes[19..];
    let mut micros = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if length == 0 {
            return None;
        }
        for place in 0..6 {
            micros = micros * 10
                + fraction[..length]
                    .get(place)
                    .map_or(0, |byte| u32::from(byte - b'0'));
        }
        rest = &fraction[length..];
    }
    let time = NaiveTime::from_hms_micro_opt(part(11, 13)?, part(14, 16)?, second, micros)?;
    let offset = offset_seconds(rest)?;
    NaiveDateTime::new(date, time)
        .and_utc()
        .timestamp_micros()
        .checked_sub(offset * MICROS)
}

fn offset_seconds(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (sign, rest) = match text {
        [] | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (digits(rest)?, 0),
        4 => (digits(&rest[..2])?, digits(&rest[2..])?),
        5 if rest[2] == b':' => (digits(&rest[..2])?, digits(&rest[3..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

fn us_english(text: &str) -> Option<i64> {
    let mut parts = text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty());
    let month = parts.next()?.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|name| *name == month)?;
    let day = digits(parts.next()?.as_bytes())?;
    let year = i32::try_from(digits(parts.next()?.as_bytes())?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, u32::try_from(month + 1).ok()?, day)?;
    let mut clock = parts.next()?.split(':').map(|part| digits(part.as_bytes()));
    let (hour, minute, second) = (
        clock.next()??,
        clock.next()??,
        clock.next().unwrap_or(Some(0))?,
    );
    let hour = match parts.next() {
        None | Some("UTC" | "GMT") => hour,
        Some(half) if (1..=12).contains(&hour) => match half.to_ascii_lowercase().as_str() {
            "am" => hour % 12,
            "pm" => hour % 12 + 12,
            _ => return None,
        },
        Some(_) => return None,
    };
    let time = NaiveTime::from_hms_opt(hour, minute, second)?;
    Some(NaiveDateTime::new(date, time).and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests;
