//! Reads and decodes the objects of a batch: several at a time, results in the order of the batch.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;

use super::Options;
use crate::batch::StagedRows;
use crate::decode::{DecodeError, Limits, Outcome, Record, Reject, Sink, decode};
use crate::error::{Error, Result};
use crate::source::{Body, ObjectRef, Source};

/// Rows of a chunk, at most.
const CHUNK_ROWS: usize = 8_192;

/// Bytes of text of a chunk, about.
const CHUNK_BYTES: usize = 4 << 20;

/// Values refused per chunk, at most.
const CHUNK_REJECTS: usize = 512;

/// Chunks that a decoder may be ahead.
const CHUNKS_AHEAD: usize = 1;

/// Small objects that one decoder takes at once, and their bytes. All of them are asked for at once.
const UNIT_OBJECTS: usize = 64;
const UNIT_BYTES: u64 = 1 << 20;

/// Units asked for while others are decoded.
const UNITS_AHEAD: usize = 3;

/// Decoded rows, in order, and the objects that ended in them.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) rows: RecordBatch,
    pub(super) rejects: Vec<(String, Reject)>,
    pub(super) ended: Vec<Ended>,
}

impl Chunk {
    /// Objects and stored bytes that ended in this chunk.
    pub(super) fn finished(&self) -> (u64, u64) {
        (
            self.ended.len() as u64,
            self.ended.iter().map(|ended| ended.object.size).sum(),
        )
    }
}

/// An object that was read to its end, or as far as it could be.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) object: ObjectRef,
    pub(super) outcome: Result<Outcome, String>,
    pub(super) first_event_time: Option<i64>,
    pub(super) last_event_time: Option<i64>,
    /// Time to open and to decode it.
    pub(super) took: Duration,
}

/// An object, and its content where the batch has it.
type Named = (ObjectRef, Option<String>);

/// Decodes objects in order.
pub(super) fn chunks(
    source: Arc<dyn Source>,
    options: &Options,
    objects: Vec<Named>,
) -> BoxStream<'static, Result<Chunk>> {
    let limits = options.limits.clone();
    // Tasks of their own, begun as the unit is taken: `buffered` polls what it holds only while the first of it is not
    // ready.
    let opened = futures::stream::iter(units(objects))
        .map(move |unit| tokio::spawn(open(Arc::clone(&source), unit)))
        .buffered(UNITS_AHEAD);
    let starts = opened.map(move |unit| {
        let limits = limits.clone();
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let worker = tokio::task::spawn_blocking(move || match unit {
            Ok(unit) => decode_unit(&limits, unit, &sender),
            // Nobody who still listens is left without an answer.
            Err(error) => drop(sender.blocking_send(Err(error.into()))),
        });
        std::future::ready((receiver, worker))
    });
    // Started ahead, drained in order; each is held back by its own channel.
    Box::pin(
        starts
            // One that is done waits for its turn, so that one more keeps all decoders at work.
            .buffered(options.decoders + 1)
            .flat_map(|(receiver, worker)| {
                let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
                    receiver.recv().await.map(|chunk| (chunk, receiver))
                });
                // A decoder that died must not look like one that ended.
                let end = futures::stream::once(worker).filter_map(|joined| async move {
                    joined.err().map(|error| Err(Error::from(error)))
                });
                chunks.chain(end)
            }),
    )
}

fn units(objects: Vec<Named>) -> Vec<Vec<Named>> {
    let mut units: Vec<Vec<Named>> = Vec::new();
    let mut bytes = u64::MAX;
    for (object, content) in objects {
        let full = units
            .last()
            .is_none_or(|unit| unit.len() == UNIT_OBJECTS || bytes >= UNIT_BYTES);
        if full {
            units.push(Vec::new());
            bytes = 0;
        }
        bytes += object.size;
        if let Some(unit) = units.last_mut() {
            unit.push((object, content));
        }
    }
    units
}

/// An object, its body or why there is none, and the time that it took to know.
type Opened = (ObjectRef, std::io::Result<Body>, Duration);

async fn open(source: Arc<dyn Source>, unit: Vec<Named>) -> Vec<Opened> {
    futures::stream::iter(unit)
        .map(|(object, content)| {
            let source = Arc::clone(&source);
            async move {
                let began = Instant::now();
                let body = match content {
                    Some(content) => Ok(Box::new(Cursor::new(content.into_bytes())) as Body),
                    None => source.read(&object).await,
                };
                (object, body, began.elapsed())
            }
        })
        .buffered(UNIT_OBJECTS)
        .collect()
        .await
}

/// Nobody takes chunks any more.
struct Closed;

struct Collector<'a> {
    out: &'a mpsc::Sender<Result<Chunk>>,
    rows: StagedRows,
    rejects: Vec<(String, Reject)>,
    ended: Vec<Ended>,
    key: String,
    first_event_time: Option<i64>,
    last_event_time: Option<i64>,
}

impl Collector<'_> {
    fn send(&mut self, more: bool) -> Result<(), Closed> {
        let chunk = self.rows.take(more).map(|rows| Chunk {
            rows,
            rejects: std::mem::take(&mut self.rejects),
            ended: std::mem::take(&mut self.ended),
        });
        self.out.blocking_send(chunk).map_err(|_| Closed)
    }
}

impl Sink for Collector<'_> {
    type Error = Closed;

    fn record(&mut self, record: &Record<'_>) -> Result<(), Closed> {
        if let Some(time) = record.event_time {
            self.first_event_time =
                Some(self.first_event_time.map_or(time, |first| first.min(time)));
            self.last_event_time = self.last_event_time.max(Some(time));
        }
        self.rows.push(record, &self.key);
        if self.rows.rows() >= CHUNK_ROWS || self.rows.bytes() >= CHUNK_BYTES {
            self.send(true)?;
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Closed> {
        self.rejects.push((self.key.clone(), reject));
        if self.rejects.len() >= CHUNK_REJECTS {
            self.send(true)?;
        }
        Ok(())
    }
}

fn decode_unit(limits: &Limits, unit: Vec<Opened>, out: &mpsc::Sender<Result<Chunk>>) {
    let mut collector = Collector {
        out,
        rows: StagedRows::new(),
        rejects: Vec::new(),
        ended: Vec::new(),
        key: String::new(),
        first_event_time: None,
        last_event_time: None,
    };
    for (object, body, opening) in unit {
        let began = Instant::now();
        collector.key.clone_from(&object.key);
        collector.first_event_time = None;
        collector.last_event_time = None;
        let decoded = match body {
            Ok(body) => decode(body, limits, &mut collector),
            Err(error) => Err(DecodeError::Read(error)),
        };
        let outcome = match decoded {
            Ok(outcome) => Ok(outcome),
            Err(DecodeError::Read(error)) => Err(error.to_string()),
            Err(DecodeError::Sink(Closed)) => return,
        };
        collector.ended.push(Ended {
            object,
            outcome,
            first_event_time: collector.first_event_time,
            last_event_time: collector.last_event_time,
            took: opening + began.elapsed(),
        });
    }
    // Whether anybody takes it is not this worker's concern any more.
    let _ = collector.send(false);
}
