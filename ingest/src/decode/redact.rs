//! Taking credentials out of records and out of refused text.
//!
//! A member whose name says that it holds a credential is dropped; a JSON web token or an STS
//! session token inside any string becomes `REDACTED`, also in JSON inside JSON strings. Access key
//! ids, pagination tokens and what AWS hid itself stay.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::json::{self, push_string};
use super::limits::{DEPTH_CEILING, NESTED_TEXTS};
use super::scrub::scrub;
use super::split::shape_of;

/// What stands in the place of a credential.
pub(super) const REDACTED: &str = "REDACTED";
/// What AWS services write in the place of a credential.
pub(super) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Shortest part of a JSON web token.
pub(super) const JWT_PART_MIN: usize = 8;
/// Shortest string that can be one of the tokens looked for: two parts and a dot.
const TOKEN_MIN: usize = 2 * JWT_PART_MIN + 1;
/// Shortest escaped string that is looked into: `{"password":"x"}` is 16 bytes.
pub(super) const NESTED_MIN: usize = 12;

/// How STS session tokens begin (the base64 of their first bytes).
pub(super) const STS_PREFIXES: [&[u8]; 4] = [b"IQoJ", b"FwoG", b"FQoG", b"AQoD"];
/// How JSON web tokens begin: the base64 of `{"`.
pub(super) const JWT_PREFIX: &[u8] = b"eyJ";
/// STS session tokens are several hundred bytes long.
pub(super) const STS_MIN: usize = 100;
/// Shortest name of a credential (`idToken`).
const NAME_MIN: usize = 7;
/// Longest member name that is compared.
const NAME_MAX: usize = 40;

/// Whether a member of this (still escaped) name holds a credential. Case, `-` and `_` do not matter.
#[inline]
pub(super) fn secret_name(name: &[u8]) -> bool {
    if name.len() < NAME_MIN {
        return false;
    }
    let [.., before, last] = name else {
        return false;
    };
    // The last two letters of every name below; almost all other names fail here.
    let likely = match last | 0x20 {
        b'n' => matches!(before | 0x20, b'e' | b'o'),
        b'y' => matches!(before | 0x20, b'e' | b'r'),
        b't' => matches!(before | 0x20, b'e' | b'x' | b'n'),
        b'e' => matches!(before | 0x20, b'r' | b's' | b'd'),
        b'd' => before | 0x20 == b'r',
        b'g' => before | 0x20 == b'n',
        b'l' => before | 0x20 == b'a',
        _ => false,
    };
    likely && name.len() <= 2 * NAME_MAX && secret_name_of(name)
}

