//! Delivery: which record lands in which object of the trail bucket, when.
//!
//! Modelled on measured deliveries: an object carries records of about the
//! last five minutes (median delay 3 min, at most 10), most objects are small,
//! a few are large, a good quarter is not in time order, and some records are
//! delivered twice, in different objects.

use std::collections::BTreeMap;

use super::gzip::{Packer, Parcel};
use super::json::Json;
use super::records::{self, Call, Shape};
use super::rng::Rng;
use super::truth::{Credential, Label, Truth};
use super::{DemoError, DemoOutput, DemoSummary, clock};

/// Objects are named after delivery slots of this many seconds.
pub(super) const SLOT: i64 = 300;
/// Records delivered twice, of a thousand.
const DUPLICATES: u64 = 20;
/// Objects whose records are put out of order on purpose, of a thousand.
const SHUFFLED: u64 = 450;
/// Objects filled at the same time per account, region and slot.
const OPEN_OBJECTS: usize = 3;
/// An object is delivered early once it holds this much text.
const OBJECT_BYTES: usize = 8 << 20;

/// Buffers kept for the next objects.
const SPARE: usize = 16;

const HEAD: &[u8] = b"{\"Records\":[";
const TAIL: &[u8] = b"]}";

/// A part of the trail in which records of one account are not delivered
/// because its owner had stopped logging.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) account: usize,
    pub(super) from: i64,
    pub(super) to: i64,
}

struct Object {
    serial: u64,
    slot: i64,
    target: usize,
    parcel: Parcel,
    ends: Vec<usize>,
}

struct Stream {
    account: String,
    region: String,
    open: Vec<Object>,
}

/// Takes records in order of time and delivers objects.
pub(super) struct Trail<'o> {
    out: &'o mut dyn DemoOutput,
    streams: Vec<Stream>,
    index: BTreeMap<(usize, String), usize>,
    rng: Rng,
    records_per_file: Option<usize>,
    pub(super) gap: Option<Gap>,
    flushed: i64,
    serial: u64,
    record: Json,
    sorted: Vec<u8>,
    packer: Packer,
    /// Parcels that came back, kept for their memory.
    spare: Vec<Parcel>,
    failure: Option<DemoError>,
    summary: DemoSummary,
}

impl std::fmt::Debug for Trail<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trail")
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

impl<'o> Trail<'o> {
    /// Starts a trail that writes to `out`.
    pub(super) fn new(
        out: &'o mut dyn DemoOutput,
        seed: u64,
        records_per_file: Option<u32>,
    ) -> Self {
        Self {
            out,
            streams: Vec::new(),
            index: BTreeMap::new(),
            rng: Rng::new(seed ^ 0x7472_6169_6c00_0001),
            records_per_file: records_per_file.map(|n| (n as usize).max(1)),
            gap: None,
            flushed: i64::MIN,
            serial: 0,
            record: Json::default(),
            sorted: Vec::new(),
            packer: Packer::new(),
            spare: Vec::new(),
            failure: None,
            summary: DemoSummary::default(),
        }
    }

    /// What was delivered so far.
    pub(super) fn summary(&self) -> DemoSummary {
        self.summary
    }

    /// Writes a record and its truth. Returns false if the trail was not
    /// logging, in which case neither exists.
    pub(super) fn emit(
        &mut self,
        call: &Call<'_>,
        shape: &Shape,
        label: &Label,
        credential: Credential<'_>,
    ) -> bool {
        let stopped =
            |gap: Gap| gap.account == call.recipient.index && (gap.from..gap.to).contains(&call.at);
        if self.failure.is_some() || self.gap.is_some_and(stopped) {
            return false;
        }
        self.tell(call, label, credential);
        let mut record = std::mem::take(&mut self.record);
        records::write(record.clear(), call, shape);
        self.summary.bytes += record.as_str().len() as u64;
        let stream = self.stream(call);
        let slot = self.delivery_slot(call.at);
        let serial = self.place(stream, slot, None, record.as_str());
        if self.rng.chance(DUPLICATES) {
            let later = if self.rng.chance(500) {
                0
            } else {
                self.rng.between(1, 6) * SLOT
            };
            self.place(stream, slot + later, Some(serial), record.as_str());
            self.summary.duplicates += 1;
        }
        self.record = record;
        true
    }

