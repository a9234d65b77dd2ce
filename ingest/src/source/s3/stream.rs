//! Streams a large object to a blocking reader: a task gets it, resumes it where the connection
//! breaks, and stays a bounded number of bytes ahead.

use std::io::{Error, Read, Result};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::{Buf, Bytes};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::client::Bucket;
use super::fault::{Fault, Kind};
use super::read::{Body, Wanted};

/// Bytes that may be ahead of the reader.
const AHEAD: usize = 1 << 20;

/// Bytes after which earlier failures do not count.
const PROGRESS: u64 = 4 << 20;

/// What the task says.
enum Part {
    Bytes(Bytes),
    /// All bytes were sent.
    End,
    Failed(Error),
}

/// The blocking end.
struct Reader {
    key: String,
    parts: Receiver<Part>,
    /// Free bytes of [`AHEAD`].
    free: Arc<Semaphore>,
    current: Bytes,
    /// What holds room for `current`.
    held: usize,
    ended: bool,
    task: AbortHandle,
}

impl Reader {
    /// Takes the next bytes. False at the end.
    fn advance(&mut self) -> Result<bool> {
        self.free.add_permits(std::mem::take(&mut self.held));
        if self.ended {
            return Ok(false);
        }
        match self.parts.recv() {
            Ok(Part::Bytes(bytes)) => {
                self.held = bytes.len().min(AHEAD);
                self.current = bytes;
                Ok(true)
            }
            Ok(Part::End) => {
                self.ended = true;
                Ok(false)
            }
            Ok(Part::Failed(error)) => Err(error),
            // A task that died must not look like one that ended.
            Err(_) => Err(Error::other(format!(
                "cannot read {}: the reading task has stopped",
                self.key
            ))),
        }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.current.has_remaining() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let taken = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..taken]);
        Ok(taken)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The other end.
struct Feed {
    bucket: Arc<Bucket>,
    wanted: Wanted,
    parts: Sender<Part>,
    free: Arc<Semaphore>,
    /// Bytes sent.
    position: u64,
    /// Where the last failure was counted.
    failed_at: u64,
    failed: u32,
    renewed: u32,
}

/// Why the feed stops.
enum Stop {
    Fault(Fault),
    /// The reader is gone.
    Closed,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Opens an object, so that what is wrong with it is known at once, and streams it.
pub(super) async fn open(
    bucket: Arc<Bucket>,
    wanted: Wanted,
) -> std::result::Result<Box<dyn Read + Send>, Fault> {
    let body = bucket
        .attempts(|client| {
            let (bucket, wanted) = (&bucket, &wanted);
            async move {
                let _permit = bucket.gets.acquire().await;
                bucket.get(&client, wanted, 0).await
            }
        })
        .await?;
    let (sender, parts) = channel();
    let free = Arc::new(Semaphore::new(AHEAD));
    let key = bucket.uri(&wanted.key);
    let feed = Feed {
        bucket,
        wanted,
        parts: sender,
        free: Arc::clone(&free),
        position: 0,
        failed_at: 0,
        failed: 0,
        renewed: 0,
    };
    let task = tokio::spawn(feed.run(body)).abort_handle();
    Ok(Box::new(Reader {
        key,
        parts,
        free,
        current: Bytes::new(),
        held: 0,
        ended: false,
        task,
    }))
}

impl Feed {
    async fn run(mut self, first: Body) {
        let last = match self.all(first).await {
            Ok(()) => Part::End,
            Err(Stop::Closed) => return,
            Err(Stop::Fault(fault)) => {
                let key = self.bucket.uri(&self.wanted.key);
                Part::Failed(fault.into_io(&key))
            }
        };
        // Whether anybody reads it is not this task's concern any more.
        let _ = self.parts.send(last);
    }

    async fn all(&mut self, first: Body) -> std::result::Result<(), Stop> {
        let mut body = first;
        loop {
            match self.pass_on(&mut body).await {
                Ok(()) => return Ok(()),
                Err(Stop::Fault(fault)) => body = self.resume(fault).await?,
                Err(Stop::Closed) => return Err(Stop::Closed),
            }
        }
    }

    /// Passes on a body to its end.
    async fn pass_on(&mut self, body: &mut Body) -> std::result::Result<(), Stop> {
        loop {
            let next = match body.next().await {
                Ok(next) => next,
                Err(fault) if self.position == self.wanted.size => {
                    // Every byte came, and the checksum over them does not hold: they are with the reader.
                    return Err(Fault::new(Kind::Fatal, fault.cause).into());
                }
                Err(fault) => return Err(fault.into()),
            };
            let Some(bytes) = next else { break };
            let length = bytes.len() as u64;
            if self.position + length > self.wanted.size {
                let cause = format!("it is longer than the {} bytes listed", self.wanted.size);
                return Err(Fault::new(Kind::Fatal, cause).into());
            }
            self.send(bytes).await?;
            self.position += length;
        }
        if self.position < self.wanted.size {
            let (position, size) = (self.position, self.wanted.size);
            let cause = format!("the body ended after {position} of {size} bytes");
            return Err(Fault::new(Kind::Transient, cause).into());
        }
        Ok(())
    }

    async fn send(&mut self, bytes: Bytes) -> std::result::Result<(), Stop> {
        // No more than AHEAD, which fits.
        let room = u32::try_from(bytes.len().min(AHEAD)).unwrap_or(u32::MAX);
        let Ok(permit) = self.free.acquire_many(room).await else {
            return Err(Stop::Closed);
        };
        // The reader gives the room back.
        permit.forget();
        self.parts
            .send(Part::Bytes(bytes))
            .map_err(|_| Stop::Closed)
    }

    /// Asks for the rest, of the same version.
    async fn resume(&mut self, fault: Fault) -> std::result::Result<Body, Stop> {
        let mut fault = fault;
        let (mut generation, mut client) = self.bucket.client();
        loop {
            if self.position >= self.failed_at + PROGRESS {
                (self.failed, self.renewed) = (0, 0);
            }
            self.failed_at = self.position;
            self.failed += 1;
            self.bucket
                .recover(fault, self.failed, &mut self.renewed, generation)
                .await?;
            (generation, client) = {
                drop(client);
                self.bucket.client()
            };
            let _permit = self.bucket.gets.acquire().await;
            match self.bucket.get(&client, &self.wanted, self.position).await {
                Ok(body) => return Ok(body),
                Err(next) => fault = next,
            }
        }
    }
}

#[cfg(test)]
mod tests;
