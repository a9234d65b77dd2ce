//! Finding where a JSON value ends, in text that arrives in pieces.
//!
//! The scanner checks the whole JSON grammar on its way, so that a missing quote or bracket is seen
//! where it happens and not a megabyte later, and so that everything behind it may trust the text.
//! It keeps its place between pieces: no byte is looked at twice.

use std::ops::Range;

use super::json::string_stop;
use super::limits::{DEPTH_FOLLOWED, NUMBER_BYTES};
use super::redact;

/// One member of the scanned object: positions relative to the start of the value.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// What the scanner learnt about a value.
#[derive(Debug, Default, Clone)]
pub(super) struct Shape {
    /// Members of the value itself, when it is an object.
    pub members: Vec<Span>,
    /// White space stands between the tokens.
    pub spaced: bool,
    /// A credential may be inside; the text needs a closer look.
    pub suspect: bool,
    /// Nested deeper than the limit.
    pub too_deep: bool,
    /// Longest string in bytes.
    longest: usize,
}

/// Result of [`Scanner::run`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The piece ends inside the value.
    More,
    /// The value ends before this position.
    End(usize),
    /// A member that holds records opened its array before this position.
    Container(usize),
    /// Not JSON at this position.
    Broken(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
}

/// Names of members whose array is read element by element.
pub(super) const CONTAINERS: [&str; 4] = ["Records", "Events", "logEvents", "records"];

/// See the module documentation.
pub(super) struct Scanner {
    pos: usize,
    depth: usize,
    /// One bit per open bracket: set for an object.
    brackets: Vec<u64>,
    expect: Expect,
    limit: usize,
    watch: bool,
    container_key: bool,
    keep_members: bool,
    /// Start of the string that is open, and whether it is a member name or holds escapes.
    open: Option<(usize, bool, bool)>,
    key: Range<usize>,
    value_start: usize,
    finders: redact::Finders,
    pub shape: Shape,
}

