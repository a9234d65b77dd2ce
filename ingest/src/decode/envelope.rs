//! Bytes to single JSON values, whatever is wrapped around them.
//!
//! The reader knows where it stands (between documents, in a bare array, in an array of records, or
//! behind one in its object), hands over one value at a time and, where the text is damaged, finds
//! the next place from which reading can go on.

use std::io::Read;

use super::inflate::Window;
use super::json::skip_space;
use super::limits::{DEPTH_CEILING, Limits, RESCAN_BYTES, RESCAN_SHARE};
use super::reject::RejectReason;
use super::resync::{self, MARGIN};
use super::split::{Scanner, Step};
use super::unwrap::Emit;
use super::{DecodeError, Outcome, Sink};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Containers that are not opened, by their magic bytes.
const ARCHIVES: [(&[u8], &str); 10] = [
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (b"PAR1", "Parquet"),
    (b"Obj\x01", "Avro"),
    (b"\x1f\x8b", "gzip inside gzip"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between documents.
    Top,
    /// In an array that is itself a document.
    Array,
    /// In an array of records inside an object.
    Container,
    /// Behind such an array, in its object.
    Behind,
}

enum Next {
    Value,
    End,
}

/// A value too long to keep, of which only the beginning is remembered.
struct Skipped {
    head: Vec<u8>,
}

/// See the module documentation.
pub(super) struct Reader<'s, R, S> {
    window: Window<R>,
    scanner: Scanner,
    emit: Emit<'s, S>,
    place: Place,
    /// First member name of the last value that held a record.
    learned: Vec<u8>,
    /// The end of the text is already part of a reject.
    end_rejected: bool,
    rescanned: u64,
}

type Done<S> = Result<(), DecodeError<<S as Sink>::Error>>;

impl<'s, R: Read, S: Sink> Reader<'s, R, S> {
    pub(super) fn new(input: R, limits: &Limits, sink: &'s mut S) -> Self {
        let limits = Limits {
            depth: limits.depth.min(DEPTH_CEILING),
            ..limits.clone()
        };
        Self {
            window: Window::new(input, &limits),
            scanner: Scanner::new(limits.depth),
            emit: Emit {
                sink,
                limits,
                records: 0,
                rejected: 0,
                first_reject: None,
                offset: 0,
            },
            place: Place::Top,
            learned: Vec::new(),
            end_rejected: false,
            rescanned: 0,
        }
    }

    pub(super) fn run(mut self) -> Result<Outcome, DecodeError<S::Error>> {
        if !self.unsupported()? {
            while let Next::Value = self.next()? {
                self.value()?;
            }
            self.finish()?;
        }
        Ok(Outcome {
            records: self.emit.records,
            rejected: self.emit.rejected,
            bytes_in: self.window.bytes_in(),
            bytes_inflated: self.window.inflated(),
            kind: self.emit.kind(),
        })
    }

