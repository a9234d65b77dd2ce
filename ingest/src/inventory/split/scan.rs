//! Finding where a JSON value ends, and where the next one begins.

use super::super::limits::BRACKETS;

/// Result of [`Scanner::run`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The text ends inside the value.
    More,
    /// The value ends before this position.
    End(usize),
    /// Brackets or quotes do not fit at this position.
    Broken(usize),
    /// The value was too long to be kept, and is behind us.
    TooLong,
    /// The value was too long and has no end.
    BrokenAndTooLong,
}

/// Checks brackets and quotes only; whether it is JSON in between is seen when the value is parsed. It
/// keeps its place between calls.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    at: usize,
    in_string: bool,
    in_word: bool,
    depth: usize,
    /// The innermost brackets that are open, outermost first; deeper ones are only counted.
    brackets: Vec<u8>,
}

impl Scanner {
    /// Starts over, at a value.
    pub(super) fn start(&mut self) {
        self.at = 0;
        self.in_string = false;
        self.in_word = false;
        self.depth = 0;
        self.brackets.clear();
    }

    /// Bytes that are behind the scanner, when the value is only skipped.
    pub(super) fn discard(&mut self) -> usize {
        std::mem::take(&mut self.at)
    }

    /// The end of a value that ends with the text.
    pub(super) fn run_at_end(&self, length: usize) -> Option<usize> {
        (self.in_word && self.depth == 0).then_some(length)
    }

    /// Goes on from where the last call stopped. `bytes` starts where it started then (less what was
    /// discarded) and is longer now.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Scan {
        loop {
            if self.in_string {
                match self.string(bytes) {
                    None => {}
                    Some(scan) => return scan,
                }
            }
            let Some(&byte) = bytes.get(self.at) else {
                return Scan::More;
            };
            if self.in_word
                && self.depth == 0
                && matches!(byte, b',' | b']' | b'}' | b' ' | 0..0x20)
            {
                return Scan::End(self.at);
            }
            match byte {
                b'"' if self.in_word && self.depth == 0 => return Scan::Broken(self.at),
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if self.brackets.len() < BRACKETS {
                        self.brackets.push(byte + 2);
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    if !self.close(byte) {
                        return Scan::Broken(self.at);
                    }
                    if self.depth == 0 {
                        return Scan::End(self.at + 1);
                    }
                }
                b',' | b':' | b' ' | 0..0x20 if self.depth == 0 => return Scan::Broken(self.at),
                _ if self.depth == 0 => self.in_word = true,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn close(&mut self, byte: u8) -> bool {
        if self.depth > self.brackets.len() {
            self.depth -= 1;
            return true;
        }
        if self.brackets.pop() != Some(byte) {
            return false;
        }
        self.depth -= 1;
        true
    }

    /// Moves behind the closing quote. JSON strings hold no control characters, so that a lost quote is
    /// seen at the end of its line.
    fn string(&mut self, bytes: &[u8]) -> Option<Scan> {
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let stop = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let Some(stop) = stop else {
                self.at = bytes.len().max(self.at);
                return Some(Scan::More);
            };
            match rest[stop] {
                b'"' => {
                    self.at += stop + 1;
                    self.in_string = false;
                    return (self.depth == 0).then_some(Scan::End(self.at));
                }
                b'\\' if stop + 1 == rest.len() => {
                    self.at += stop;
                    return Some(Scan::More);
                }
                b'\\' => self.at += stop + 2,
                _ => return Some(Scan::Broken(self.at + stop)),
            }
        }
    }
}

/// Result of [`next_line_start`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The first token of the line, its column, and whether it opens a value.
    At {
        at: usize,
        column: usize,
        opens: bool,
    },
    /// None so far; bytes before `keep_from` need not be looked at again.
    More { keep_from: usize },
}

/// Whether a later line looks like the beginning of another value in the same place.
pub(super) fn line_opens(bytes: &[u8], column: Option<usize>) -> bool {
    column.is_some() && matches!(next_line_start(bytes, 1, column), Line::At { .. })
}

/// The next line from `from` on that opens a value at `column` (or at the very left), or that closes
/// what is around such values.
pub(super) fn next_line_start(bytes: &[u8], from: usize, column: Option<usize>) -> Line {
    let mut at = from.min(bytes.len());
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(newline) = rest.iter().position(|byte| *byte == b'\n') else {
            return Line::More {
                keep_from: bytes.len(),
            };
        };
        let line = at + newline + 1;
        let indent = bytes[line..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let Some(first) = bytes.get(line + indent) else {
            return Line::More {
                keep_from: at + newline,
            };
        };
        // At the very left a new document may begin. A bracket with space behind it is out of place.
        let next = bytes.get(line + indent + 1);
        let opens = matches!(first, b'{' | b'[')
            && !matches!(next, Some(b' ' | b'\t'))
            && (Some(indent) == column || indent == 0);
        // What closes stands alone; anything else is a bracket out of place.
        let behind = bytes[line + indent + 1..]
            .iter()
            .find(|byte| !matches!(byte, b',' | b' ' | b'\t' | b'\r'));
        let closes = matches!(first, b'}' | b']')
            && matches!(behind, None | Some(b'\n'))
            && column.is_some_and(|column| indent < column);
        if opens || closes {
            return Line::At {
                at: line + indent,
                column: indent,
                opens,
            };
        }
        at = line;
    }
}