impl Scanner {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            pos: 0,
            depth: 0,
            brackets: Vec::new(),
            expect: Expect::Value,
            limit,
            watch: false,
            container_key: false,
            keep_members: true,
            open: None,
            key: 0..0,
            value_start: 0,
            finders: redact::Finders::new(),
            shape: Shape::default(),
        }
    }

    /// Starts over, at a value. With `watch`, [`Step::Container`] is reported.
    pub(super) fn start(&mut self, watch: bool) {
        self.pos = 0;
        self.depth = 0;
        self.expect = Expect::Value;
        self.watch = watch;
        self.container_key = false;
        self.keep_members = true;
        self.open = None;
        let mut members = std::mem::take(&mut self.shape.members);
        members.clear();
        self.shape = Shape {
            members,
            ..Shape::default()
        };
    }

    /// Starts over, inside an object, behind one of its values.
    pub(super) fn start_in_object(&mut self) {
        self.start(true);
        self.keep_members = false;
        self.set_bracket(0, true);
        self.depth = 1;
        self.expect = Expect::CommaOrEnd;
    }

    /// Bytes that are not needed any more when the value is only skipped.
    pub(super) fn discard(&mut self) -> usize {
        let kept = match self.open {
            Some((start, true, _)) if self.depth == 1 && self.pos - start < NUMBER_BYTES => start,
            _ => self.pos,
        };
        self.keep_members = false;
        self.shape.members.clear();
        self.pos -= kept;
        self.value_start = 0;
        self.key = 0..0;
        if let Some((start, ..)) = &mut self.open {
            *start = start.saturating_sub(kept);
        }
        kept
    }

    /// Goes on from where the last call stopped. `bytes` starts where it started then (less what was
    /// discarded) and is longer now.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Step {
        if self.open.is_some()
            && let Some(step) = self.string(bytes)
        {
            return step;
        }
        loop {
            let Some(&byte) = bytes.get(self.pos) else {
                return Step::More;
            };
            let step = match byte {
                b'"' => self.open_string(bytes),
                b',' => self.comma(),
                b':' => self.colon(),
                b'{' | b'[' => self.open_bracket(byte == b'{'),
                b'}' | b']' => self.close_bracket(byte == b'}', bytes),
                b' ' | b'\n' | b'\r' | b'\t' => {
                    self.shape.spaced = true;
                    self.pos = super::json::skip_space(bytes, self.pos);
                    None
                }
                _ => self.scalar(bytes),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    #[allow(clippy::unnecessary_wraps)] // the type of what all callers return
    fn broken(&self) -> Option<Step> {
        Some(Step::Broken(self.pos))
    }

    #[inline]
    fn comma(&mut self) -> Option<Step> {
        if self.expect != Expect::CommaOrEnd {
            return self.broken();
        }
        self.pos += 1;
        self.expect = if self.in_object() {
            Expect::Key
        } else {
            Expect::Value
        };
        None
    }

    #[inline]
    fn colon(&mut self) -> Option<Step> {
        if self.expect != Expect::Colon {
            return self.broken();
        }
        self.pos += 1;
        self.expect = Expect::Value;
        None
    }

    #[inline]
    fn value_begins(&mut self) -> bool {
        if !matches!(self.expect, Expect::Value | Expect::ValueOrEnd) {
            return false;
        }
        if self.depth == 1 {
            self.value_start = self.pos;
        }
        true
    }

    #[inline]
    fn value_ended(&mut self, bytes: &[u8]) -> Option<Step> {
        if self.depth == 0 {
            self.suspect_tokens(bytes);
            return Some(Step::End(self.pos));
        }
        self.expect = Expect::CommaOrEnd;
        if self.depth == 1 && self.keep_members && self.in_object() {
            self.shape.members.push(Span {
                key: self.key.clone(),
                value: self.value_start..self.pos,
            });
        }
        None
    }

    /// One pass per kind of token over the whole value, and only if a string is long enough.
    fn suspect_tokens(&mut self, bytes: &[u8]) {
        if !self.shape.suspect && self.keep_members {
            self.shape.suspect = self
                .finders
                .may_hold_token(&bytes[..self.pos], self.shape.longest);
        }
    }

    fn open_bracket(&mut self, object: bool) -> Option<Step> {
        if !self.value_begins() {
            return self.broken();
        }
        if self.container_key && self.depth == 1 && !object {
            return Some(Step::Container(self.pos + 1));
        }
        if self.depth >= DEPTH_FOLLOWED {
            return self.broken();
        }
        self.set_bracket(self.depth, object);
        self.depth += 1;
        self.shape.too_deep |= self.depth > self.limit;
        self.pos += 1;
        self.expect = if object {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        };
        None
    }

    fn close_bracket(&mut self, object: bool, bytes: &[u8]) -> Option<Step> {
        let empty = if object {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        };
        if self.depth == 0
            || self.in_object() != object
            || !(self.expect == Expect::CommaOrEnd || self.expect == empty)
        {
            return self.broken();
        }
        self.depth -= 1;
        self.pos += 1;
        self.value_ended(bytes)
    }

    #[inline]
    fn in_object(&self) -> bool {
        let Some(top) = self.depth.checked_sub(1) else {
            return false;
        };
        self.brackets
            .get(top / 64)
            .is_some_and(|word| word >> (top % 64) & 1 == 1)
    }

    fn set_bracket(&mut self, at: usize, object: bool) {
        if self.brackets.len() <= at / 64 {
            self.brackets.push(0);
        }
        let word = &mut self.brackets[at / 64];
        *word = *word & !(1 << (at % 64)) | u64::from(object) << (at % 64);
    }

    #[inline]
    fn open_string(&mut self, bytes: &[u8]) -> Option<Step> {
        let key = matches!(self.expect, Expect::Key | Expect::KeyOrEnd);
        if !key && !self.value_begins() {
            return self.broken();
        }
        self.pos += 1;
        self.open = Some((self.pos, key, false));
        self.string(bytes)
    }

    #[inline]
    fn string(&mut self, bytes: &[u8]) -> Option<Step> {
        let (start, key, mut escaped) = self.open?;
        loop {
            let at = string_stop(bytes, self.pos);
            self.pos = at;
            match bytes.get(at) {
                Some(b'"') => {
                    self.pos = at + 1;
                    self.open = None;
                    return self.string_ended(bytes, start..at, key, escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.open = Some((start, key, true));
                    match escape_length(&bytes[at..]) {
                        Escape::Whole(length) => self.pos = at + length,
                        Escape::Surrogate => {
                            self.shape.suspect = true;
                            self.pos = at + 6;
                        }
                        Escape::More => return Some(Step::More),
                        Escape::Broken => return self.broken(),
                    }
                }
                Some(_) => return self.broken(),
                None => return Some(Step::More),
            }
        }
    }

    #[inline]
    fn string_ended(
        &mut self,
        bytes: &[u8],
        span: Range<usize>,
        key: bool,
        escaped: bool,
    ) -> Option<Step> {
        let length = span.len();
        self.shape.longest = self.shape.longest.max(length);
        self.shape.suspect |= escaped && length >= redact::NESTED_MIN;
        if !key {
            return self.value_ended(bytes);
        }
        let name = &bytes[span.clone()];
        self.shape.suspect |= escaped || redact::secret_name(name);
        if self.depth == 1 {
            self.container_key =
                self.watch && CONTAINERS.iter().any(|wanted| wanted.as_bytes() == name);
            self.key = span;
        }
        self.expect = Expect::Colon;
        None
    }

    fn scalar(&mut self, bytes: &[u8]) -> Option<Step> {
        if !self.value_begins() {
            return self.broken();
        }
        let rest = &bytes[self.pos..];
        let literal: &[u8] = match rest[0] {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => return self.number(bytes),
        };
        if rest.starts_with(literal) {
            self.pos += literal.len();
            return self.value_ended(bytes);
        }
        if literal.starts_with(rest) {
            Some(Step::More)
        } else {
            self.broken()
        }
    }

    fn number(&mut self, bytes: &[u8]) -> Option<Step> {
        let rest = &bytes[self.pos..];
        let length = rest
            .iter()
            .take(NUMBER_BYTES + 1)
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .count();
        if length > NUMBER_BYTES {
            return self.broken();
        }
        if length == rest.len() {
            return Some(Step::More);
        }
        if !sound_number(&rest[..length]) {
            return self.broken();
        }
        self.pos += length;
        self.value_ended(bytes)
    }
}

/// The shape of text that must be exactly one sound value, white space around it apart.
pub(super) fn shape_of(text: &str, limit: usize) -> Option<Shape> {
    let mut scanner = Scanner::new(limit);
    match scanner.run(text.as_bytes()) {
        Step::End(end) if text[end..].trim_ascii().is_empty() => Some(scanner.shape),
        _ => None,
    }
}

enum Escape {
    Whole(usize),
    /// Half of a surrogate pair, which may lack the other half.
    Surrogate,
    More,
    Broken,
}

fn escape_length(bytes: &[u8]) -> Escape {
    match bytes.get(1) {
        None => Escape::More,
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Escape::Whole(2),
        Some(b'u') => {
            let hex = &bytes[2..bytes.len().min(6)];
            if !hex.iter().all(u8::is_ascii_hexdigit) {
                return Escape::Broken;
            }
            match hex {
                [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', _, _] => Escape::Surrogate,
                [_, _, _, _] => Escape::Whole(6),
                _ => Escape::More,
            }
        }
        Some(_) => Escape::Broken,
    }
}

fn sound_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || whole > 1 && rest[0] == b'0' {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    let [b'e' | b'E', exponent @ ..] = rest else {
        return rest.is_empty();
    };
    let exponent = match exponent {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

#[cfg(test)]
mod tests;
