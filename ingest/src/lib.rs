//! Reads CloudTrail into the store, each event exactly once.
//!
//! Data flows one way: a [`source`] lists and opens objects, [`decode`] turns their bytes into
//! records, [`pipeline`] makes batches of rows and commits them to the Delta tables of [`schema`] in a
//! [`store`]. What cannot be read becomes a row of `rejects`; it never fails a batch.

mod activity;
#[cfg(feature = "aws")]
pub mod aws;
mod batch;
#[cfg(feature = "collect")]
pub mod collect;
mod commit;
mod datafile;
pub mod decode;
mod dedup;
pub mod digest;
mod error;
pub mod findings;
mod hash;
pub mod inventory;
pub mod maintain;
mod manifest;
mod percent;
pub mod pipeline;
mod retry;
pub mod schema;
pub mod source;
mod stop;
pub mod store;
pub mod watermark;

pub use activity::{BUCKET_SECONDS, RESOURCE_MEMBERS};
pub use error::{Error, Result};
pub use findings::DigestStatus;
pub use hash::Framed;
pub use pipeline::{Options, Progress, Summary, run, unread};
pub use stop::{Stop, Stopper};

/// Writes bytes as lower-case hexadecimal text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// Reads hexadecimal text of either case; `None` for anything else, and for none.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}
