//! Writes the rows of one batch: drops known events, makes activities, and collects what the batch
//! adds to every table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use deltalake::kernel::Add;
use tokio::task::JoinSet;

use super::read::{Chunk, Ended};
use super::{Options, Summary, gather, rename};
use crate::activity;
use crate::datafile::{self, FileInfo};
use crate::decode::ObjectKind;
use crate::dedup::KnownEvents;
use crate::error::Result;
use crate::manifest::Redo;
use crate::schema::{ACTIVITIES, BATCH_TABLES, EVENTS, INGESTED_OBJECTS, REJECTS, Table};
use crate::store::Store;

/// Rejects held before they are written to a data file.
const FLUSH_REJECTS: usize = 4_096;

/// What the files of one flush add to `events` and `activities`.
type Flushed = [Vec<Add>; 2];

/// One value refused.
struct Rejected {
    object: String,
    position: i64,
    offset: i64,
    reason: String,
    detail: String,
    text: String,
}

/// What became of an object's records.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    new_events: i64,
    duplicates: i64,
}

/// Writes the data files of one attempt of a batch.
pub(super) struct BatchWriter<'a> {
    store: &'a Store,
    source: &'a str,
    options: &'a Options,
    seq: i64,
    attempt: i64,
    ingested_at: i64,
    files: usize,
    staged: Vec<RecordBatch>,
    staged_rows: usize,
    staged_bytes: usize,
    flushes: usize,
    /// Flushes under way: rows are made into files while the next are decoded. Dropped, they stop.
    flushing: JoinSet<Result<(usize, Flushed)>>,
    /// What came of those that are done, by their order.
    flushed: BTreeMap<usize, Flushed>,
    rejects: Vec<Rejected>,
    ended: Vec<Ended>,
    fates: HashMap<String, Fate>,
    adds: Vec<Vec<Add>>,
    summary: Summary,
}

impl<'a> BatchWriter<'a> {
    pub(super) fn new(
        store: &'a Store,
        source: &'a str,
        options: &'a Options,
        seq: i64,
        attempt: i64,
    ) -> Self {
        Self {
            store,
            source,
            options,
            seq,
            attempt,
            ingested_at: (options.clock)(),
            files: 0,
            staged: Vec::new(),
            staged_rows: 0,
            staged_bytes: 0,
            flushes: 0,
            flushing: JoinSet::new(),
            flushed: BTreeMap::new(),
            rejects: Vec::new(),
            ended: Vec::new(),
            fates: HashMap::new(),
            adds: vec![Vec::new(); BATCH_TABLES.len()],
            summary: Summary {
                batches: 1,
                ..Summary::default()
            },
        }
    }

    /// Takes a chunk and writes files when enough is held.
    pub(super) async fn take(&mut self, chunk: Chunk, known: &mut KnownEvents) -> Result<()> {
        for (object, reject) in chunk.rejects {
            self.reject(Rejected {
                object,
                position: count(reject.position),
                offset: count(reject.offset),
                reason: reject.reason.as_str().to_owned(),
                detail: reject.detail,
                text: reject.text,
            });
        }
        self.ended.extend(chunk.ended);
        if chunk.rows.num_rows() > 0 {
            self.staged_rows += chunk.rows.num_rows();
            self.staged_bytes += chunk.rows.get_array_memory_size();
            self.staged.push(chunk.rows);
        }
        if self.staged_rows >= self.options.flush_rows
            || self.staged_bytes >= self.options.flush_bytes
        {
            self.flush_events(known).await?;
        }
        if self.rejects.len() >= FLUSH_REJECTS {
            self.flush_rejects().await?;
        }
        Ok(())
    }

    /// Writes what is left and gives all that the batch adds, and the keys of objects that could not be read.
    pub(super) async fn finish(
        mut self,
        known: &mut KnownEvents,
    ) -> Result<(Redo, HashSet<String>)> {
        self.flush_events(known).await?;
        self.settle(0, known).await?;
        for [events, activities] in std::mem::take(&mut self.flushed).into_values() {
            self.add(&EVENTS, events);
            self.add(&ACTIVITIES, activities);
        }
        self.flush_rejects().await?;
        let unreadable = self
            .ended
            .iter()
            .filter(|ended| ended.outcome.is_err())
            .map(|ended| ended.object.key.clone())
            .collect();
        let rows = self.object_rows()?;
        self.write(&INGESTED_OBJECTS, rows).await?;
        Ok((Redo::new(self.summary, self.adds), unreadable))
    }

