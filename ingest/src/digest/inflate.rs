//! Inflates a stream of bytes, hashes what comes out, and stops at a limit.
//!
//! CloudTrail's hashes are over the uncompressed content. Bytes that are not gzip are hashed as
//! they are: what a store or a tool inflated on the way is still the same content. Nothing may
//! follow the gzip stream.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::StreamExt;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};

/// How a gzip file begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why there is no hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The bytes could not be read.
    Unreadable(String),
    /// The bytes are not a whole gzip file.
    Corrupt(String),
    /// The content is larger than the limit, in bytes.
    TooLarge(u64),
}

/// The hash of some content, and the content itself where it was to be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// SHA-256 in hexadecimal.
    pub(super) hash: String,
    /// Empty unless kept.
    pub(super) bytes: Vec<u8>,
}

/// Reads a body to its end.
pub(super) async fn inflate(
    mut body: BoxStream<'static, io::Result<Bytes>>,
    limit: u64,
    keep: bool,
) -> Result<Content, Failure> {
    let mut decoder = Decoder::Undecided(Vec::new(), Sink::new(limit, keep));
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Failure::Unreadable(error.to_string()))?;
        decoder = decoder.push(&chunk)?;
    }
    decoder.finish()
}

enum Decoder {
    /// Fewer bytes than tell a gzip file.
    Undecided(Vec<u8>, Sink),
    Gzip(Box<MultiGzDecoder<Sink>>),
    Plain(Sink),
}

impl Decoder {
    fn push(self, chunk: &[u8]) -> Result<Self, Failure> {
        match self {
            Self::Undecided(mut seen, sink) => {
                seen.extend_from_slice(chunk);
                if seen.len() < GZIP.len() {
                    return Ok(Self::Undecided(seen, sink));
                }
                let decided = if seen.starts_with(&GZIP) {
                    Self::Gzip(Box::new(MultiGzDecoder::new(sink)))
                } else {
                    Self::Plain(sink)
                };
                decided.push(&seen)
            }
            Self::Gzip(mut gzip) => {
                let written = gzip.write_all(chunk);
                written.map_err(|error| failure(gzip.get_ref(), &error))?;
                Ok(Self::Gzip(gzip))
            }
            Self::Plain(mut sink) => {
                let written = sink.write_all(chunk);
                written.map_err(|error| failure(&sink, &error))?;
                Ok(Self::Plain(sink))
            }
        }
    }

    fn finish(self) -> Result<Content, Failure> {
        match self {
            Self::Undecided(seen, sink) => {
                let Self::Plain(sink) = Self::Plain(sink).push(&seen)? else {
                    return Err(Failure::Corrupt("cut short".to_owned()));
                };
                Ok(sink.content())
            }
            Self::Plain(sink) => Ok(sink.content()),
            Self::Gzip(mut gzip) => {
                let finished = gzip.try_finish();
                finished.map_err(|error| failure(gzip.get_ref(), &error))?;
                Ok(std::mem::replace(gzip.get_mut(), Sink::new(0, false)).content())
            }
        }
    }
}

fn failure(sink: &Sink, error: &io::Error) -> Failure {
    if sink.full {
        Failure::TooLarge(sink.limit)
    } else {
        Failure::Corrupt(format!("not a whole gzip file: {error}"))
    }
}

struct Sink {
    hash: Sha256,
    seen: u64,
    limit: u64,
    full: bool,
    keep: bool,
    bytes: Vec<u8>,
}

impl Sink {
    fn new(limit: u64, keep: bool) -> Self {
        Self {
            hash: Sha256::new(),
            seen: 0,
            limit,
            full: false,
            keep,
            bytes: Vec::new(),
        }
    }

    fn content(self) -> Content {
        Content {
            hash: crate::hex(&self.hash.finalize()),
            bytes: self.bytes,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        self.seen += chunk.len() as u64;
        if self.seen > self.limit {
            self.full = true;
            return Err(io::Error::other("larger than the limit"));
        }
        self.hash.update(chunk);
        if self.keep {
            self.bytes.extend_from_slice(chunk);
        }
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
