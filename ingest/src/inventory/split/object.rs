//! The members of a document.

use std::io::Read;

use super::super::limits::{ELEMENT_BYTES, NAME_BYTES};
use super::scan::Scan;
use super::{Expect, Found, Place, Splitter};

/// Members of a document whose array is read element by element.
const LISTS: &[&str] = &[
    "Events",
    "GroupDetailList",
    "InstanceProfiles",
    "Policies",
    "Records",
    "Reservations",
    "RoleDetailList",
    "Roles",
    "UserDetailList",
    "accessEntries",
    "addons",
    "associations",
    "clusters",
    "events",
    "fargateProfileNames",
    "items",
    "logEvents",
    "nodegroups",
];

impl<R: Read> Splitter<R> {
    pub(super) fn object(&mut self) -> Found {
        match self.skip_space() {
            None => self.end_of_text(),
            Some(b'}') => {
                self.token();
                self.place = Place::Top;
                self.document_column = None;
                Found::Document
            }
            Some(b',') if self.expect == Expect::Comma => {
                self.token();
                self.expect = Expect::Value;
                Found::Nothing
            }
            Some(b'"') if self.expect != Expect::Comma => self.member(),
            Some(b'{')
                if self.lists && self.column.is_some() && self.column == self.element_column =>
            {
                self.remember();
                self.place = Place::List;
                self.expect = Expect::Value;
                self.broken(
                    "invalid_json",
                    "a bracket closes a list that goes on",
                    false,
                )
            }
            Some(_) => self.lose(0, "no member starts here"),
        }
    }

    /// Reads a member of the document in hand into its head, or opens its list.
    fn member(&mut self) -> Found {
        let name_end = match self.scan(self.document_column) {
            Scan::End(end) if end <= NAME_BYTES => end,
            Scan::End(end) => return self.lose(end, "a member name is too long"),
            other => return self.unreadable(&other, self.document_column),
        };
        let name = String::from_utf8_lossy(&self.window.data()[..name_end]).into_owned();
        self.window.consume(name_end);
        if self.skip_space() != Some(b':') {
            return self.lose(0, "a member name without a value");
        }
        self.token();
        let Some(byte) = self.skip_space() else {
            return self.end_of_text();
        };
        if byte == b'{' && self.column.is_some() && self.column == self.document_column {
            return self.lose(0, "a member without its value");
        }
        self.expect = Expect::Comma;
        let list = LISTS.iter().copied().find(|list| is_quoted(&name, list));
        if let Some(list) = list.filter(|_| byte == b'[') {
            self.token();
            self.place = Place::List;
            self.expect = Expect::First;
            self.element_column = None;
            self.lists = true;
            return Found::ListStart(list);
        }
        match self.scan(self.document_column) {
            Scan::End(end) if self.head.len() + name.len() + end > ELEMENT_BYTES => {
                self.remember();
                self.window.consume(end);
                self.too_large()
            }
            Scan::End(end) => self.keep_member(&name, end),
            Scan::TooLong => self.too_large(),
            other => self.unreadable(&other, self.document_column),
        }
    }

    fn keep_member(&mut self, name: &str, end: usize) -> Found {
        let Ok(value) = std::str::from_utf8(&self.window.data()[..end]) else {
            self.remember();
            self.window.consume(end);
            return self.broken("invalid_utf8", "a member is not UTF-8", false);
        };
        if !self.head.is_empty() {
            self.head.push(',');
        }
        self.head.push_str(name);
        self.head.push(':');
        self.head.push_str(value);
        self.window.consume(end);
        Found::Nothing
    }
}

/// Whether a JSON string token is this name, written without escapes.
fn is_quoted(token: &str, name: &str) -> bool {
    token
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        == Some(name)
}