fn secret_name_of(name: &[u8]) -> bool {
    let mut plain = [0u8; NAME_MAX];
    let mut length = 0;
    for byte in name.iter().filter(|byte| !matches!(byte, b'-' | b'_')) {
        let Some(slot) = plain.get_mut(length) else {
            return false;
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = &plain[..length];
    plain.ends_with(b"password")
        || plain.ends_with(b"passphrase")
        || matches!(
            plain,
            b"sessiontoken"
                | b"awssessiontoken"
                | b"securitytoken"
                | b"xamzsecuritytoken"
                | b"xamzsignature"
                | b"xamzs3sessiontoken"
                | b"secretaccesskey"
                | b"awssecretaccesskey"
                | b"secretkey"
                | b"secretstring"
                | b"secretbinary"
                | b"clientsecret"
                | b"webidentitytoken"
                | b"samlassertion"
                | b"samlresponse"
                | b"clientassertion"
                | b"assertion"
                | b"subjecttoken"
                | b"actortoken"
                | b"privatekey"
                | b"privatekeyplaintext"
                | b"keymaterial"
                | b"plaintext"
                | b"ciphertextforrecipient"
                | b"authorizationtoken"
                | b"authtoken"
                | b"bearertoken"
                | b"signintoken"
                | b"refreshtoken"
                | b"accesstoken"
                | b"idtoken"
                | b"devicecode"
                | b"authorizationcode"
        )
}

/// Searches for what tokens and signed queries begin with. Built once, as building costs more than a
/// search of one record.
pub(super) struct Finders {
    jwt: Finder<'static>,
    sts: [Finder<'static>; 4],
    signature: Finder<'static>,
}

impl Finders {
    pub(super) fn new() -> Self {
        Self {
            jwt: Finder::new(JWT_PREFIX),
            sts: STS_PREFIXES.map(Finder::new),
            signature: Finder::new(b"X-Amz-S"),
        }
    }

    /// Whether `bytes`, whose longest string has `longest` bytes, may hold a credential; true too often
    /// rather than too rarely.
    pub(super) fn may_hold_token(&self, bytes: &[u8], longest: usize) -> bool {
        if longest < TOKEN_MIN {
            return false;
        }
        let holds = |finder: &Finder<'_>| finder.find(bytes).is_some();
        holds(&self.jwt)
            || longest >= STS_MIN && self.sts.iter().any(holds)
            || holds(&self.signature)
    }
}

/// Writes sound JSON text again: compact, without credentials and without halves of surrogate pairs.
pub(super) fn rewrite(text: &str) -> String {
    let finders = Finders::new();
    let mut writer = Writer {
        text,
        out: String::with_capacity(text.len()),
        changed: false,
        level: 0,
        finders: &finders,
    };
    writer.value(json::skip_space(text.as_bytes(), 0));
    writer.out
}

/// Reads and writes in one pass; a value is passed over only when it is dropped. Recursion is bounded:
/// what is nested deeper than `Limits::depth` was refused before.
struct Writer<'a> {
    text: &'a str,
    out: String,
    changed: bool,
    level: usize,
    finders: &'a Finders,
}

impl<'a> Writer<'a> {
    /// Writes the value that starts at `at` and returns the position behind it.
    fn value(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        match bytes.get(at) {
            Some(b'{') => self.object(at + 1),
            Some(b'[') => self.array(at + 1),
            Some(b'"') => {
                let end = json::skip_value(bytes, at);
                self.string(self.slice(at + 1, end.saturating_sub(1)));
                end
            }
            _ => {
                let end = json::skip_value(bytes, at);
                self.out.push_str(self.slice(at, end));
                end
            }
        }
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn array(&mut self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        self.out.push('[');
        loop {
            at = json::skip_space(bytes, at);
            match bytes.get(at) {
                None | Some(b']') => break,
                Some(b',') => {
                    self.out.push(',');
                    at += 1;
                }
                Some(_) => at = self.value(at).max(at + 1),
            }
        }
        self.out.push(']');
        at + 1
    }

    fn object(&mut self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        self.out.push('{');
        let start = self.out.len();
        loop {
            at = json::skip_space(bytes, at);
            if bytes.get(at) == Some(&b',') {
                at = json::skip_space(bytes, at + 1);
            }
            if bytes.get(at) != Some(&b'"') {
                break;
            }
            let end = json::skip_value(bytes, at);
            let key = self.slice(at + 1, end.saturating_sub(1));
            let value = json::skip_space(bytes, json::skip_space(bytes, end) + 1);
            if secret_name(json::unescape(key).as_bytes()) {
                at = json::skip_value(bytes, value);
                if is_secret(self.slice(value, at)) {
                    self.changed = true;
                    continue;
                }
            }
            if self.out.len() > start {
                self.out.push(',');
            }
            self.name(key);
            self.out.push(':');
            at = self.value(value);
        }
        self.out.push('}');
        at + 1
    }

    /// Names are written without needless escapes, so that whoever reads the result can compare them
    /// as they stand.
    fn name(&mut self, raw: &str) {
        if raw.contains('\\') {
            let plain = json::unescape(raw);
            let clean = self.clean(&plain);
            push_string(&mut self.out, clean.as_deref().unwrap_or(&plain));
        } else {
            self.string(raw);
        }
    }

    fn string(&mut self, raw: &str) {
        let plain = json::unescape(raw);
        if let Some(clean) = self.clean(&plain) {
            self.changed = true;
            push_string(&mut self.out, &clean);
        } else if raw.contains('\\') && plain.contains(char::REPLACEMENT_CHARACTER) {
            push_string(&mut self.out, &plain);
        } else {
            self.out.push('"');
            self.out.push_str(raw);
            self.out.push('"');
        }
    }

    /// The string without credentials, or `None` if it holds none.
    fn clean(&self, plain: &str) -> Option<String> {
        // Without a quote or an equals sign there is no name of a credential in front of a value.
        let named =
            plain.len() >= NESTED_MIN && memchr::memchr2(b'=', b'"', plain.as_bytes()).is_some();
        if !named && !self.finders.may_hold_token(plain.as_bytes(), plain.len()) {
            return None;
        }
        let nested =
            named && plain.trim_start().starts_with(['{', '[', '"']) && self.level < NESTED_TEXTS;
        if nested && shape_of(plain, DEPTH_CEILING).is_some_and(|shape| !shape.too_deep) {
            let out = String::with_capacity(plain.len());
            let mut inner = Writer {
                text: plain,
                out,
                changed: false,
                level: self.level + 1,
                finders: self.finders,
            };
            inner.value(json::skip_space(plain.as_bytes(), 0));
            return inner.changed.then_some(inner.out);
        }
        match scrub(plain, false) {
            Cow::Owned(clean) => Some(clean),
            Cow::Borrowed(_) => None,
        }
    }
}

/// Whether the value of a member named like a credential is one: a flag ("change password: true") and
/// what AWS hid itself are not.
fn is_secret(value: &str) -> bool {
    !matches!(value, "true" | "false" | "null" | "\"\"") && value.trim_matches('"') != HIDDEN
}

/// The first `limit` bytes of refused bytes, readable and free of credentials.
pub(super) fn excerpt(bytes: &[u8], limit: usize) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]);
    let mut text = scrub(&head, true).into_owned();
    truncate(&mut text, limit);
    text
}

/// Whole text of any kind, free of credentials; JSON is written again compactly.
#[cfg(feature = "aws")]
pub(crate) fn clean(text: &str) -> String {
    // Parsed for its depth, too, which `rewrite` relies on.
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return rewrite(text);
    }
    scrub(text, false).into_owned()
}

/// Cuts `text` to at most `limit` bytes, at a character.
pub(crate) fn truncate(text: &mut String, limit: usize) {
    if text.len() > limit {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests;
