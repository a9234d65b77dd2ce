//! An event id for records without one, the same for every writing of the same record.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::json::{self, push_string};

/// Half of a SHA-256 is enough to tell records apart and as long as a UUID without its dashes.
const ID_BYTES: usize = 16;

/// `derived-` and 32 hexadecimal digits of the SHA-256 of the canonical text.
pub(super) fn derived_id(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    write_value(&mut canonical, text);
    let digest = Sha256::digest(canonical.as_bytes());
    let mut id = String::from("derived-");
    for byte in &digest[..ID_BYTES] {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Compact JSON with sorted names and one way to write each string. Recursion is bounded by
/// `Limits::depth`.
fn write_value(out: &mut String, text: &str) {
    match text.as_bytes().first() {
        Some(b'{') => {
            let mut members: Vec<(Cow<'_, str>, &str)> = json::members(text)
                .map(|member| (json::unescape(member.key), member.value))
                .collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_string(out, key);
                out.push(':');
                write_value(out, value);
            }
            out.push('}');
        }
        Some(b'[') => {
            out.push('[');
            for (index, element) in json::elements(text).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, element);
            }
            out.push(']');
        }
        Some(b'"') => push_string(out, &json::string(text).unwrap_or_default()),
        _ => out.push_str(text),
    }
}

#[cfg(test)]
mod tests;
