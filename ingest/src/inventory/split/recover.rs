//! Going on behind what cannot be read.

use std::io::Read;

use super::super::limits::{ELEMENT_BYTES, REJECT_TEXT, RESCAN_BYTES, RESCAN_SHARE};
use super::scan::{Line, Scan, next_line_start};
use super::{Expect, Found, Place, Splitter};

impl<R: Read> Splitter<R> {
    pub(super) fn remember(&mut self) {
        let data = self.window.data();
        self.broken.clear();
        self.broken
            .extend_from_slice(&data[..data.len().min(REJECT_TEXT)]);
    }

    pub(super) fn broken(&mut self, reason: &'static str, detail: &str, lost: bool) -> Found {
        self.damaged = true;
        let detail = format!("{detail}, before byte {}", self.window.offset());
        Found::Broken {
            reason,
            detail,
            lost,
        }
    }

    pub(super) fn too_large(&mut self) -> Found {
        self.column = None;
        let detail = format!("longer than {ELEMENT_BYTES} bytes");
        self.broken("element_too_large", &detail, false)
    }

    /// A value that has no end, or a wrong one: goes on with the next one of the same kind, if they
    /// stand on lines of their own.
    pub(super) fn unreadable(&mut self, scan: &Scan, column: Option<usize>) -> Found {
        let (at, detail) = match scan {
            Scan::Broken(at) => (*at, "not JSON"),
            Scan::BrokenAndTooLong => (0, "too long, and not closed"),
            _ => {
                if let Some(cut) = self.window.take_cut() {
                    self.remember();
                    self.stop();
                    return self.broken(cut.reason, &cut.detail, true);
                }
                (self.window.data().len(), "the text ends inside a value")
            }
        };
        let truncated = matches!(scan, Scan::More);
        if *scan != Scan::BrokenAndTooLong {
            self.remember();
        }
        let from = self.rescan_from(at);
        let was_list = self.place == Place::List;
        let lost = self.resync(from, column) || !was_list;
        let reason = if truncated {
            "truncated"
        } else {
            "invalid_json"
        };
        self.broken(reason, detail, lost)
    }

    /// Gives up the document in hand.
    pub(super) fn lose(&mut self, at: usize, detail: &str) -> Found {
        self.remember();
        let from = self.rescan_from(at);
        self.resync(from, self.document_column);
        self.broken("invalid_json", detail, true)
    }

    pub(super) fn stop(&mut self) {
        let rest = self.window.data().len();
        self.window.consume(rest);
        self.place = Place::End;
    }

    /// Where to look for the next piece when the one in hand broke at `at`: behind its first byte, as
    /// long as looking twice stays cheap.
    pub(super) fn rescan_from(&mut self, at: usize) -> usize {
        let allowed =
            RESCAN_BYTES.saturating_add(self.window.inflated().saturating_mul(RESCAN_SHARE));
        if self.rescanned + at as u64 > allowed {
            return at;
        }
        self.rescanned += at as u64;
        usize::from(at > 0)
    }

    /// Moves to the next line, `from` bytes ahead or further, that looks like the beginning of a piece
    /// in this place. Whether the document in hand was left.
    pub(super) fn resync(&mut self, mut from: usize, column: Option<usize>) -> bool {
        let opens = self.window.data().first() == Some(&b'{');
        if from == 0 && opens && self.column.is_some() && self.column == column {
            self.expect = Expect::Value;
            if self.place == Place::List {
                return false;
            }
            self.place = Place::Top;
            return true;
        }
        loop {
            match next_line_start(self.window.data(), from, column) {
                Line::At {
                    at,
                    column: found,
                    opens,
                } => {
                    self.window.consume(at);
                    self.column = Some(found);
                    let stays = self.place == Place::List && Some(found) == column && opens;
                    if stays {
                        self.expect = Expect::Value;
                        return false;
                    }
                    if self.place == Place::List && !opens {
                        // What closes the list, or the document around it.
                        self.expect = Expect::Comma;
                        if self.window.data().first() == Some(&b'}') {
                            self.place = Place::Object;
                        }
                        return false;
                    }
                    self.place = Place::Top;
                    return true;
                }
                Line::More { keep_from } => {
                    self.window.consume(keep_from);
                    from = 0;
                    if !self.window.fill() {
                        self.stop();
                        return true;
                    }
                }
            }
        }
    }

    pub(super) fn end_of_text(&mut self) -> Found {
        if let Some(cut) = self.window.take_cut() {
            self.broken.clear();
            self.stop();
            return self.broken(cut.reason, &cut.detail, true);
        }
        if self.place == Place::Top && self.arrays == 0 {
            return Found::End;
        }
        self.broken.clear();
        if self.place != Place::Top {
            self.broken.push(b'{');
            let head = self.head.as_bytes();
            self.broken
                .extend_from_slice(&head[..head.len().min(REJECT_TEXT)]);
        }
        self.stop();
        self.broken("truncated", "the text ends inside a document", true)
    }

    /// What is left to be said when nothing is left to be read.
    pub(super) fn end(&mut self) -> Found {
        let Some(cut) = self.window.take_cut() else {
            return Found::End;
        };
        self.broken.clear();
        self.broken(cut.reason, &cut.detail, true)
    }
}