    async fn flush_events(&mut self, known: &mut KnownEvents) -> Result<()> {
        if self.staged.is_empty() {
            return Ok(());
        }
        if known.is_full() {
            // What leaves memory is looked up in files: all must be there.
            self.settle(0, known).await?;
            known.leave_memory();
        }
        let chunks = std::mem::take(&mut self.staged);
        self.staged_rows = 0;
        self.staged_bytes = 0;
        let (chunks, keep) = self.new_rows(chunks, known).await?;
        if !keep.contains(&true) {
            return Ok(());
        }
        self.settle(self.options.encoders() - 1, known).await?;
        let at = self.flushes;
        self.flushes += 1;
        let (store, ingested_at) = (self.store.clone(), self.ingested_at);
        let names = [self.file_name(), self.file_name()];
        self.flushing.spawn(async move {
            let made = tokio::task::spawn_blocking(move || {
                let rows = gather::kept_in_order(&chunks, &keep)?;
                drop(chunks);
                activity::finish(&rows, ingested_at)
            });
            let (events, activities) = made.await??;
            let objects = store.table_objects(&EVENTS);
            let events = datafile::write(&EVENTS, &objects, events, &names[0]).await?;
            let objects = store.table_objects(&ACTIVITIES);
            let activities = datafile::write(&ACTIVITIES, &objects, activities, &names[1]).await?;
            Ok((at, [events, activities]))
        });
        Ok(())
    }

    /// Waits until at most `left` flushes are under way.
    async fn settle(&mut self, left: usize, known: &mut KnownEvents) -> Result<()> {
        while self.flushing.len() > left {
            let Some(done) = self.flushing.join_next().await else {
                break;
            };
            let (at, flushed) = done??;
            for add in &flushed[0] {
                let stats = add.stats.as_deref();
                known.wrote(FileInfo::new(add.path.clone(), add.size, stats));
            }
            self.flushed.insert(at, flushed);
        }
        Ok(())
    }

    /// Tells which rows of the chunks are new. A record whose event_id belongs to another record is no copy
    /// (placeholders in edited trails): it is kept under a derived id, in a chunk of its own.
    async fn new_rows(
        &mut self,
        mut chunks: Vec<RecordBatch>,
        known: &mut KnownEvents,
    ) -> Result<(Vec<RecordBatch>, Vec<bool>)> {
        let objects = self.store.table_objects(&EVENTS);
        let verdict = known.judge(&objects, &chunks).await?;
        let mut keep = verdict.keep;
        let mut fates: Vec<Option<bool>> = keep.iter().copied().map(Some).collect();
        for &row in &verdict.conflicts {
            fates[row] = None;
        }
        self.note_fates(&chunks, &fates)?;
        if !verdict.conflicts.is_empty() {
            let renamed = [rename::under_derived_ids(&chunks, &verdict.conflicts)?];
            let verdict = known.judge(&objects, &renamed).await?;
            let fates: Vec<Option<bool>> = verdict.keep.iter().copied().map(Some).collect();
            self.note_fates(&renamed, &fates)?;
            self.summary.renamed += verdict.keep.iter().filter(|kept| **kept).count() as u64;
            chunks.extend(renamed);
            keep.extend(verdict.keep);
        }
        Ok((chunks, keep))
    }

    fn reject(&mut self, rejected: Rejected) {
        *self
            .summary
            .rejected
            .entry(rejected.reason.clone())
            .or_default() += 1;
        self.rejects.push(rejected);
    }

    /// Counts rows per object: new, duplicate, or (`None`) not decided yet.
    fn note_fates(&mut self, chunks: &[RecordBatch], mut fates: &[Option<bool>]) -> Result<()> {
        for rows in chunks {
            let index = rows.schema().index_of("source_object")?;
            let objects: &StringArray = rows.column(index).as_string();
            let (of_rows, rest) = fates.split_at(objects.len());
            fates = rest;
            let mut row = 0;
            // Rows of an object stand together.
            while row < objects.len() {
                let object = objects.value(row);
                let from = row;
                while row < objects.len() && objects.value(row) == object {
                    row += 1;
                }
                let count = |wanted| {
                    of_rows[from..row]
                        .iter()
                        .filter(|fate| **fate == Some(wanted))
                        .count()
                };
                let (new_events, duplicates) = (count(true), count(false));
                let fate = self.fates.entry(object.to_owned()).or_default();
                fate.new_events += i64::try_from(new_events).unwrap_or(i64::MAX);
                fate.duplicates += i64::try_from(duplicates).unwrap_or(i64::MAX);
                self.summary.new_events += new_events as u64;
                self.summary.duplicates += duplicates as u64;
            }
        }
        Ok(())
    }

