//! Runs a source into a store: list, fix a batch, read and decode it, commit it, until nothing is
//! new. The protocol is told in `commit`; memory is bounded by [`Options`], whatever the size
//! and number of objects.

mod gather;
mod read;
mod rename;
mod seen;
mod unread;
mod write;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use deltalake::DeltaTable;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::commit::{Position, commit, follow, position};
use crate::datafile::Files;
use crate::decode::Limits;
use crate::dedup::{KnownEvents, SMALL_HISTORY};
use crate::error::{Error, Result};
use crate::findings::DigestStatus;
use crate::manifest::Manifest;
use crate::retry::Retries;
use crate::schema::{BATCH_TABLES, EVENTS, INGESTED_OBJECTS, TABLES};
use crate::source::{ObjectRef, Source};
use crate::stop::Stop;
use crate::store::Store;
pub use unread::unread;

/// Objects looked up at once in `ingested_objects`.
const LOOK_UP: usize = 4_096;

/// Bytes of content kept with a batch, after which it is full.
const BATCH_CONTENTS: usize = 16 << 20;

/// Bounds of an ingest run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most objects of one batch.
    pub batch_objects: usize,
    /// Stored bytes after which a batch is full.
    pub batch_bytes: u64,
    /// Rows held before they are written to data files.
    pub flush_rows: usize,
    /// Bytes of text held before rows are written to data files.
    pub flush_bytes: usize,
    /// Objects decoded at the same time.
    pub decoders: usize,
    /// Events up to which all known ids stay in memory.
    pub small_history: u64,
    /// Bounds of decoding.
    pub limits: Limits,
    /// Failed attempts in a row after which a run gives up.
    pub attempts: u32,
    /// First pause after a failed attempt; it doubles with each, up to 64 times.
    pub pause: Duration,
    /// What the digests say of objects, where they were verified.
    pub digest_status: Option<Arc<DigestStatus>>,
    /// Asks the run to end early.
    pub stop: Stop,
    /// Gives the time, in microseconds since the epoch.
    pub clock: fn() -> i64,
}

impl Options {
    /// Defaults for a machine with `decoders` cores, with the time from `clock`.
    #[must_use]
    pub fn new(decoders: usize, clock: fn() -> i64) -> Self {
        Self {
            batch_objects: 10_000,
            batch_bytes: 256 << 20,
            flush_rows: 65_536,
            flush_bytes: 24 << 20,
            decoders: decoders.max(1),
            small_history: SMALL_HISTORY,
            limits: Limits::default(),
            attempts: 8,
            pause: Duration::from_millis(50),
            digest_status: None,
            stop: Stop::never(),
            clock,
        }
    }

    /// Flushes that are made into files at the same time. That takes about as long as decoding, and each holds its
    /// rows: half as many as decoders, and one more so that few cores have no pauses.
    pub(crate) fn encoders(&self) -> usize {
        self.decoders / 2 + 1
    }
}

/// What a run, or one batch of it, came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Batches committed.
    pub batches: u64,
    /// Objects read.
    pub objects: u64,
    /// Objects listed that had been read before.
    pub already_read: u64,
    /// Objects that could not be read; the next run tries them again.
    pub unreadable: u64,
    /// CloudTrail records found.
    pub records: u64,
    /// Records that became rows of `events`.
    pub new_events: u64,
    /// Records whose event_id was known already.
    pub duplicates: u64,
    /// New events whose eventID belongs to another record: kept under a derived id.
    pub renamed: u64,
    /// Values refused, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Bytes after decompression.
    pub inflated_bytes: u64,
    /// Earliest event read, µs since the epoch.
    pub first_event_time: Option<i64>,
    /// Latest event read, µs since the epoch.
    pub last_event_time: Option<i64>,
    /// What could not be listed or read, a few of them.
    pub problems: Vec<String>,
}

/// Longest wait before an attempt, in pauses.
const LONGEST_PAUSES: u32 = 64;

/// Problems named in a summary; the rest are in `ingested_objects`.
const NAMED_PROBLEMS: usize = 10;

