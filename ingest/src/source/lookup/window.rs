//! Objects of a lookup: windows of time and access keys, and their names.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

/// Scheme of the keys.
const SCHEME: &str = "lookup://";

/// What one object asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// All events of a time.
    Window(Window),
    /// The events that name an access key as a resource.
    AccessKey(String),
}

/// A stretch of time, in whole seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) seconds: i64,
}

impl Window {
    /// Where the next one begins.
    pub(super) fn end(self) -> i64 {
        self.start.saturating_add(self.seconds)
    }
}

/// Names an object.
pub(super) fn name(account: &str, region: &str, subject: &Subject) -> String {
    match subject {
        Subject::Window(window) => format!(
            "{SCHEME}{account}/{region}/{}/{}",
            instant(window.start),
            length(window.seconds)
        ),
        Subject::AccessKey(key) => format!("{SCHEME}{account}/{region}/key/{key}"),
    }
}

/// Reads a name: account, region, and what is asked for.
pub(super) fn parse(key: &str) -> Option<(&str, &str, Subject)> {
    let parts: Vec<&str> = key.strip_prefix(SCHEME)?.split('/').collect();
    let [account, region, first, second] = parts.as_slice() else {
        return None;
    };
    let subject = if *first == "key" {
        Subject::AccessKey(access_key(second)?.to_owned())
    } else {
        let start = DateTime::parse_from_rfc3339(first).ok()?.timestamp();
        Subject::Window(Window {
            start,
            seconds: parse_length(second)?,
        })
    };
    Some((account, region, subject))
}

/// An access key id, if it is formed like one.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>
pub(super) fn access_key(text: &str) -> Option<&str> {
    let is_sound = (16..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_sound.then_some(text)
}

/// Windows of a length, aligned to it whatever the bounds, so that each has the same name in every run:
/// those that hold any of `from..to`, in seconds.
pub(super) fn windows(from: i64, to: i64, length: Duration) -> impl Iterator<Item = Window> {
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX).max(1);
    let first = from.div_euclid(seconds).saturating_mul(seconds);
    std::iter::successors(Some(first), move |start| start.checked_add(seconds))
        .take_while(move |start| *start < to)
        .map(move |start| Window { start, seconds })
}

/// A time as RFC 3339, in UTC.
pub(super) fn instant(seconds: i64) -> String {
    let time: DateTime<Utc> = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A length as ISO 8601, in the largest unit that divides it.
fn length(seconds: i64) -> String {
    match seconds {
        whole if whole % 3_600 == 0 => format!("PT{}H", whole / 3_600),
        whole if whole % 60 == 0 => format!("PT{}M", whole / 60),
        whole => format!("PT{whole}S"),
    }
}

fn parse_length(text: &str) -> Option<i64> {
    let number = text.strip_prefix("PT")?;
    let (number, unit) = number.split_at_checked(number.len().checked_sub(1)?)?;
    let unit = match unit {
        "H" => 3_600,
        "M" => 60,
        "S" => 1,
        _ => return None,
    };
    let seconds = number.parse::<i64>().ok()?.checked_mul(unit)?;
    (seconds > 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Subject, Window, instant, name, parse, windows};

    #[test]
    fn names_are_read_back() {
        let subjects = [
            (3_600, "PT1H"),
            (900, "PT15M"),
            (7_200, "PT2H"),
            (90, "PT90S"),
        ]
        .map(|(seconds, text)| {
            let start = 1_795_338_000;
            let subject = Subject::Window(Window { start, seconds });
            let key = format!("lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z/{text}");
            (subject, key)
        });
        let issued = Subject::AccessKey("ASIAEXAMPLE000000001".to_owned());
        let issued_key = "lookup://111122223333/eu-west-1/key/ASIAEXAMPLE000000001".to_owned();
        for (subject, key) in subjects.into_iter().chain([(issued, issued_key)]) {
            assert_eq!(name("111122223333", "eu-west-1", &subject), key);
            assert_eq!(parse(&key), Some(("111122223333", "eu-west-1", subject)));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for key in [
            "s3://bucket/key",
            "lookup://",
            "lookup://111122223333/eu-west-1",
            "lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z",
            "lookup://111122223333/eu-west-1/yesterday/PT1H",
            "lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z/PT",
            "lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z/PT-1H",
            "lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z/PT9999999999999999H",
            "lookup://111122223333/eu-west-1/2026-11-22T09:00:00Z/PTé",
            "lookup://111122223333/eu-west-1/key/asia",
            "lookup://111122223333/eu-west-1/key/ASIAEXAMPLE00000000'",
        ] {
            assert_eq!(parse(key), None, "{key}");
        }
    }

    #[test]
    fn windows_are_aligned_and_leave_no_gap() {
        let from = 1_795_338_000 + 1_234;
        let to = from + 3 * 3_600;
        let all: Vec<Window> = windows(from, to, Duration::from_hours(1)).collect();
        let starts: Vec<String> = all.iter().map(|window| instant(window.start)).collect();
        assert_eq!(
            starts,
            [
                "2026-11-22T09:00:00Z",
                "2026-11-22T10:00:00Z",
                "2026-11-22T11:00:00Z",
                "2026-11-22T12:00:00Z",
            ]
        );
        assert!(all.windows(2).all(|pair| pair[0].end() == pair[1].start));
        // A bound on a border takes no window behind it.
        assert_eq!(windows(0, 3_600, Duration::from_hours(1)).count(), 1);
        assert_eq!(windows(5, 5, Duration::from_hours(1)).count(), 1);
        assert_eq!(windows(7_200, 3_600, Duration::from_hours(1)).count(), 0);
    }
}
