//! Taking credentials out of text that is not JSON, or not JSON any more.

use std::borrow::Cow;

use memchr::memmem;

use super::redact::{
    HIDDEN, JWT_PART_MIN, JWT_PREFIX, REDACTED, STS_MIN, STS_PREFIXES, secret_name,
};

/// As [`super::redact::STS_MIN`] in text that may be cut.
const STS_CUT_MIN: usize = 16;
/// In text that is not JSON a base64 run of this length may be the rest of a broken token; a secret
/// access key has 40 characters.
const BASE64_RUN: usize = 40;

/// Takes credentials out of text of any kind. With `cut`, the text may begin or end inside a token:
/// everything that could be a part of one goes.
pub(super) fn scrub(text: &str, cut: bool) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    // A base64 run is searched once, at its first word.
    let mut searched = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let mut hit = secret_member(bytes, at);
        if hit.is_none() && at >= searched {
            while is_base64(bytes, searched.max(at)) {
                searched = searched.max(at) + 1;
            }
            hit = token(bytes, at, searched, cut);
        }
        match hit {
            Some(Hit::Secret { from, to }) => {
                let out = out.get_or_insert_with(|| String::with_capacity(bytes.len()));
                out.push_str(text.get(copied..from).unwrap_or_default());
                out.push_str(REDACTED);
                copied = to;
                at = to;
            }
            Some(Hit::Plain { to }) => at = to,
            None => at = word_end(bytes, at),
        }
    }
    let Some(mut out) = out else {
        return Cow::Borrowed(text);
    };
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

enum Hit {
    Secret { from: usize, to: usize },
    Plain { to: usize },
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_base64(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(b'+' | b'/' | b'=' | b'%') => true,
        // An escaped slash or plus sign.
        Some(b'\\') => matches!(bytes.get(at + 1), Some(b'/' | b'u')),
        Some(byte) => is_word(*byte),
        None => false,
    }
}

fn word_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_word(*byte)) {
        at += 1;
    }
    at
}

fn skip(bytes: &[u8], mut at: usize, wanted: &[u8]) -> usize {
    while bytes.get(at).is_some_and(|byte| wanted.contains(byte)) {
        at += 1;
    }
    at
}

/// Where the value begins whose secret name the word at `at` is.
fn secret_value(bytes: &[u8], at: usize) -> Option<usize> {
    let end = word_end(bytes, at);
    if !secret_name(&bytes[at..end]) {
        return None;
    }
    let sign = skip(bytes, end, b"\\\"' \t\r\n");
    matches!(bytes.get(sign), Some(b':' | b'=')).then(|| skip(bytes, sign + 1, b" \t\r\n"))
}

/// The value behind a name of a secret member, quoted at any level of escaping or bare.
fn secret_member(bytes: &[u8], at: usize) -> Option<Hit> {
    let from = secret_value(bytes, at)?;
    let quote = skip(bytes, from, b"\\");
    let (from, to) = match bytes.get(quote) {
        // Where a value was lost, the next name stands in its place.
        Some(b'"') if secret_value(bytes, quote + 1).is_some() => {
            return Some(Hit::Plain { to: quote + 1 });
        }
        Some(b'"') => (quote + 1, quoted_end(bytes, quote + 1, quote - from)),
        Some(b'{' | b'[') => (from, bytes.len()),
        _ => (from, bare_end(bytes, from)),
    };
    let value = &bytes[from..to];
    let kept = matches!(value, b"" | b"true" | b"false" | b"null") || value == HIDDEN.as_bytes();
    Some(if kept {
        Hit::Plain { to }
    } else {
        Hit::Secret { from, to }
    })
}

/// The first quote that no more backslashes precede than the opening one; the end of the text if none.
fn quoted_end(bytes: &[u8], from: usize, level: usize) -> usize {
    let mut slashes = 0;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'\\' => slashes += 1,
            b'"' if slashes <= level => return at - slashes,
            _ => slashes = 0,
        }
    }
    bytes.len()
}

fn bare_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|byte| {
            matches!(
                byte,
                b',' | b'}' | b']' | b'&' | b';' | b'"' | b' ' | b'\t' | b'\r' | b'\n'
            )
        })
        .map_or(bytes.len(), |length| from + length)
}

/// A JSON web token or an STS session token that begins in the base64 run `at..end`.
fn token(bytes: &[u8], at: usize, end: usize, cut: bool) -> Option<Hit> {
    let run = &bytes[at..end];
    if cut && run.len() >= BASE64_RUN {
        return Some(Hit::Secret {
            from: at,
            to: jwt_end(bytes, end),
        });
    }
    let jwt = memmem::find(run, JWT_PREFIX)
        .filter(|head| run.len() - head >= JWT_PART_MIN)
        .map(|head| (head, jwt_end(bytes, end)))
        .filter(|(_, to)| cut || *to > end + JWT_PART_MIN);
    let sts_min = if cut { STS_CUT_MIN } else { STS_MIN };
    let sts = if run.len() < sts_min {
        None
    } else {
        STS_PREFIXES
            .iter()
            .filter_map(|prefix| memmem::find(run, prefix))
            .min()
            .filter(|found| run.len() - found >= sts_min)
    };
    // One run may hold both, in any order.
    let (from, to) = match (jwt, sts) {
        (Some((head, to)), sts) => (sts.map_or(head, |found| found.min(head)), to),
        (None, Some(found)) => (found, end),
        (None, None) => return None,
    };
    Some(Hit::Secret {
        from: at + from,
        to,
    })
}

/// The end of the dot-separated base64 parts that follow a first part ending at `end`. A part may be
/// empty.
fn jwt_end(bytes: &[u8], mut end: usize) -> usize {
    while bytes.get(end) == Some(&b'.') {
        end += 1;
        while is_base64(bytes, end) {
            end += 1;
        }
    }
    end
}

#[cfg(test)]
mod tests;