    /// Refuses what is plainly not text.
    fn unsupported(&mut self) -> Result<bool, DecodeError<S::Error>> {
        self.window.fill(MARGIN)?;
        let data = self.window.data();
        let archive = ARCHIVES.iter().find(|(magic, _)| data.starts_with(magic));
        let utf16 = matches!(
            data,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..]
        );
        let refused = match archive {
            Some((_, name)) => Some((RejectReason::UnsupportedArchive, *name)),
            None if utf16 => Some((RejectReason::InvalidUtf8, "UTF-16 text")),
            None => None,
        };
        let Some((reason, detail)) = refused else {
            return Ok(false);
        };
        // Binary content says nothing to a reader of rejects.
        self.emit
            .reject(reason, detail, b"")
            .map_err(DecodeError::Sink)?;
        Ok(true)
    }

    /// Makes at least `count` bytes available if there are that many.
    fn ensure(&mut self, count: usize) -> Result<bool, DecodeError<S::Error>> {
        while self.window.data().len() < count {
            if !self.window.fill(MARGIN)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves to the next value, past the signs between values.
    fn next(&mut self) -> Result<Next, DecodeError<S::Error>> {
        loop {
            if self.place == Place::Behind {
                self.rest_of_object()?;
                continue;
            }
            let space = skip_space(self.window.data(), 0);
            self.window.consume(space);
            if !self.ensure(1)? {
                return Ok(Next::End);
            }
            let byte = self.window.data()[0];
            match (self.place, byte) {
                (_, b' ' | b'\n' | b'\r' | b'\t' | b',') => self.window.consume(1),
                (_, 0xef) if self.ensure(BOM.len())? && self.window.data().starts_with(BOM) => {
                    self.window.consume(BOM.len());
                }
                (Place::Top, b'[') => self.enter(Place::Array),
                (Place::Array, b']') => self.enter(Place::Top),
                (Place::Container, b']') => self.enter(Place::Behind),
                (_, b'}' | b']') => self.stray_brackets()?,
                (_, b'{')
                | (
                    Place::Array | Place::Container,
                    b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n',
                ) => {
                    return Ok(Next::Value);
                }
                (Place::Top, b'"')
                    if self.ensure(2)? && matches!(self.window.data()[1], b'{' | b'[') =>
                {
                    return Ok(Next::Value);
                }
                _ => self.unexpected()?,
            }
        }
    }

    fn enter(&mut self, place: Place) {
        self.window.consume(1);
        self.place = place;
    }

    /// Closing brackets that close nothing, with what stands between them: one reject.
    fn stray_brackets(&mut self) -> Done<S> {
        let top = self.place == Place::Top;
        let offset = self.window.offset();
        let mut head = Vec::new();
        loop {
            let data = self.window.data();
            let inside = |byte: &&u8| match byte {
                b'}' | b' ' | b'\n' | b'\r' | b'\t' => true,
                b']' | b',' => top,
                _ => false,
            };
            let length = data.iter().take_while(inside).count();
            if head.is_empty() {
                head.extend_from_slice(&data[..length.min(MARGIN)]);
            }
            let all = length == data.len();
            self.window.consume(length);
            if !(all && self.ensure(1)?) {
                break;
            }
        }
        self.emit.offset = offset;
        self.reject(
            RejectReason::InvalidJson,
            "closing bracket without an opening one",
            &head,
        )
    }

    /// A byte that starts no value here: a time stamp in front of a record, or damage.
    fn unexpected(&mut self) -> Done<S> {
        self.ensure(MARGIN)?;
        if self.place == Place::Top
            && let Some(length) = resync::time_stamp(self.window.data())
        {
            self.window.consume(length);
            return Ok(());
        }
        self.emit.offset = self.window.offset();
        self.resync(1, RejectReason::InvalidJson, "no JSON value starts here")
    }

    fn reject(&mut self, reason: RejectReason, detail: &str, text: &[u8]) -> Done<S> {
        self.emit
            .reject(reason, detail, text)
            .map_err(DecodeError::Sink)
    }

    /// Reads one value and hands over the records in it.
    fn value(&mut self) -> Done<S> {
        self.emit.offset = self.window.offset();
        let quoted = self.window.data().first() == Some(&b'"');
        self.scanner.start(self.place == Place::Top);
        let mut skipped = None;
        loop {
            match self.scanner.run(self.window.data()) {
                Step::More => {
                    self.skip_if_long(&mut skipped);
                    if !self.window.fill(MARGIN)? {
                        return self.unfinished(skipped);
                    }
                }
                Step::End(end) if quoted && self.is_member_name(end)? => {
                    return self.broken(end, "a member outside of an object", skipped);
                }
                Step::End(end) => {
                    match skipped {
                        None if end <= self.emit.limits.record_bytes => self.take(end)?,
                        skipped => self.too_long(skipped)?,
                    }
                    self.window.consume(end);
                    return Ok(());
                }
                Step::Container(end) => {
                    self.window.consume(end);
                    self.place = Place::Container;
                    return Ok(());
                }
                Step::Broken(at) => return self.broken(at, "not JSON", skipped),
            }
        }
    }

    fn skip_if_long(&mut self, skipped: &mut Option<Skipped>) {
        if skipped.is_none() && self.window.data().len() <= self.emit.limits.record_bytes {
            return;
        }
        if skipped.is_none() {
            *skipped = Some(Skipped { head: self.head() });
        }
        let done = self.scanner.discard();
        self.window.consume(done);
    }

    fn head(&self) -> Vec<u8> {
        let data = self.window.data();
        data[..data.len().min(self.emit.limits.reject_text)].to_vec()
    }

    /// After a fault inside an object its members may stand among the elements.
    fn is_member_name(&mut self, end: usize) -> Result<bool, DecodeError<S::Error>> {
        self.ensure(end + MARGIN)?;
        let data = self.window.data();
        Ok(data.get(skip_space(data, end)) == Some(&b':'))
    }

    fn take(&mut self, end: usize) -> Done<S> {
        let bytes = &self.window.data()[..end];
        let before = self.emit.records;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.emit.value(text, &self.scanner.shape, 0),
            Err(error) => {
                let detail = format!("not UTF-8 at byte {}", error.valid_up_to());
                self.emit.reject(RejectReason::InvalidUtf8, &detail, bytes)
            }
        }
        .map_err(DecodeError::Sink)?;
        if self.emit.records > before
            && let Some(name) = resync::first_name(bytes, 0)
            && self.learned != name
        {
            self.learned.clear();
            self.learned.extend_from_slice(name);
        }
        Ok(())
    }

    fn too_long(&mut self, skipped: Option<Skipped>) -> Done<S> {
        let head = skipped.map_or_else(|| self.head(), |skipped| skipped.head);
        if memchr::memmem::find(&head, b"\"digestStartTime\"").is_some() {
            return self.reject(RejectReason::Digest, "CloudTrail digest file", &head);
        }
        let detail = format!("longer than {} bytes", self.emit.limits.record_bytes);
        self.reject(RejectReason::RecordTooLarge, &detail, &head)
    }

    /// The text ends inside a value. What the value swallowed because it lacks its end is looked
    /// for once more.
    fn unfinished(&mut self, skipped: Option<Skipped>) -> Done<S> {
        self.end_rejected = true;
        if skipped.is_some() {
            let rest = self.window.data().len();
            self.window.consume(rest);
            return self.too_long(skipped);
        }
        let (reason, detail) = if let Some(cut) = self.window.cut.take() {
            cut
        } else if self.scanner.shape.too_deep {
            (
                RejectReason::TooDeep,
                format!(
                    "nested deeper than {}, and not closed",
                    self.emit.limits.depth
                ),
            )
        } else {
            (
                RejectReason::Truncated,
                "the text ends inside a value".to_owned(),
            )
        };
        let end = self.window.data().len();
        let from = self.rescan_from(end);
        self.resync(from, reason, &detail)
    }

    fn broken(&mut self, at: usize, detail: &str, skipped: Option<Skipped>) -> Done<S> {
        if let Some(skipped) = skipped {
            self.too_long(Some(skipped))?;
            return self.restart(at.max(1));
        }
        let from = self.rescan_from(at);
        let detail = format!("{detail} at byte {at}");
        let reason = if self.scanner.shape.too_deep {
            RejectReason::TooDeep
        } else {
            RejectReason::InvalidJson
        };
        self.resync(from, reason, &detail)
    }

    /// Where to look for the next record when the value in hand broke at `at`: right behind its first
    /// byte, as long as looking twice stays cheap.
    fn rescan_from(&mut self, at: usize) -> usize {
        let allowed =
            RESCAN_BYTES.saturating_add(self.window.inflated().saturating_mul(RESCAN_SHARE));
        if self.rescanned + at as u64 > allowed {
            return at.max(1);
        }
        let data = self.window.data();
        let found = resync::next_start(&data[..at], 1, self.window.before(MARGIN), &self.learned);
        self.rescanned += found.map_or(0, |found| (at - found.at) as u64);
        1
    }

    /// Rejects everything up to the next place that looks like a record.
    fn resync(&mut self, from: usize, reason: RejectReason, detail: &str) -> Done<S> {
        let head = self.head();
        let start = self.window.offset();
        self.restart(from)?;
        let length = usize::try_from(self.window.offset() - start).unwrap_or(usize::MAX);
        self.reject(reason, detail, &head[..head.len().min(length)])
    }

    /// Moves to the next place that looks like a record, at least `from` bytes ahead.
    fn restart(&mut self, mut from: usize) -> Done<S> {
        loop {
            let length = self.window.data().len();
            let known = if self.window.at_end() {
                length
            } else {
                length.saturating_sub(MARGIN)
            };
            let found = resync::next_start(
                self.window.data(),
                from,
                self.window.before(MARGIN),
                &self.learned,
            )
            .filter(|found| found.at < known);
            if let Some(found) = found {
                self.window.consume(found.at);
                if found.document {
                    self.place = Place::Top;
                }
                return Ok(());
            }
            let passed = known.max(from).min(length);
            self.window.consume(passed);
            from -= passed.min(from);
            if !self.window.fill(MARGIN)? && self.window.data().len() <= from {
                self.end_rejected = true;
                let rest = self.window.data().len();
                self.window.consume(rest);
                return Ok(());
            }
        }
    }

    /// Passes the members behind an array of records, up to the next such array or the end of the
    /// object. As much of them stays as of a value, for the records that a broken one swallowed.
    fn rest_of_object(&mut self) -> Done<S> {
        self.emit.offset = self.window.offset();
        self.scanner.start_in_object();
        self.place = Place::Top;
        let mut skipped = None;
        loop {
            match self.scanner.run(self.window.data()) {
                Step::More => {
                    self.skip_if_long(&mut skipped);
                    if !self.window.fill(MARGIN)? {
                        return self.unfinished(skipped);
                    }
                }
                Step::End(end) => {
                    self.window.consume(end);
                    return Ok(());
                }
                Step::Container(end) => {
                    self.window.consume(end);
                    self.place = Place::Container;
                    return Ok(());
                }
                Step::Broken(at) => {
                    return self.broken(at, "not JSON behind the records", skipped);
                }
            }
        }
    }

    /// Says once that the text ended too early.
    fn finish(&mut self) -> Done<S> {
        self.emit.offset = self.window.offset();
        if let Some((reason, detail)) = self.window.cut.take() {
            return self.reject(reason, &detail, b"");
        }
        if self.place == Place::Top || self.end_rejected {
            return Ok(());
        }
        self.reject(
            RejectReason::Truncated,
            "the array of records is not closed",
            b"",
        )
    }
}
