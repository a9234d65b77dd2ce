//! Times as CloudTrail writes them. Every time is in seconds since the Unix
//! epoch, UTC.

use chrono::{DateTime, Datelike, Timelike, Utc};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Seconds in a minute.
pub(super) const MINUTE: i64 = 60;
/// Seconds in an hour.
pub(super) const HOUR: i64 = 3600;

fn date_time(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap_or_default()
}

fn two(out: &mut String, value: u32) {
    out.push(char::from(b'0' + (value / 10 % 10) as u8));
    out.push(char::from(b'0' + (value % 10) as u8));
}

fn year(out: &mut String, value: i32) {
    let value = value.unsigned_abs();
    two(out, value / 100);
    two(out, value % 100);
}

/// Appends `2026-06-26T09:54:24Z`, the form of `eventTime` and `creationDate`.
pub(super) fn write_iso(out: &mut String, at: i64) {
    let time = date_time(at);
    year(out, time.year());
    out.push('-');
    two(out, time.month());
    out.push('-');
    two(out, time.day());
    out.push('T');
    two(out, time.hour());
    out.push(':');
    two(out, time.minute());
    out.push(':');
    two(out, time.second());
    out.push('Z');
}

/// Returns `Jun 26, 2026, 10:54:24 AM`, the form of `credentials.expiration`
/// and of the dates in IAM's response elements (IAM User Guide, "Logging IAM
/// and AWS STS API calls with AWS CloudTrail").
pub(super) fn english(at: i64) -> String {
    let time = date_time(at);
    let (pm, hour) = time.hour12();
    let month = MONTHS[time.month0() as usize % MONTHS.len()];
    let half = if pm { "PM" } else { "AM" };
    format!(
        "{month} {}, {}, {hour}:{:02}:{:02} {half}",
        time.day(),
        time.year(),
        time.minute(),
        time.second()
    )
}

/// Returns the folder part `2026/06/26` of a trail object key.
pub(super) fn folder(at: i64) -> String {
    let time = date_time(at);
    format!("{:04}/{:02}/{:02}", time.year(), time.month(), time.day())
}

/// Returns the delivery slot `20260626T0955Z` of a trail object key.
pub(super) fn slot(at: i64) -> String {
    let time = date_time(at);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}Z",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute()
    )
}

/// Returns `20260626T095524Z`, the form in the names of inventory files.
pub(super) fn stamp(at: i64) -> String {
    let mut out = String::new();
    write_iso(&mut out, at);
    out.retain(|character| !matches!(character, '-' | ':'));
    out
}

/// Returns `2026-06-26T09:54:24+00:00`, the form of times in what version 2 of
/// the AWS CLI prints.
pub(super) fn offset(at: i64) -> String {
    let mut out = String::new();
    write_iso(&mut out, at);
    out.pop();
    out.push_str("+00:00");
    out
}

#[cfg(test)]
mod tests;