impl Summary {
    /// Adds another summary.
    pub fn add(&mut self, other: &Self) {
        self.batches += other.batches;
        self.objects += other.objects;
        self.already_read += other.already_read;
        self.unreadable += other.unreadable;
        self.records += other.records;
        self.new_events += other.new_events;
        self.duplicates += other.duplicates;
        self.renamed += other.renamed;
        for (reason, count) in &other.rejected {
            *self.rejected.entry(reason.clone()).or_default() += count;
        }
        self.bytes += other.bytes;
        self.inflated_bytes += other.inflated_bytes;
        self.saw(other.first_event_time);
        self.saw(other.last_event_time);
        for problem in &other.problems {
            self.problem(problem.clone());
        }
    }

    /// Widens the time span.
    pub(crate) fn saw(&mut self, time: Option<i64>) {
        let Some(time) = time else { return };
        self.first_event_time = Some(self.first_event_time.map_or(time, |first| first.min(time)));
        self.last_event_time = Some(self.last_event_time.map_or(time, |last| last.max(time)));
    }

    pub(crate) fn problem(&mut self, text: String) {
        if self.problems.len() < NAMED_PROBLEMS {
            self.problems.push(text);
        }
    }

    /// Values refused in all.
    #[must_use]
    pub fn rejected_values(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// True where everything that was listed could be read; what it held is another matter.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unreadable == 0 && self.problems.is_empty()
    }

    /// True where input was refused or could not be read. Digest files lie in every trail bucket that
    /// has log file validation on, so that they do not count.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        self.unreadable > 0
            || !self.problems.is_empty()
            || self
                .rejected
                .iter()
                .any(|(reason, count)| reason != "digest" && *count > 0)
    }
}

/// Hears how a run goes on.
pub trait Progress: Send + Sync {
    /// A batch of so many objects and bytes begins.
    fn batch(&self, _objects: u64, _bytes: u64) {}
    /// So many objects and bytes of the batch are decoded.
    fn decoded(&self, _objects: u64, _bytes: u64, _records: u64) {}
    /// An object of the batch was read and decoded in so much time.
    fn object(&self, _took: Duration) {}
    /// A batch is in every table; `run` is the sum so far.
    fn committed(&self, _run: &Summary) {}
    /// An attempt failed and will be made again.
    fn retrying(&self, _error: &Error) {}
}

impl Progress for () {}

