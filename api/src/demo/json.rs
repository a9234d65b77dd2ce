//! Writes JSON text straight into a buffer, in the member order that
//! CloudTrail uses. Building trees first would cost most of the run time of a
//! history of millions of events.

use std::fmt::Write as _;

use super::rng::Uuid;

/// JSON text under construction. Commas follow from the last byte written, so
/// values only have to be written in order.
#[derive(Debug, Default)]
pub(super) struct Json {
    text: String,
}

impl Json {
    /// The text written so far.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Gives up the text.
    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// Forgets the text and keeps the memory.
    pub(super) fn clear(&mut self) -> &mut Self {
        self.text.clear();
        self
    }

    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    /// Starts an object, as a value.
    pub(super) fn open(&mut self) -> &mut Self {
        self.comma();
        self.text.push('{');
        self
    }

    /// Ends an object.
    pub(super) fn close(&mut self) -> &mut Self {
        self.text.push('}');
        self
    }

    /// Starts an array, as a value.
    pub(super) fn open_list(&mut self) -> &mut Self {
        self.comma();
        self.text.push('[');
        self
    }

    /// Ends an array.
    pub(super) fn close_list(&mut self) -> &mut Self {
        self.text.push(']');
        self
    }

    /// Writes a member name. Names are literals without characters to escape.
    pub(super) fn key(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        self
    }

    /// Writes a text value.
    pub(super) fn string(&mut self, value: &str) -> &mut Self {
        self.comma();
        self.text.push('"');
        self.escape(value);
        self.text.push('"');
        self
    }

    /// Writes one text value made of several parts.
    pub(super) fn string_parts(&mut self, parts: &[&str]) -> &mut Self {
        self.comma();
        self.text.push('"');
        for part in parts {
            self.escape(part);
        }
        self.text.push('"');
        self
    }

    fn escape(&mut self, value: &str) {
        if value
            .bytes()
            .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
        {
            self.text.push_str(value);
            return;
        }
        for character in value.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                c if c < ' ' => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.text, "\\u{:04x}", c as u32);
                }
                c => self.text.push(c),
            }
        }
    }

    /// Writes a member with a text value.
    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name).string(value)
    }

    /// Writes a member whose value is JSON already.
    pub(super) fn json(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name);
        self.text.push_str(value);
        self
    }

    /// Writes a member with a boolean value.
    pub(super) fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        self.json(name, if value { "true" } else { "false" })
    }

    /// Writes a member with an integer value.
    pub(super) fn number(&mut self, name: &str, value: i64) -> &mut Self {
        self.key(name);
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// Writes a member with a UUID as text.
    pub(super) fn uuid(&mut self, name: &str, value: Uuid) -> &mut Self {
        self.key(name);
        self.text.push('"');
        value.write(&mut self.text);
        self.text.push('"');
        self
    }

    /// Writes a member with a time in the form of `eventTime`.
    pub(super) fn time(&mut self, name: &str, at: i64) -> &mut Self {
        self.key(name);
        self.text.push('"');
        super::clock::write_iso(&mut self.text, at);
        self.text.push('"');
        self
    }

    /// Starts a member that is an object.
    pub(super) fn object(&mut self, name: &str) -> &mut Self {
        self.key(name).open()
    }

    /// Starts a member that is an array.
    pub(super) fn list(&mut self, name: &str) -> &mut Self {
        self.key(name).open_list()
    }

    /// Writes a member that is an array of texts.
    pub(super) fn texts<'a>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> &mut Self {
        self.list(name);
        for value in values {
            self.string(value);
        }
        self.close_list()
    }
}

#[cfg(test)]
mod tests;
