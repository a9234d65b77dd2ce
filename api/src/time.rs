//! Times and durations as people write them.

use chrono::{DateTime, Days, Duration, NaiveDate, SecondsFormat, Utc};

/// Reads a time: RFC 3339, a date (its first moment in UTC), or a time ago such as `-7d`.
///
/// # Errors
/// What to write, for a text that is none of these.
pub fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    moment_at(text, Utc::now())
}

/// Reads a time at which something ends: as [`moment`], but a date stands for its last moment.
///
/// # Errors
/// As [`moment`].
pub fn end(text: &str) -> Result<DateTime<Utc>, String> {
    end_at(text, Utc::now())
}

/// Reads a time before which something ends: as [`moment`], but a date stands for the first moment after it.
///
/// # Errors
/// What to write, for a text that is none of these.
pub fn before(text: &str) -> Result<DateTime<Utc>, String> {
    let time = moment(text)?;
    if text.parse::<NaiveDate>().is_err() {
        return Ok(time);
    }
    time.checked_add_days(Days::new(1))
        .ok_or_else(|| "too late a date".to_owned())
}

fn moment_at(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    text.strip_prefix('-')
        .and_then(|ago| duration(ago).ok())
        .and_then(|ago| now.checked_sub_signed(ago))
        .ok_or_else(|| {
            "give a time like 2026-05-01T12:00:00Z, a date like 2026-05-01, or a time ago like -7d"
                .to_owned()
        })
}

fn end_at(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let time = moment_at(text, now)?;
    if text.parse::<NaiveDate>().is_err() {
        return Ok(time);
    }
    time.checked_add_days(Days::new(1))
        .and_then(|next| next.checked_sub_signed(Duration::microseconds(1)))
        .ok_or_else(|| "too late a date".to_owned())
}

/// Reads a duration such as `30s`, `5m`, `12h`, `7d` or `2w`.
///
/// # Errors
/// What to write, for a text that is none of these.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "give a duration like 30s, 5m, 12h, 7d or 2w".to_owned();
    let unit = text.chars().last().ok_or_else(refused)?;
    let number: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| refused())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(refused()),
    };
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds >= 0)
        .and_then(Duration::try_seconds)
        .ok_or_else(refused)
}

/// Writes a time to the second.
#[must_use]
pub fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = moment_at("2026-05-08T06:00:00Z", DateTime::UNIX_EPOCH).unwrap();
        for (text, wanted) in [
            ("2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z"),
            ("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00Z"),
            ("2026-05-01", "2026-05-01T00:00:00Z"),
            ("-7d", "2026-05-01T06:00:00Z"),
            ("-90m", "2026-05-08T04:30:00Z"),
            ("-2w", "2026-04-24T06:00:00Z"),
        ] {
            assert_eq!(shown(moment_at(text, now).unwrap()), wanted, "{text}");
        }
        for text in [
            "",
            "yesterday",
            "7d",
            "-7",
            "-7y",
            "--7d",
            "-9223372036854775807w",
            "2026-13-01",
            "-é",
        ] {
            assert!(moment_at(text, now).is_err(), "{text}");
        }
        assert_eq!(
            shown(end_at("2026-05-01", now).unwrap()),
            "2026-05-01T23:59:59Z"
        );
        assert_eq!(shown(end_at("-1h", now).unwrap()), "2026-05-08T05:00:00Z");
    }
}