/// Ingests everything new of a source, or until it is asked to stop, and gives the sum.
///
/// # Errors
/// Only what starting over cannot heal: the store's location or protocol files, or
/// [`Error::Exhausted`]. Bad input is no error.
pub async fn run(
    store: &Store,
    source: Arc<dyn Source>,
    options: Options,
    progress: &dyn Progress,
) -> Result<Summary> {
    let mut ingester = Ingester::new(store.clone(), source, options);
    let pause = ingester.options.pause;
    let mut retries = Retries::new(ingester.options.attempts, pause, pause * LONGEST_PAUSES);
    loop {
        match ingester.step(progress).await {
            Ok(Step::Done) => return Ok(ingester.summary),
            Ok(Step::Forward) => retries.forget(),
            Err(error) => {
                retries
                    .wait(error, |error| progress.retrying(error))
                    .await?;
                ingester.forget_what_was_loaded();
            }
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Something; go on.
    Forward,
    /// Nothing is new.
    Done,
}

struct Ingester {
    store: Store,
    source: Arc<dyn Source>,
    options: Options,
    tables: Option<Vec<DeltaTable>>,
    event_files: Files,
    object_files: Files,
    known: KnownEvents,
    listing: BoxStream<'static, Result<ObjectRef>>,
    listed_all: bool,
    /// Listed, and not looked up in `ingested_objects` yet.
    listed: Vec<ObjectRef>,
    /// Listed, and not seen in `ingested_objects` when last looked.
    pending: VecDeque<ObjectRef>,
    /// Where `events` stood when `pending` was last known to hold only what no batch has read.
    last: Position,
    /// Objects of the batch that this run committed to `events` last, without those that could not be read.
    committed: Vec<ObjectRef>,
    /// True where a batch may have read some of `pending`: another ingester's, or one of our own that
    /// was committed though its commit failed.
    look_again: bool,
    summary: Summary,
}

impl Ingester {
    fn new(store: Store, source: Arc<dyn Source>, options: Options) -> Self {
        let listing = source.list();
        let known = KnownEvents::new(options.small_history);
        Self {
            store,
            source,
            options,
            tables: None,
            event_files: Files::default(),
            object_files: Files::default(),
            known,
            listing,
            listed_all: false,
            listed: Vec::new(),
            pending: VecDeque::new(),
            last: Position::default(),
            committed: Vec::new(),
            look_again: false,
            summary: Summary::default(),
        }
    }

    fn forget_what_was_loaded(&mut self) {
        self.tables = None;
        self.look_again = true;
    }

    /// Loads the newest snapshot of every table, `events` first.
    async fn load(&mut self) -> Result<Vec<DeltaTable>> {
        let Some(mut tables) = self.tables.take() else {
            return create_tables(&self.store).await;
        };
        for (table, delta) in BATCH_TABLES.iter().zip(&mut tables) {
            delta.update_state().await.map_err(|source| Error::Delta {
                table: table.name,
                what: "refresh",
                source: Box::new(source),
            })?;
        }
        Ok(tables)
    }

    async fn step(&mut self, progress: &dyn Progress) -> Result<Step> {
        let tables = self.load().await?;
        let last = position(&EVENTS, &tables[0], self.source.id()).await?;
        if last != self.last {
            self.last = last;
            self.look_again = true;
        }
        if self.follow(&tables, last, progress).await? {
            self.tables = Some(tables);
            return Ok(Step::Forward);
        }
        if self.options.stop.is_asked() {
            return Ok(Step::Done);
        }
        let seq = last.seq + 1;
        let fixed = Manifest::read(&self.store, self.source.id(), seq).await?;
        let manifest = if let Some(manifest) = fixed {
            manifest
        } else {
            let Some(manifest) = self.fix_batch(&tables).await? else {
                return Ok(Step::Done);
            };
            manifest.create(&self.store, self.source.id(), seq).await?;
            manifest
        };
        self.ingest(&tables[0], seq, manifest, progress).await?;
        self.tables = Some(tables);
        Ok(Step::Forward)
    }

    /// Commits the last batch of `events` to the tables that lack it. True where one did.
    async fn follow(
        &mut self,
        tables: &[DeltaTable],
        last: Position,
        progress: &dyn Progress,
    ) -> Result<bool> {
        let Some(redo) = follow(&self.store, tables, self.source.id(), last).await? else {
            return Ok(false);
        };
        self.summary.add(&redo.summary);
        let committed = std::mem::take(&mut self.committed);
        self.settle(&committed).await;
        progress.committed(&self.summary);
        Ok(true)
    }

    /// Picks the objects of the next batch; `None` where nothing is new.
    async fn fix_batch(&mut self, tables: &[DeltaTable]) -> Result<Option<Manifest>> {
        let objects = self.store.table_objects(&INGESTED_OBJECTS);
        // Where enough is known to be new, nothing is looked up.
        let files = if self.look_again || !self.is_full(self.pending.len()) {
            self.object_files.list(&INGESTED_OBJECTS, &tables[3])?
        } else {
            Vec::new()
        };
        // A look that fails must not lose what it was to look at.
        if self.look_again {
            let mut pending = VecDeque::new();
            let mut settled = Vec::new();
            for part in self.pending.make_contiguous().chunks(LOOK_UP) {
                let (new, seen) = seen::split(&objects, &files, part.to_vec()).await?;
                pending.extend(new);
                settled.extend(seen);
            }
            self.settle(&settled).await;
            self.pending = pending;
            self.look_again = false;
        }
        while !self.is_full(self.pending.len()) {
            self.list_more().await;
            if self.listed.is_empty() {
                break;
            }
            let (new, seen) = seen::split(&objects, &files, self.listed.clone()).await?;
            self.summary.already_read += seen.len() as u64;
            self.listed.clear();
            self.pending.extend(new);
            self.settle(&seen).await;
        }
        let mut batch = Manifest::new(self.source.location());
        let (mut bytes, mut kept) = (0, 0);
        for object in &self.pending {
            if batch.objects.len() == self.options.batch_objects
                || bytes >= self.options.batch_bytes
                || kept >= BATCH_CONTENTS
            {
                break;
            }
            bytes += object.size;
            let content = self.source.held(object);
            kept += content.as_ref().map_or(0, String::len);
            batch.add(object.clone(), content);
        }
        Ok((!batch.objects.is_empty()).then_some(batch))
    }

    /// Tells the source which objects cannot be lost any more.
    async fn settle(&mut self, objects: &[ObjectRef]) {
        if objects.is_empty() {
            return;
        }
        for error in self.source.settled(objects).await {
            self.summary.problem(error.to_string());
        }
    }

    /// Lists as many objects as are looked up at once.
    async fn list_more(&mut self) {
        while self.listed.len() < LOOK_UP && !self.listed_all {
            let stop = self.options.stop.clone();
            let next = tokio::select! {
                biased;
                () = stop.asked() => return,
                next = self.listing.next() => next,
            };
            match next {
                Some(Ok(object)) => self.listed.push(object),
                Some(Err(error)) => {
                    self.summary.unreadable += 1;
                    self.summary.problem(error.to_string());
                }
                None => self.listed_all = true,
            }
        }
    }

    fn is_full(&self, objects: usize) -> bool {
        objects >= self.options.batch_objects
            || self.pending.iter().map(|object| object.size).sum::<u64>()
                >= self.options.batch_bytes
    }

    /// Reads a batch and commits it to `events`.
    async fn ingest(
        &mut self,
        events: &DeltaTable,
        seq: i64,
        mut manifest: Manifest,
        progress: &dyn Progress,
    ) -> Result<()> {
        let bytes = manifest.objects.iter().map(|object| object.size).sum();
        progress.batch(manifest.objects.len() as u64, bytes);
        let attempt = random_attempt();
        self.known
            .begin(
                &self.store.table_objects(&EVENTS),
                self.event_files.list(&EVENTS, events)?,
            )
            .await?;
        let mut writer =
            write::BatchWriter::new(&self.store, self.source.id(), &self.options, seq, attempt);
        let objects = manifest.readable();
        let mut chunks = read::chunks(Arc::clone(&self.source), &self.options, objects);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            for ended in &chunk.ended {
                progress.object(ended.took);
            }
            let (objects, bytes) = chunk.finished();
            progress.decoded(objects, bytes, chunk.rows.num_rows() as u64);
            writer.take(chunk, &mut self.known).await?;
        }
        let (redo, unreadable) = writer.finish(&mut self.known).await?;
        redo.create(&self.store, self.source.id(), seq, attempt)
            .await?;
        let adds = redo.adds.first().cloned().unwrap_or_default();
        let position = Position { seq, attempt };
        commit(&EVENTS, events, adds, self.source.id(), position).await?;
        self.known.committed();
        self.last = position;
        self.committed.clone_from(&manifest.objects);
        self.committed
            .retain(|object| !unreadable.contains(&object.key));
        // One that was replaced since the batch was fixed, by this run or an earlier one, is still to be read.
        let done: HashSet<(&str, &str)> = manifest.objects.iter().map(content_of).collect();
        self.pending
            .retain(|object| !done.contains(&content_of(object)));
        Ok(())
    }
}

/// Creates the tables that do not exist yet, and gives those of a batch. One that no batch is written to keeps no event from being read.
async fn create_tables(store: &Store) -> Result<Vec<DeltaTable>> {
    let mut of_batch = Vec::with_capacity(BATCH_TABLES.len());
    for table in BATCH_TABLES {
        of_batch.push(store.create_table(table).await?);
    }
    // Those of a batch come first.
    for table in &TABLES[BATCH_TABLES.len()..] {
        if let Err(error) = store.create_table(table).await {
            tracing::warn!(%error, "a table can be neither loaded nor created");
        }
    }
    Ok(of_batch)
}

/// What names the content of an object.
fn content_of(object: &ObjectRef) -> (&str, &str) {
    (&object.key, &object.etag)
}

/// Names an attempt, so that its files and its redo record are its own.
fn random_attempt() -> i64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // Positive, to be read easily in the log.
    (high >> 1).cast_signed()
}

#[cfg(test)]
mod tests;
