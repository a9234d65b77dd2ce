//! From the bytes of an object to a window of inflated text, within the limits.

use std::io::{self, BufRead as _, Read};

use flate2::bufread::GzDecoder;

use super::limits::{CHUNK, Limits, RATIO_GRACE};
use super::reject::RejectReason;

/// First magic byte of gzip (RFC 1952); no text starts with it.
const GZIP: u8 = 0x1f;
/// Bytes read from the object at a time.
const INPUT_BYTES: usize = 64 << 10;

/// Reads whole blocks, so that what is made of damaged bytes does not depend on how the reader deals
/// them out; counts them; and keeps an error of the object's own reader apart from bad content.
struct Input<R> {
    inner: R,
    block: Vec<u8>,
    at: usize,
    bytes: u64,
    ended: bool,
    failed: Option<io::Error>,
}

impl<R: Read> Input<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            block: Vec::new(),
            at: 0,
            bytes: 0,
            ended: false,
            failed: None,
        }
    }

    fn next_block(&mut self) {
        self.at = 0;
        self.block.resize(INPUT_BYTES, 0);
        let mut filled = 0;
        while filled < INPUT_BYTES && !self.ended {
            match self.inner.read(&mut self.block[filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failed = Some(error);
                }
            }
        }
        self.block.truncate(filled);
        self.bytes += filled as u64;
    }
}

impl<R: Read> io::BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.block.len() && !self.ended {
            self.next_block();
        }
        match &self.failed {
            Some(error) if self.at == self.block.len() => Err(error.kind().into()),
            _ => Ok(&self.block[self.at..]),
        }
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.block.len());
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let block = self.fill_buf()?;
        let count = block.len().min(out.len());
        out[..count].copy_from_slice(&block[..count]);
        self.consume(count);
        Ok(count)
    }
}

enum Stage<R> {
    /// Nothing read yet, or between two members of a gzip file.
    Start(Input<R>),
    Plain(Input<R>),
    Gzip(Box<GzDecoder<Input<R>>>),
    /// Only while a stage is replaced.
    Moved,
}

