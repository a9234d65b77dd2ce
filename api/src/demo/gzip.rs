//! Gzip members, made on a thread of their own: compressing costs as much as
//! all the rest, and this keeps the order of objects.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Fixed header of RFC 1952: deflate, no name, no time, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// Compression level. Speed counts here, the objects are thrown away.
const LEVEL: u32 = 1;
/// Room to start with and to add when a deflate call ran out of it.
const CHUNK: usize = 16 << 10;
/// Objects handed over and not yet taken back. Bounds memory.
const IN_FLIGHT: usize = 8;

/// Compresses one object after another. The deflate state is kept between
/// objects: a trail of small ones would spend its time on setting it up.
struct Gzip {
    deflate: Compress,
}

impl Gzip {
    fn new() -> Self {
        Self {
            deflate: Compress::new(Compression::new(LEVEL), false),
        }
    }

    /// Replaces `out` by `bytes` as one gzip member.
    fn compress(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.deflate.reset();
        out.clear();
        out.extend_from_slice(&HEADER);
        let mut crc = Crc::new();
        crc.update(bytes);
        loop {
            out.reserve(CHUNK);
            let done = usize::try_from(self.deflate.total_in()).unwrap_or(bytes.len());
            let rest = bytes.get(done..).unwrap_or_default();
            let status = self
                .deflate
                .compress_vec(rest, out, FlushCompress::Finish)
                .map_err(io::Error::other)?;
            if status == Status::StreamEnd {
                break;
            }
        }
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
        Ok(())
    }
}

/// An object on its way through the compressor.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) key: String,
    /// The JSON text.
    pub(super) body: Vec<u8>,
    /// The gzip member, once compressed.
    pub(super) gz: Vec<u8>,
}

type Packed = (Parcel, io::Result<()>);

/// A queue through the compressor, first in first out.
#[derive(Debug)]
pub(super) struct Packer {
    worker: Option<(Sender<Parcel>, Receiver<Packed>, JoinHandle<()>)>,
    in_flight: usize,
}

impl Packer {
    /// Makes a queue; its thread starts with the first parcel.
    pub(super) fn new() -> Self {
        Self {
            worker: None,
            in_flight: 0,
        }
    }

    /// Hands a parcel over.
    pub(super) fn push(&mut self, parcel: Parcel) -> io::Result<()> {
        let (jobs, _, _) = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(start()?),
        };
        jobs.send(parcel).map_err(|_| gone())?;
        self.in_flight += 1;
        Ok(())
    }

    /// Takes the next parcel back, waiting for it if `all` are wanted or too
    /// many are on their way.
    pub(super) fn pop(&mut self, all: bool) -> io::Result<Option<Parcel>> {
        let Some((_, done, _)) = self.worker.as_ref().filter(|_| self.in_flight > 0) else {
            return Ok(None);
        };
        let packed = if all || self.in_flight >= IN_FLIGHT {
            Some(done.recv().map_err(|_| gone())?)
        } else {
            done.try_recv().ok()
        };
        let Some((parcel, result)) = packed else {
            return Ok(None);
        };
        self.in_flight -= 1;
        result.map(|()| Some(parcel))
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        if let Some((jobs, _, thread)) = self.worker.take() {
            drop(jobs);
            // Nothing to tell anyone here: a panic has shown as a lost parcel.
            let _ = thread.join();
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the compressing thread ended early")
}

fn start() -> io::Result<(Sender<Parcel>, Receiver<Packed>, JoinHandle<()>)> {
    let (jobs, todo) = channel::<Parcel>();
    let (finished, done) = channel();
    let worker = thread::Builder::new()
        .name("demo-gzip".to_owned())
        .spawn(move || {
            let mut gzip = Gzip::new();
            for mut parcel in todo {
                let result = gzip.compress(&parcel.body, &mut parcel.gz);
                if finished.send((parcel, result)).is_err() {
                    return;
                }
            }
        })?;
    Ok((jobs, done, worker))
}

#[cfg(test)]
mod tests;
