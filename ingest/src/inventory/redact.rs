//! Showing the structure of refused text without its secrets.

use super::limits::{REJECT_DETAIL, REJECT_TEXT};

/// Member names that are shown. Names of other members may be a user's own.
const NAMES: &[&str] = &[
    "Arn",
    "InstanceId",
    "Instances",
    "RoleName",
    "accessEntry",
    "annotations",
    "apiVersion",
    "association",
    "cluster",
    "clusterName",
    "containers",
    "data",
    "env",
    "initContainers",
    "items",
    "kind",
    "labels",
    "level",
    "message",
    "metadata",
    "name",
    "namespace",
    "nodegroup",
    "objectRef",
    "requestObject",
    "resource",
    "responseObject",
    "responseStatus",
    "serviceAccount",
    "spec",
    "stage",
    "status",
    "subresource",
    "timestamp",
    "type",
    "user",
    "value",
    "verb",
];

/// Members whose value is shown, if it looks like a name.
const SHOWN: &[&str] = &[
    "apiVersion",
    "clusterName",
    "kind",
    "level",
    "name",
    "namespace",
    "resource",
    "stage",
    "subresource",
    "verb",
];

/// Bytes of the longest Kubernetes name.
const PLAIN_BYTES: usize = 253;

const HIDDEN: &str = "\"…\"";

/// The structure of JSON text, which may be broken anywhere: brackets, known member names, and the
/// names of objects. Whatever is not known to be harmless is left out, so that text that slipped out of
/// its quotes does not show either.
pub(super) fn skeleton(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0;
    let mut member: Option<&str> = None;
    while at < bytes.len() && out.len() < REJECT_TEXT - PLAIN_BYTES - 8 {
        let byte = bytes[at];
        if byte == b'"' {
            let end = string_end(bytes, at + 1);
            let content = bytes.get(at + 1..end).unwrap_or_default();
            at = end + 1;
            let closed = bytes.get(end) == Some(&b'"');
            if closed && next_is_colon(bytes, at) {
                member = NAMES
                    .iter()
                    .copied()
                    .find(|name| name.as_bytes() == content);
                push(&mut out, member);
            } else {
                let shown = member.is_some_and(|name| SHOWN.contains(&name));
                let plain = plain(content).filter(|_| closed && shown);
                push(&mut out, plain);
                member = None;
            }
            continue;
        }
        if matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':') {
            if byte != b':' {
                member = None;
            }
            out.push(char::from(byte));
        }
        at += 1;
    }
    if at < bytes.len() {
        out.push('…');
    }
    out
}

fn push(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        None => out.push_str(HIDDEN),
    }
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | 0..0x20 => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn next_is_colon(bytes: &[u8], at: usize) -> bool {
    bytes
        .iter()
        .skip(at)
        .find(|byte| !byte.is_ascii_whitespace())
        == Some(&b':')
}

fn plain(content: &[u8]) -> Option<&str> {
    let harmless = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'/' | b':' | b'_')
    };
    let text = std::str::from_utf8(content).ok()?;
    (!content.is_empty() && content.len() <= PLAIN_BYTES && content.iter().all(harmless))
        .then_some(text)
}

/// Text cut to the length of a detail, between characters.
pub(super) fn detail(text: &str) -> String {
    let mut end = text.len().min(REJECT_DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
