//! Text to single documents and list elements, one at a time.
//!
//! A file holds one JSON document or many: concatenated, on lines, or in an array, which reads the same.
//! Long lists inside a document are read element by element; what else a document holds is kept as its
//! head. A piece that is broken costs itself: where elements stand on lines of their own, as `kubectl`
//! and the AWS CLI print them, reading goes on with the next one.

mod object;
mod recover;
mod scan;

use std::io::Read;

use super::input::Window;
use super::limits::ELEMENT_BYTES;
use scan::{Scan, Scanner};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Separates documents in RFC 7464 sequences.
const RECORD_SEPARATOR: u8 = 0x1e;

/// What [`Splitter::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A list of the document in hand opens; `head` is what the document said before.
    ListStart { name: &'static str, head: &'a str },
    /// One element of that list.
    Element(&'a str),
    /// The document in hand ends; `head` holds all members but the lists.
    Document { head: &'a str, lists: bool },
    /// Something that is not an object stands where a document should.
    Scalar,
    /// A piece that cannot be read. `lost`: the rest of the document in hand is not read either.
    Broken {
        reason: &'static str,
        detail: String,
        text: &'a [u8],
        lost: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between documents.
    Top,
    /// Between members of a document.
    Object,
    /// Between elements of a list of a document.
    List,
    /// Behind everything.
    End,
}

/// What may come next in a document or list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A value or the end.
    First,
    /// A value.
    Value,
    /// A comma or the end.
    Comma,
}

/// What was found, with what has to be said about it later.
enum Found {
    ListStart(&'static str),
    Element,
    Document,
    Scalar,
    Broken {
        reason: &'static str,
        detail: String,
        lost: bool,
    },
    /// Look again.
    Nothing,
    End,
}

/// See the module documentation.
pub(super) struct Splitter<R: Read> {
    window: Window<R>,
    scanner: Scanner,
    place: Place,
    /// Arrays open around the documents.
    arrays: usize,
    /// Members of the document in hand, as the inside of a JSON object.
    head: String,
    lists: bool,
    expect: Expect,
    /// Width of the white space since the last line break, if there was one since the last token.
    column: Option<usize>,
    document_column: Option<usize>,
    element_column: Option<usize>,
    /// Bytes of the element that is lent out.
    lent: usize,
    /// Beginning of a broken piece.
    broken: Vec<u8>,
    rescanned: u64,
    /// Brackets that close nothing are leftovers of what was rejected.
    damaged: bool,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Self {
            window: Window::new(reader, limit),
            scanner: Scanner::default(),
            place: Place::Top,
            arrays: 0,
            head: String::new(),
            lists: false,
            expect: Expect::First,
            column: Some(0),
            document_column: None,
            element_column: None,
            lent: 0,
            broken: Vec::new(),
            rescanned: 0,
            damaged: false,
        }
    }

    /// The first bytes of the text.
    pub(super) fn peek(&mut self) -> &[u8] {
        if self.window.offset() == 0 && self.window.data().is_empty() {
            self.window.fill();
        }
        self.window.data()
    }

    /// The next part, or `None` at the end of the text.
    pub(super) fn next(&mut self) -> Option<Part<'_>> {
        self.window.consume(std::mem::take(&mut self.lent));
        let found = loop {
            let found = match self.place {
                Place::Top => self.top(),
                Place::Object => self.object(),
                Place::List => self.list(),
                Place::End => self.end(),
            };
            if !matches!(found, Found::Nothing) {
                break found;
            }
        };
        match found {
            Found::Nothing | Found::End => None,
            Found::ListStart(name) => Some(Part::ListStart {
                name,
                head: &self.head,
            }),
            Found::Element => {
                let text = std::str::from_utf8(&self.window.data()[..self.lent]);
                // Checked when it was found.
                Some(Part::Element(text.unwrap_or_default()))
            }
            Found::Document => Some(Part::Document {
                head: &self.head,
                lists: self.lists,
            }),
            Found::Scalar => Some(Part::Scalar),
            Found::Broken {
                reason,
                detail,
                lost,
            } => Some(Part::Broken {
                reason,
                detail,
                text: &self.broken,
                lost,
            }),
        }
    }

    /// Skips white space; the next byte, or `None` at the end.
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let data = self.window.data();
            let mut at = 0;
            while let Some(byte) = data.get(at) {
                match byte {
                    b'\n' => self.column = Some(0),
                    b' ' | b'\t' => self.column = self.column.map(|column| column + 1),
                    b'\r' => {}
                    _ => break,
                }
                at += 1;
            }
            let next = data.get(at).copied();
            self.window.consume(at);
            if next.is_some() || !self.window.fill() {
                return next;
            }
        }
    }

    /// Consumes one byte that is a token.
    fn token(&mut self) {
        self.window.consume(1);
        self.column = None;
    }

    /// Whether the text goes on with `bytes`.
    fn starts_with(&mut self, bytes: &[u8]) -> bool {
        while self.window.data().len() < bytes.len() && self.window.fill() {}
        self.window.data().starts_with(bytes)
    }

    fn top(&mut self) -> Found {
        let Some(byte) = self.skip_space() else {
            return self.end_of_text();
        };
        match byte {
            b'{' => {
                self.document_column = self.column;
                self.token();
                self.head.clear();
                self.lists = false;
                self.expect = Expect::First;
                self.place = Place::Object;
                Found::Nothing
            }
            b'[' => {
                self.arrays += 1;
                self.token();
                Found::Nothing
            }
            b',' | RECORD_SEPARATOR => {
                self.token();
                Found::Nothing
            }
            b']' if self.arrays > 0 => {
                self.arrays -= 1;
                self.token();
                Found::Nothing
            }
            b'}' | b']' if self.damaged => {
                self.token();
                Found::Nothing
            }
            0xef if self.starts_with(BOM) => {
                self.window.consume(BOM.len());
                Found::Nothing
            }
            b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if self.arrays > 0 => self.scalar(),
            b'0'..=b'9' if self.column.is_some() && self.skip_line_prefix() => Found::Nothing,
            _ => {
                self.remember();
                self.resync(1, self.document_column);
                self.broken("invalid_json", "no JSON document starts here", true)
            }
        }
    }

    /// Skips the time stamp, and the stream name behind it, that CloudWatch Logs exports and `aws logs
    /// tail` put in front of each record.
    fn skip_line_prefix(&mut self) -> bool {
        const STAMP: usize = "2024-05-01T".len();
        const LONGEST: usize = 1024;
        while self.window.data().len() < LONGEST && self.window.fill() {}
        let data = self.window.data();
        let stamp = data.len() > STAMP
            && data[..STAMP].iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                10 => *byte == b'T',
                _ => byte.is_ascii_digit(),
            });
        let line = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = &line[..line.len().min(LONGEST)];
        let Some(start) = line.iter().position(|byte| *byte == b'{').filter(|_| stamp) else {
            return false;
        };
        self.window.consume(start);
        true
    }

    fn scalar(&mut self) -> Found {
        match self.scan(None) {
            Scan::End(end) => {
                self.window.consume(end);
                Found::Scalar
            }
            other => self.unreadable(&other, None),
        }
    }

    fn list(&mut self) -> Found {
        match self.skip_space() {
            None => self.end_of_text(),
            Some(b']') if self.expect != Expect::Value => {
                self.token();
                self.place = Place::Object;
                self.expect = Expect::Comma;
                Found::Nothing
            }
            Some(b',') if self.expect == Expect::Comma => {
                self.token();
                self.expect = Expect::Value;
                Found::Nothing
            }
            // No list has lists in it: one would swallow the rest.
            Some(b'[') => self.unreadable(&Scan::Broken(0), self.element_column),
            Some(_) if self.expect == Expect::Comma => {
                self.unreadable(&Scan::Broken(0), self.element_column)
            }
            Some(_) => self.element(),
        }
    }

    fn element(&mut self) -> Found {
        // That of the first one: damage may shift the others.
        self.element_column = self.element_column.or(self.column);
        match self.scan(self.element_column) {
            Scan::End(end) => {
                self.expect = Expect::Comma;
                self.column = None;
                if std::str::from_utf8(&self.window.data()[..end]).is_err() {
                    self.remember();
                    self.window.consume(end);
                    return self.broken("invalid_utf8", "an element is not UTF-8", false);
                }
                self.lent = end;
                Found::Element
            }
            Scan::TooLong => {
                self.expect = Expect::Comma;
                self.too_large()
            }
            other => self.unreadable(&other, self.element_column),
        }
    }

    /// Finds the end of the value that starts here. A value that is too long is consumed, with its
    /// beginning remembered; any other is not. A value with a line like the first one of a value in this
    /// place is not too long: it lacks its end.
    fn scan(&mut self, column: Option<usize>) -> Scan {
        self.scanner.start();
        let mut skipping = false;
        loop {
            let scan = self.scanner.run(self.window.data());
            match scan {
                Scan::More if self.window.data().len() > ELEMENT_BYTES || skipping => {
                    if !skipping {
                        if scan::line_opens(self.window.data(), column) {
                            return Scan::Broken(self.window.data().len());
                        }
                        self.remember();
                        skipping = true;
                    }
                    let done = self.scanner.discard();
                    self.window.consume(done);
                }
                Scan::More => {}
                Scan::End(end) if skipping || end > ELEMENT_BYTES => {
                    if !skipping {
                        self.remember();
                    }
                    self.window.consume(end);
                    return Scan::TooLong;
                }
                Scan::Broken(_) if skipping => return Scan::BrokenAndTooLong,
                other => return other,
            }
            if !self.window.fill() {
                return match self.scanner.run_at_end(self.window.data().len()) {
                    Some(end) if !skipping => Scan::End(end),
                    _ if skipping => Scan::BrokenAndTooLong,
                    _ => Scan::More,
                };
            }
        }
    }
}
