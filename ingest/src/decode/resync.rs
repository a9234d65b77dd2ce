//! Finding the next record after text that is not JSON.

use super::json::skip_space;
use super::split::CONTAINERS;

/// Bytes looked at before and behind a bracket to judge it; also the longest white space followed.
pub(super) const MARGIN: usize = 256;

/// Names that stand first in records and their wrappers and nowhere else: as a rule records are
/// written in `CloudTrail`'s order or sorted by name.
const FIRST_NAMES: [&str; 15] = [
    "eventVersion",
    "additionalEventData",
    "apiVersion",
    "awsRegion",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "userIdentity",
    "CloudTrailEvent",
    "EventId",
    "aws",
    "detail",
];

/// What stands at a place where reading may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Restart {
    /// Position of the bracket.
    pub at: usize,
    /// It opens a whole document and not an element.
    pub document: bool,
}

/// The first place at or after `from` that looks like the start of a record: an opening brace at the
/// start of a line, or one that is followed by a name that only stands first in records (`learned`
/// is the first name of the last good record) and does not stand where a member's value would.
pub(super) fn next_start(
    bytes: &[u8],
    from: usize,
    before: &[u8],
    learned: &[u8],
) -> Option<Restart> {
    let rest = bytes.get(from..)?;
    memchr::memchr_iter(b'{', rest).find_map(|found| judge(bytes, from + found, before, learned))
}

fn judge(bytes: &[u8], at: usize, before: &[u8], learned: &[u8]) -> Option<Restart> {
    let name = first_name(bytes, at);
    let document =
        name.is_some_and(|name| CONTAINERS.iter().any(|wanted| wanted.as_bytes() == name));
    let behind = |count: usize| match at.checked_sub(count) {
        Some(index) => bytes.get(index).copied(),
        None => before
            .len()
            .checked_sub(count - at)
            .and_then(|index| before.get(index).copied()),
    };
    // The opening brace may be the very first byte of the text.
    if behind(1).is_none_or(|byte| byte == b'\n' || byte == b'\r') {
        return Some(Restart { at, document });
    }
    let known = document
        || name.is_some_and(|name| {
            name == learned || FIRST_NAMES.iter().any(|wanted| wanted.as_bytes() == name)
        });
    if !known {
        return None;
    }
    let previous = (1..MARGIN)
        .map_while(behind)
        .find(|byte| !byte.is_ascii_whitespace());
    let member_value = previous == Some(b':');
    // A whole record inside a broken wrapper; records do not hold records otherwise.
    let wrapped = member_value && name == Some(b"eventVersion");
    let fits = wrapped || !member_value && !matches!(previous, Some(b'\\' | b'"'));
    fits.then_some(Restart { at, document })
}

/// The first member name of the object that opens at `at`.
pub(super) fn first_name(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let end = bytes.len().min(at + MARGIN);
    let window = &bytes[..end];
    let quote = skip_space(window, at + 1);
    if window.get(quote) != Some(&b'"') {
        return None;
    }
    let name = &window[quote + 1..];
    name.get(..memchr::memchr(b'"', name)?)
}

/// The length of a `CloudWatch` export line's time stamp and space at the start of `line`.
pub(super) fn time_stamp(line: &[u8]) -> Option<usize> {
    let length = line
        .iter()
        .take(MARGIN)
        .take_while(|byte| {
            matches!(
                byte,
                b'0'..=b'9' | b'-' | b':' | b'.' | b'T' | b'Z' | b'+' | b' ' | b'\t'
            )
        })
        .count();
    let stamp = line.get(..length)?;
    let sound =
        length >= 11 && stamp[0].is_ascii_digit() && matches!(stamp[length - 1], b' ' | b'\t');
    (sound && line.get(length) == Some(&b'{')).then_some(length)
}

#[cfg(test)]
mod tests;
