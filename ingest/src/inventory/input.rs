//! From the bytes of a file to a window of inflated text.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::limits::CHUNK;

/// Bytes asked for first; most files are small.
const FIRST_CHUNK: usize = 16 << 10;
/// Bytes read from the file at a time.
const INPUT_BYTES: usize = 64 << 10;

/// Magic bytes of gzip (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why the text ended before the file did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub reason: &'static str,
    pub detail: String,
}

enum Stage<R: Read> {
    Start(BufReader<R>),
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Ended,
}

/// Inflated text, as much of it as is needed.
pub(super) struct Window<R: Read> {
    stage: Stage<R>,
    buffer: Vec<u8>,
    start: usize,
    inflated: u64,
    limit: u64,
    cut: Option<Cut>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Self {
            stage: Stage::Start(BufReader::with_capacity(INPUT_BYTES, reader)),
            buffer: Vec::new(),
            start: 0,
            inflated: 0,
            limit,
            cut: None,
        }
    }

    /// The text in hand.
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Drops the first `count` bytes of [`Self::data`].
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
    }

    /// Offset of [`Self::data`] in the inflated text.
    pub(super) fn offset(&self) -> u64 {
        self.inflated - self.data().len() as u64
    }

    /// Inflated bytes so far.
    pub(super) fn inflated(&self) -> u64 {
        self.inflated
    }

    /// Why the text ended early; once.
    pub(super) fn take_cut(&mut self) -> Option<Cut> {
        self.cut.take()
    }

    /// Appends one chunk, or what is left. `false` at the end.
    pub(super) fn fill(&mut self) -> bool {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let old = self.buffer.len();
        // Zeroed, so that what an inflater wrote before it failed can be told from the rest.
        self.buffer.resize(old + old.clamp(FIRST_CHUNK, CHUNK), 0);
        let mut filled = old;
        while filled < self.buffer.len() && !matches!(self.stage, Stage::Ended) {
            filled += self.read_into(filled);
        }
        self.buffer.truncate(filled);
        filled > old
    }

    fn read_into(&mut self, at: usize) -> usize {
        let out = &mut self.buffer[at..];
        let result = match &mut self.stage {
            Stage::Start(_) => {
                self.open();
                return 0;
            }
            Stage::Plain(reader) => reader.read(out),
            Stage::Gzip(decoder) => decoder.read(out),
            Stage::Ended => Ok(0),
        };
        match result {
            Ok(0) => {
                self.stage = Stage::Ended;
                0
            }
            Ok(count) => self.within_limit(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => {
                let gzip = matches!(self.stage, Stage::Gzip(_));
                self.stage = Stage::Ended;
                self.cut = Some(cut_by(&error, gzip));
                let rest = &self.buffer[at..];
                let written = if gzip {
                    rest.iter().position(|byte| *byte == 0)
                } else {
                    Some(0)
                };
                self.within_limit(written.unwrap_or(rest.len()))
            }
        }
    }

    /// Tells gzip from plain text by the first bytes.
    fn open(&mut self) {
        let Stage::Start(mut reader) = std::mem::replace(&mut self.stage, Stage::Ended) else {
            return;
        };
        self.stage = match reader.fill_buf() {
            Ok(head) if head.starts_with(&GZIP) => {
                Stage::Gzip(Box::new(MultiGzDecoder::new(reader)))
            }
            Ok(_) => Stage::Plain(reader),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Stage::Start(reader),
            Err(error) => {
                self.cut = Some(cut_by(&error, false));
                Stage::Ended
            }
        };
    }

    fn within_limit(&mut self, count: usize) -> usize {
        let allowed = usize::try_from(self.limit - self.inflated).unwrap_or(usize::MAX);
        let kept = allowed.min(count);
        self.inflated += kept as u64;
        if kept < count {
            self.stage = Stage::Ended;
            self.cut = Some(Cut {
                reason: "file_too_large",
                detail: format!("more than {} bytes of text", self.limit),
            });
        }
        kept
    }
}

fn cut_by(error: &io::Error, gzip: bool) -> Cut {
    match error.kind() {
        io::ErrorKind::UnexpectedEof if gzip => Cut {
            reason: "truncated",
            detail: "the gzip stream ends early".to_owned(),
        },
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if gzip => Cut {
            reason: "corrupt_gzip",
            detail: format!("gzip: {error}"),
        },
        _ => Cut {
            reason: "unreadable",
            detail: format!("cannot read: {error}"),
        },
    }
}
