//! Reads objects as they were listed: whole, of the listed version, or not at all.

use std::io::{Cursor, Read};
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::client::Bucket;
use super::fault::{Fault, Kind};
use super::stream;
use crate::aws::causes;
use crate::source::ObjectRef;

/// Bytes up to which an object is held in memory. Log files of CloudTrail are far smaller: of 3,926
/// measured, the largest had 0.98 MB after decompression.
pub const SMALL_OBJECT: u64 = 8 << 20;

/// Begins the version of an object whose store gives no ETag.
const DATED: &str = "modified-";

const ACTION: &str = "s3:GetObject";

/// An ETag as it stands in an [`ObjectRef`]: without quotes.
pub(super) fn bare_etag(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

/// A version made of the time of the last change, in seconds, and the length.
pub(super) fn dated_etag(modified: i64, size: u64) -> String {
    format!("{DATED}{modified}-{size}")
}

/// An object to get, as it was listed.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) key: String,
    pub(super) etag: String,
    pub(super) size: u64,
}

impl Wanted {
    /// True where the store gave an ETag that a request can be bound to.
    fn bound(&self) -> bool {
        !self.etag.is_empty() && !self.etag.starts_with(DATED)
    }

    /// Whether an answer is of the version wanted.
    fn check_version(&self, answer: &GetObjectOutput) -> Result<(), Fault> {
        let found = if self.bound() {
            answer.e_tag().map(|etag| bare_etag(etag).to_owned())
        } else {
            let modified = answer.last_modified();
            // The length is looked at on its own.
            modified.map(|time| dated_etag(time.secs(), self.size))
        };
        match found {
            Some(found) if !self.etag.is_empty() && found != self.etag => Err(Fault::new(
                Kind::Changed,
                format!(
                    "it was listed as version {} and is {found} now: the next run lists it anew",
                    self.etag
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// The body of an answer, from the byte asked for.
#[derive(Debug)]
pub(super) struct Body {
    stream: ByteStream,
    /// Bytes to leave out: the store gave more than the range.
    skip: u64,
    timeout: std::time::Duration,
}

impl Body {
    /// The next bytes; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let next = tokio::time::timeout(self.timeout, self.stream.next()).await;
            let mut bytes = match next {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(error))) => {
                    let cause = format!("the body broke off: {}", causes(&error));
                    return Err(Fault::new(Kind::Transient, cause));
                }
                Err(_) => {
                    let cause = format!("no bytes of the body for {:?}", self.timeout);
                    return Err(Fault::new(Kind::Transient, cause));
                }
            };
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            // No more than the length, which is a usize.
            let _ = bytes.split_to(usize::try_from(skipped).unwrap_or(bytes.len()));
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }
}

impl Bucket {
    /// Opens an object for reading. A small one is in memory when this returns, as far as the memory
    /// allowed for that goes; others are streamed, with a bounded number of bytes ahead of the reader.
    /// The reader blocks. An empty `etag` takes whatever version is there.
    ///
    /// # Errors
    /// Names the object, the cause and what to do: the object is gone, changed since it was listed,
    /// may not be read (with the permission that is missing), or could not be read whole in the
    /// attempts allowed.
    pub async fn read(
        self: &Arc<Self>,
        object: &ObjectRef,
    ) -> std::io::Result<Box<dyn Read + Send>> {
        let Some(key) = self.key_of(object) else {
            let text = format!(
                "cannot read {}: it is not in bucket {}",
                object.key,
                self.name()
            );
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
        };
        let wanted = Wanted {
            key: key.to_owned(),
            etag: object.etag.clone(),
            size: object.size,
        };
        if wanted.size <= SMALL_OBJECT
            && let Ok(permits) = u32::try_from(wanted.size)
            && let Ok(held) = Arc::clone(&self.memory).try_acquire_many_owned(permits)
        {
            let bytes = self
                .attempts(|client| self.get_whole(client, &wanted))
                .await;
            let bytes = bytes.map_err(|fault| fault.into_io(&object.key))?;
            return Ok(Box::new(Held {
                bytes: Cursor::new(bytes),
                _held: held,
            }));
        }
        stream::open(Arc::clone(self), wanted)
            .await
            .map_err(|fault| fault.into_io(&object.key))
    }

    /// Asks S3 what is at a key, for those who know no more than the key.
    ///
    /// # Errors
    /// As [`Bucket::read`].
    pub async fn head(&self, key: &str) -> std::io::Result<ObjectRef> {
        let asked = self.asked(ACTION);
        let found = self.attempts(|client| async move {
            let answer = client
                .head_object()
                .bucket(self.name())
                .key(key)
                .set_request_payer(self.payer())
                .send()
                .await
                .map_err(|error| Fault::of(&error, asked))?;
            let length = answer.content_length();
            let size = length
                .and_then(|length| u64::try_from(length).ok())
                .unwrap_or(0);
            let modified = answer.last_modified().map_or(0, DateTime::secs);
            Ok(ObjectRef {
                key: self.uri(key),
                etag: answer.e_tag().map_or_else(
                    || dated_etag(modified, size),
                    |etag| bare_etag(etag).to_owned(),
                ),
                size,
            })
        });
        found.await.map_err(|fault| fault.into_io(&self.uri(key)))
    }

    /// One attempt to get all bytes.
    async fn get_whole(&self, client: Client, wanted: &Wanted) -> Result<Vec<u8>, Fault> {
        // The semaphore is never closed.
        let _permit = self.gets.acquire().await;
        let mut body = self.get(&client, wanted, 0).await?;
        let size = usize::try_from(wanted.size).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(size);
        while let Some(next) = body.next().await? {
            bytes.extend_from_slice(&next);
            if bytes.len() > size {
                return Err(wrong_length(bytes.len() as u64, wanted.size));
            }
        }
        if bytes.len() < size {
            return Err(wrong_length(bytes.len() as u64, wanted.size));
        }
        Ok(bytes)
    }

    /// One request for the bytes from `from` to the end, its answer checked against what was listed.
    pub(super) async fn get(
        &self,
        client: &Client,
        wanted: &Wanted,
        from: u64,
    ) -> Result<Body, Fault> {
        let etag = wanted.bound().then(|| format!("\"{}\"", wanted.etag));
        let answer = client
            .get_object()
            .bucket(self.name())
            .key(&wanted.key)
            .set_if_match(etag)
            .set_range((from > 0).then(|| format!("bytes={from}-")))
            .set_request_payer(self.payer())
            .send()
            .await
            .map_err(|error| Fault::of(&error, self.asked(ACTION)))?;
        wanted.check_version(&answer)?;
        let skip = match answer.content_range() {
            None => from,
            Some(range) if range.starts_with(&format!("bytes {from}-")) => 0,
            Some(range) => {
                let cause = format!("asked for the bytes from {from}, got {range}");
                return Err(Fault::new(Kind::Transient, cause));
            }
        };
        if let Some(length) = answer.content_length()
            && let Ok(length) = u64::try_from(length)
            && length + from - skip != wanted.size
        {
            return Err(wrong_length(length + from - skip, wanted.size));
        }
        Ok(Body {
            stream: answer.body,
            skip,
            timeout: self.options.timeout,
        })
    }
}

/// A body that is not as long as was listed, though its version is the same: cut on the way.
fn wrong_length(found: u64, listed: u64) -> Fault {
    Fault::new(
        Kind::Transient,
        format!("got {found} bytes where {listed} were listed"),
    )
}

/// An object in memory.
#[derive(Debug)]
struct Held {
    bytes: Cursor<Vec<u8>>,
    _held: OwnedSemaphorePermit,
}

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.bytes.read(buffer)
    }
}

#[cfg(test)]
mod tests;