    async fn flush_rejects(&mut self) -> Result<()> {
        if self.rejects.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.rejects);
        let text = |pick: fn(&Rejected) -> &str| -> ArrayRef {
            Arc::new(
                held.iter()
                    .map(|rejected| Some(pick(rejected)))
                    .collect::<StringArray>(),
            )
        };
        let number = |pick: fn(&Rejected) -> i64| -> ArrayRef {
            Arc::new(
                held.iter()
                    .map(|rejected| Some(pick(rejected)))
                    .collect::<Int64Array>(),
            )
        };
        let columns = vec![
            text(|rejected| &rejected.object),
            number(|rejected| rejected.position),
            number(|rejected| rejected.offset),
            text(|rejected| &rejected.reason),
            text(|rejected| &rejected.detail),
            text(|rejected| &rejected.text),
            self.same_text(held.len()),
            Arc::new(Int64Array::from(vec![self.seq; held.len()])),
            self.same_time(held.len()),
        ];
        let rows = RecordBatch::try_new(REJECTS.arrow_schema(), columns)?;
        self.write(&REJECTS, rows).await
    }

    fn same_text(&self, rows: usize) -> ArrayRef {
        Arc::new(StringArray::from(vec![self.source; rows]))
    }

    fn same_time(&self, rows: usize) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(vec![self.ingested_at; rows]).with_timezone("UTC"))
    }

    /// Makes the rows of `ingested_objects` and sums them up.
    fn object_rows(&mut self) -> Result<RecordBatch> {
        let ended = std::mem::take(&mut self.ended);
        let rows: Vec<ObjectRow<'_>> = ended.iter().map(|ended| self.object_row(ended)).collect();
        let text = |pick: for<'r> fn(&'r ObjectRow<'_>) -> Option<&'r str>| -> ArrayRef {
            Arc::new(rows.iter().map(pick).collect::<StringArray>())
        };
        let number = |pick: fn(&ObjectRow<'_>) -> i64| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|row| Some(pick(row)))
                    .collect::<Int64Array>(),
            )
        };
        let time = |pick: fn(&ObjectRow<'_>) -> Option<i64>| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(pick)
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            )
        };
        let columns = vec![
            text(|row| Some(&row.ended.object.key)),
            text(|row| Some(&row.ended.object.etag)),
            number(|row| count(row.ended.object.size)),
            self.same_text(rows.len()),
            Arc::new(Int64Array::from(vec![self.seq; rows.len()])),
            text(|row| Some(row.status)),
            text(|row| row.kind),
            text(|row| row.ended.outcome.as_ref().err().map(String::as_str)),
            number(|row| row.records),
            number(|row| row.fate.new_events),
            number(|row| row.fate.duplicates),
            number(|row| row.rejected),
            number(|row| row.inflated_bytes),
            time(|row| row.ended.first_event_time),
            time(|row| row.ended.last_event_time),
            text(|row| row.digest_status),
            self.same_time(rows.len()),
        ];
        Ok(RecordBatch::try_new(
            INGESTED_OBJECTS.arrow_schema(),
            columns,
        )?)
    }

    fn object_row<'e>(&mut self, ended: &'e Ended) -> ObjectRow<'e> {
        let fate = self
            .fates
            .get(&ended.object.key)
            .copied()
            .unwrap_or_default();
        let known = self.options.digest_status.as_ref();
        let digest_status = known.map(|known| known.of(&ended.object.key).as_str());
        self.summary.objects += 1;
        self.summary.saw(ended.first_event_time);
        self.summary.saw(ended.last_event_time);
        let outcome = match &ended.outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.summary.unreadable += 1;
                self.summary
                    .problem(format!("{}: {error}", ended.object.key));
                let records = fate.new_events + fate.duplicates;
                self.summary.records += u64::try_from(records).unwrap_or(0);
                return ObjectRow {
                    ended,
                    fate,
                    status: "unreadable",
                    kind: None,
                    records,
                    rejected: 0,
                    inflated_bytes: 0,
                    digest_status,
                };
            }
        };
        self.summary.records += outcome.records;
        self.summary.bytes += outcome.bytes_in;
        self.summary.inflated_bytes += outcome.bytes_inflated;
        let (records, rejected) = (count(outcome.records), count(outcome.rejected));
        let status = match (records, rejected) {
            (0, 0) => "empty",
            (_, 0) => "ok",
            (0, _) => "rejected",
            _ => "partial",
        };
        let inflated_bytes = count(outcome.bytes_inflated);
        ObjectRow {
            ended,
            fate,
            status,
            kind: Some(outcome.kind.as_str()),
            records,
            rejected,
            inflated_bytes,
            // Digests do not speak of digests.
            digest_status: digest_status.filter(|_| outcome.kind != ObjectKind::Digest),
        }
    }

    fn file_name(&mut self) -> String {
        let name = format!("{:08}-{:016x}-{:04}", self.seq, self.attempt, self.files);
        self.files += 1;
        name
    }

    async fn write(&mut self, table: &'static Table, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let name = self.file_name();
        let adds = datafile::write(table, &self.store.table_objects(table), rows, &name).await?;
        self.add(table, adds);
        Ok(())
    }

    fn add(&mut self, table: &'static Table, adds: Vec<Add>) {
        let index = BATCH_TABLES
            .iter()
            .position(|each| each.name == table.name)
            .unwrap_or(0);
        self.adds[index].extend(adds);
    }
}

/// One row of `ingested_objects` in the making.
struct ObjectRow<'a> {
    ended: &'a Ended,
    fate: Fate,
    status: &'static str,
    kind: Option<&'static str>,
    records: i64,
    rejected: i64,
    inflated_bytes: i64,
    digest_status: Option<&'static str>,
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
