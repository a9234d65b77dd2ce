//! Walking over JSON text that [`super::split::Scanner`] has already found sound. On any other text
//! the walk ends early; it never panics.

use std::borrow::Cow;

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// The name between its quotes, still escaped.
    pub key: &'a str,
    /// The text of the value.
    pub value: &'a str,
}

/// Position of the first byte at or after `from` that a string cannot run over: a quote, a
/// backslash or a control character. The length of `bytes` if there is none.
#[inline]
pub(super) fn string_stop(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        let hits = ((quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word))
            & HIGH;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && !matches!(bytes[at], b'"' | b'\\' | 0..0x20) {
        at += 1;
    }
    at
}

/// Position behind the closing quote of the string whose opening quote is at `at`.
fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = string_stop(bytes, at);
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Position behind the value that starts at `at`.
pub(super) fn skip_value(bytes: &[u8], mut at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => return skip_string(bytes, at),
        Some(b'{' | b'[') => {}
        _ => {
            while bytes.get(at).is_some_and(|byte| {
                !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
            }) {
                at += 1;
            }
            return at;
        }
    }
    let mut depth = 0usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = skip_string(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The members of an object, in order; none for any other value.
pub(super) fn members(text: &str) -> Members<'_> {
    let at = skip_space(text.as_bytes(), 0);
    let at = if text.as_bytes().get(at) == Some(&b'{') {
        at + 1
    } else {
        text.len()
    };
    Members { text, at }
}

/// See [`members`].
pub(super) struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = skip_string(bytes, at);
        let key = self.text.get(at + 1..key_end.checked_sub(1)?)?;
        let colon = skip_space(bytes, key_end);
        let start = skip_space(bytes, colon + 1);
        let end = skip_value(bytes, start);
        self.at = end;
        Some(Member {
            key,
            value: self.text.get(start..end)?,
        })
    }
}

/// The elements of an array, in order; none for any other value.
pub(super) fn elements(text: &str) -> Elements<'_> {
    let at = skip_space(text.as_bytes(), 0);
    let at = if text.as_bytes().get(at) == Some(&b'[') {
        at + 1
    } else {
        text.len()
    };
    Elements { text, at }
}

/// See [`elements`].
pub(super) struct Elements<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
        if matches!(bytes.get(at), None | Some(b']')) {
            return None;
        }
        let end = skip_value(bytes, at);
        if end == at {
            return None;
        }
        self.at = end;
        self.text.get(at..end)
    }
}

/// The value of the first member named `key`, written without escapes.
pub(super) fn find<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    members(text)
        .find(|member| member.key == key)
        .map(|member| member.value)
}

/// The content of a JSON string token; `None` for any other value.
pub(super) fn string(token: &str) -> Option<Cow<'_, str>> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    Some(unescape(inner))
}

/// The content of a JSON string, or the JSON text of any other value but null.
pub(super) fn text(token: &str) -> Option<Cow<'_, str>> {
    if token == "null" {
        None
    } else {
        string(token).or(Some(Cow::Borrowed(token)))
    }
}

/// The text between the quotes of a JSON string without its escapes. Half of a surrogate pair
/// becomes U+FFFD.
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut out = String::with_capacity(raw.len());
    let (head, mut rest) = raw.split_at(first);
    out.push_str(head);
    while let Some(escape) = rest.strip_prefix('\\') {
        let (c, used) = escaped_char(escape);
        out.push(c);
        rest = escape.get(used..).unwrap_or_default();
        let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    Cow::Owned(out)
}

/// The character of an escape (behind its backslash) and the bytes it takes there.
fn escaped_char(escape: &str) -> (char, usize) {
    let Some(first) = escape.chars().next() else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    let plain = match first {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => return unicode_escape(escape),
        other => other,
    };
    (plain, first.len_utf8())
}

fn unicode_escape(escape: &str) -> (char, usize) {
    let unit = |from: usize| {
        escape
            .get(from..from + 4)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    let Some(high) = unit(1) else {
        return (char::REPLACEMENT_CHARACTER, 1);
    };
    if let Some(c) = char::from_u32(high) {
        return (c, 5);
    }
    let low = if high < 0xdc00 && escape.get(5..7) == Some("\\u") {
        unit(7)
    } else {
        None
    };
    match low {
        Some(low @ 0xdc00..=0xdfff) => {
            let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                11,
            )
        }
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}

/// Writes `text` as a JSON string with its quotes.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while !rest.is_empty() {
        let stop = string_stop(rest.as_bytes(), 0);
        out.push_str(&rest[..stop]);
        let Some(c) = rest[stop..].chars().next() else {
            break;
        };
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control => {
                let code = u32::from(control);
                out.push_str("\\u00");
                out.extend(
                    [code >> 4, code & 15]
                        .into_iter()
                        .filter_map(|nibble| char::from_digit(nibble, 16)),
                );
            }
        }
        rest = &rest[stop + 1..];
    }
    out.push('"');
}

/// Builds a JSON object out of members whose names and values are JSON text already.
#[derive(Debug, Default)]
pub(super) struct ObjectWriter {
    out: String,
}

impl ObjectWriter {
    pub(super) fn push(&mut self, raw_key: &str, value: &str) {
        if self.out.is_empty() {
            self.out.reserve(raw_key.len() + value.len() + 64);
        }
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        self.out.push('"');
        self.out.push_str(raw_key);
        self.out.push_str("\":");
        self.out.push_str(value);
    }

    /// The object, or `None` when nothing was pushed.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.out.is_empty() {
            return None;
        }
        self.out.push('}');
        Some(self.out)
    }
}

#[cfg(test)]
mod tests;