    fn tell(&mut self, call: &Call<'_>, label: &Label, credential: Credential<'_>) {
        let event_id = call.event_id.text();
        let truth = Truth {
            address_kind: call.address_kind,
            ..label.truth(&event_id, credential)
        };
        self.summary.events += 1;
        self.summary.attributable += u64::from(truth.access_path.is_some());
        if let Err(source) = self.out.truth(&truth) {
            self.failure = Some(DemoError::Truth { event_id, source });
        }
    }

    fn stream(&mut self, call: &Call<'_>) -> usize {
        let key = (call.recipient.index, call.region.to_owned());
        if let Some(&found) = self.index.get(&key) {
            return found;
        }
        let stream = self.streams.len();
        self.streams.push(Stream {
            account: call.recipient.id.clone(),
            region: key.1.clone(),
            open: Vec::new(),
        });
        self.index.insert(key, stream);
        stream
    }

    /// The slot is the first one after the record was ready for delivery.
    fn delivery_slot(&mut self, at: i64) -> i64 {
        let ready = match self.rng.below(100) {
            0..70 => self.rng.between(5, 50),
            70..88 => self.rng.between(50, 180),
            _ => self.rng.between(180, 295),
        };
        ((at + ready).div_euclid(SLOT) + 1) * SLOT
    }

    /// Appends the record to an object of the slot other than `not`.
    fn place(&mut self, stream: usize, slot: i64, not: Option<u64>, record: &str) -> u64 {
        let width = if self.records_per_file.is_some() {
            1
        } else {
            OPEN_OBJECTS
        };
        let fits = |object: &Object| object.slot == slot && Some(object.serial) != not;
        let open = &self.streams[stream].open;
        let count = open.iter().filter(|object| fits(object)).count();
        let at = if count == 0 || (count < width && self.rng.chance(50)) {
            self.open_object(stream, slot)
        } else {
            let nth = self.rng.index(count);
            let found = open
                .iter()
                .enumerate()
                .filter(|(_, object)| fits(object))
                .nth(nth);
            found.map_or(0, |(index, _)| index)
        };
        let object = &mut self.streams[stream].open[at];
        if !object.ends.is_empty() {
            object.parcel.body.push(b',');
        }
        object.parcel.body.extend_from_slice(record.as_bytes());
        object.ends.push(object.parcel.body.len());
        let serial = object.serial;
        if object.ends.len() >= object.target || object.parcel.body.len() >= OBJECT_BYTES {
            let object = self.streams[stream].open.swap_remove(at);
            self.deliver(stream, object);
        }
        serial
    }

    fn open_object(&mut self, stream: usize, slot: i64) -> usize {
        self.serial += 1;
        let target = self
            .records_per_file
            .unwrap_or_else(|| object_size(&mut self.rng));
        let mut parcel = self.spare.pop().unwrap_or_default();
        parcel.body.extend_from_slice(HEAD);
        let open = &mut self.streams[stream].open;
        open.push(Object {
            serial: self.serial,
            slot,
            target,
            parcel,
            ends: Vec::new(),
        });
        open.len() - 1
    }