/// Inflated text, as much of it as is needed.
pub(super) struct Window<R> {
    stage: Stage<R>,
    /// A gzip member has ended: what follows must be another one.
    gzip: bool,
    buffer: Vec<u8>,
    start: usize,
    /// Inflated bytes so far.
    inflated: u64,
    ended: bool,
    /// Why the text ended before the object did.
    pub cut: Option<(RejectReason, String)>,
    max_bytes: u64,
    ratio: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R, limits: &Limits) -> Self {
        Self {
            stage: Stage::Start(Input::new(input)),
            gzip: false,
            buffer: Vec::new(),
            start: 0,
            inflated: 0,
            ended: false,
            cut: None,
            max_bytes: limits.object_bytes,
            ratio: limits.ratio,
        }
    }

    /// The text in hand.
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The last bytes before [`Self::data`] that are still there.
    pub(super) fn before(&self, count: usize) -> &[u8] {
        &self.buffer[self.start.saturating_sub(count)..self.start]
    }

    /// Drops the first `count` bytes of [`Self::data`].
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
    }

    /// Offset of [`Self::data`] in the inflated text.
    pub(super) fn offset(&self) -> u64 {
        self.inflated - self.data().len() as u64
    }

    /// Whether nothing comes behind [`Self::data`].
    pub(super) fn at_end(&self) -> bool {
        self.ended
    }

    pub(super) fn inflated(&self) -> u64 {
        self.inflated
    }

    pub(super) fn bytes_in(&self) -> u64 {
        match &self.stage {
            Stage::Start(reader) | Stage::Plain(reader) => reader.bytes,
            Stage::Gzip(decoder) => decoder.get_ref().bytes,
            Stage::Moved => 0,
        }
    }

    /// Appends one chunk, or what is left. `false` at the end. How much is appended does not depend
    /// on how the reader deals out its bytes.
    pub(super) fn fill(&mut self, look_behind: usize) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let dropped = self.start.saturating_sub(look_behind);
        if dropped > 0 {
            self.buffer.drain(..dropped);
            self.start -= dropped;
        }
        let old = self.buffer.len();
        if self.buffer.capacity() < old + CHUNK {
            // Half as much again: amortised, and well below twice the longest value.
            self.buffer.reserve_exact(CHUNK + old / 2);
        }
        self.buffer.resize(old + CHUNK, 0);
        let mut filled = old;
        while filled < self.buffer.len() && !self.ended {
            filled += self.read_into(filled)?;
        }
        self.buffer.truncate(filled);
        Ok(filled > old)
    }

    fn read_into(&mut self, at: usize) -> io::Result<usize> {
        let out = &mut self.buffer[at..];
        let result = match &mut self.stage {
            Stage::Start(_) => {
                self.open()?;
                return Ok(0);
            }
            Stage::Plain(reader) => reader.read(out),
            Stage::Gzip(decoder) => {
                // The inflater uses what lies behind its output as scratch space.
                out.fill(0);
                decoder.read(out)
            }
            Stage::Moved => Ok(0),
        };
        match result {
            Ok(0) => {
                self.member_ended();
                Ok(0)
            }
            Ok(count) => Ok(self.within_limits(count)),
            Err(error) => {
                self.failed(&error)?;
                // The inflater does not say how much it wrote before it met the damage; JSON text holds
                // no zero byte, and the buffer held nothing else.
                let written =
                    memchr::memchr(0, &self.buffer[at..]).unwrap_or(self.buffer.len() - at);
                Ok(self.within_limits(written))
            }
        }
    }

    /// Decides by its first bytes what the object, or what follows a gzip member, is.
    fn open(&mut self) -> io::Result<()> {
        let Stage::Start(mut reader) = std::mem::replace(&mut self.stage, Stage::Moved) else {
            return Ok(());
        };
        let head = loop {
            match reader.fill_buf() {
                Ok(head) if self.gzip && head.first() == Some(&0) => {
                    // Block-sized copies pad with zeros.
                    let zeros = head.iter().take_while(|byte| **byte == 0).count();
                    reader.consume(zeros);
                }
                Ok(head) => break head.first().copied(),
                Err(error) => {
                    let error = reader.failed.take().unwrap_or(error);
                    self.stage = Stage::Start(reader);
                    return Err(error);
                }
            }
        };
        if head == Some(GZIP) {
            self.gzip = true;
            self.stage = Stage::Gzip(Box::new(GzDecoder::new(reader)));
            return Ok(());
        }
        if self.gzip {
            self.ended = true;
            if head.is_some() {
                self.cut = Some((
                    RejectReason::CorruptGzip,
                    "bytes behind the last gzip member".to_owned(),
                ));
            }
        }
        self.stage = Stage::Plain(reader);
        Ok(())
    }

    fn member_ended(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Moved) {
            Stage::Gzip(decoder) => self.stage = Stage::Start(decoder.into_inner()),
            other => {
                self.stage = other;
                self.ended = true;
            }
        }
    }

    fn within_limits(&mut self, count: usize) -> usize {
        let allowed = self.max_bytes - self.inflated;
        let kept = usize::try_from(allowed).unwrap_or(usize::MAX).min(count);
        self.inflated += kept as u64;
        if kept < count {
            self.ended = true;
            self.cut = Some((
                RejectReason::ObjectTooLarge,
                format!("more than {} bytes inflated", self.max_bytes),
            ));
        } else if self.gzip
            && self.inflated > RATIO_GRACE
            && self.inflated / self.ratio.max(1) > self.bytes_in()
        {
            self.ended = true;
            let detail = format!(
                "{} bytes inflated from {} bytes read",
                self.inflated,
                self.bytes_in()
            );
            self.cut = Some((RejectReason::DecompressionBomb, detail));
        }
        kept
    }

    fn failed(&mut self, error: &io::Error) -> io::Result<()> {
        let own = match &mut self.stage {
            Stage::Start(reader) | Stage::Plain(reader) => reader.failed.take(),
            Stage::Gzip(decoder) => decoder.get_mut().failed.take(),
            Stage::Moved => None,
        };
        if let Some(own) = own {
            return Err(own);
        }
        self.ended = true;
        self.cut = Some(if error.kind() == io::ErrorKind::UnexpectedEof {
            (
                RejectReason::Truncated,
                "the gzip stream ends early".to_owned(),
            )
        } else {
            (RejectReason::CorruptGzip, format!("gzip: {error}"))
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