    /// Delivers what belongs to slots that have begun. Call it as time passes;
    /// the cost of a call within the same slot is nothing.
    pub(super) fn advance(&mut self, now: i64) -> Result<(), DemoError> {
        if now >= self.flushed.saturating_add(SLOT) {
            self.flushed = now.div_euclid(SLOT) * SLOT;
            self.flush(self.flushed);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Hands a file of the inventory to the output.
    pub(super) fn inventory(&mut self, path: &str, json: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        self.summary.inventory_files += 1;
        if let Err(source) = self.out.inventory_file(path, json) {
            self.failure = Some(DemoError::Inventory {
                path: path.to_owned(),
                source,
            });
        }
    }

    /// Delivers everything that is left.
    pub(super) fn finish(&mut self) -> Result<(), DemoError> {
        self.flush(i64::MAX);
        self.collect(true);
        self.check()
    }

    /// Tells what the output refused, if anything.
    pub(super) fn check(&mut self) -> Result<(), DemoError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn flush(&mut self, until: i64) {
        for stream in 0..self.streams.len() {
            let all = std::mem::take(&mut self.streams[stream].open);
            let (due, waiting) = all.into_iter().partition(|object| object.slot <= until);
            self.streams[stream].open = waiting;
            let due: Vec<Object> = due;
            for object in due {
                self.deliver(stream, object);
            }
        }
    }

    fn deliver(&mut self, stream: usize, mut object: Object) {
        if self.failure.is_some() {
            return;
        }
        if object.ends.len() > 1 && self.rng.chance(SHUFFLED) {
            self.shuffle(&mut object);
        }
        object.parcel.body.extend_from_slice(TAIL);
        let Stream {
            account, region, ..
        } = &self.streams[stream];
        object.parcel.key = format!(
            "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}_{}.json.gz",
            clock::folder(object.slot),
            clock::slot(object.slot),
            self.rng.alphanumeric(16)
        );
        self.summary.objects += 1;
        self.summary.records += object.ends.len() as u64;
        if let Err(source) = self.packer.push(object.parcel) {
            self.failure = Some(DemoError::Compress { source });
            return;
        }
        self.collect(false);
    }

    /// Hands finished objects to the output, all of them or those at hand.
    fn collect(&mut self, all: bool) {
        while self.failure.is_none() {
            let mut parcel = match self.packer.pop(all) {
                Ok(Some(parcel)) => parcel,
                Ok(None) => return,
                Err(source) => {
                    self.failure = Some(DemoError::Compress { source });
                    return;
                }
            };
            self.summary.compressed_bytes += parcel.gz.len() as u64;
            if let Err(source) = self.out.trail_object(&parcel.key, &parcel.gz) {
                self.failure = Some(DemoError::Object {
                    key: parcel.key,
                    source,
                });
                return;
            }
            if self.spare.len() < SPARE && parcel.body.capacity() <= 2 * OBJECT_BYTES {
                parcel.body.clear();
                self.spare.push(parcel);
            }
        }
    }

    /// Swaps some records, as objects merged from several servers look.
    fn shuffle(&mut self, object: &mut Object) {
        let mut spans: Vec<(usize, usize)> = Vec::with_capacity(object.ends.len());
        let mut start = HEAD.len();
        for &end in &object.ends {
            spans.push((start, end));
            start = end + 1;
        }
        for _ in 0..spans.len().div_ceil(4) {
            let (a, b) = (self.rng.index(spans.len()), self.rng.index(spans.len()));
            spans.swap(a, b);
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(HEAD);
        for (position, &(from, to)) in spans.iter().enumerate() {
            if position > 0 {
                self.sorted.push(b',');
            }
            self.sorted.extend_from_slice(&object.parcel.body[from..to]);
        }
        std::mem::swap(&mut self.sorted, &mut object.parcel.body);
    }
}

/// Draws how many records an object holds: median 6, one in 300 above 400.
fn object_size(rng: &mut Rng) -> usize {
    let (low, high) = match rng.below(1000) {
        0..80 => (1, 1),
        80..270 => (2, 3),
        270..450 => (4, 5),
        450..600 => (6, 7),
        600..760 => (8, 10),
        760..850 => (11, 15),
        850..920 => (16, 25),
        920..960 => (26, 60),
        960..985 => (61, 150),
        985..997 => (151, 400),
        _ => (401, 622),
    };
    usize::try_from(rng.between(low, high)).unwrap_or(1)
}

#[cfg(test)]
mod tests;
