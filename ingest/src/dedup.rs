//! Which of the events at hand are already known: `events` holds each event_id once.
//!
//! A copy of an event has the same event_id and the same event_time, so that a batch need only be
//! compared with the rows whose time overlaps its own; their ids are streamed past the batch, which
//! costs time by the density of the history and not by its length, and memory by the batch alone.
//! While the whole history is small (up to [`SMALL_HISTORY`] events) all ids stay in memory, which is
//! faster and also finds an event_id that comes back with another time (seen in edited samples).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use object_store::ObjectStore;
use sha2::{Digest, Sha256};

use crate::batch::text;
use crate::datafile::{FileInfo, read_columns};
use crate::error::Result;

/// Events up to which every known id is kept in memory: about 64 MB.
pub(crate) const SMALL_HISTORY: u64 = 1_000_000;

/// Columns that tell whether two rows of one event_id are the same record.
const COLUMNS: [&str; 6] = [
    "event_id",
    "event_time",
    "event_source",
    "event_name",
    "identity_arn",
    "error_code",
];

/// An event_id: a UUID as its number, any other text as a hash. In halves, which need no room to be aligned.
type Id = [u64; 2];

/// Fingerprint of the other columns: copies agree, another record under the same id does not.
type Print = u64;

/// What became of the rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// One per row: true for a new event.
    pub(crate) keep: Vec<bool>,
    /// Rows whose event_id belongs to another record.
    pub(crate) conflicts: Vec<usize>,
}

/// The ids of the events that are committed, and of those of the batch at hand.
#[derive(Debug)]
pub(crate) struct KnownEvents {
    limit: u64,
    memory: Option<Memory>,
    /// Files of the snapshot that the batch at hand is compared with.
    committed: Vec<FileInfo>,
    /// Events of the batch at hand, which is not committed yet: with their prints where `memory` does not hold
    /// them, else what to take out of it again.
    batch: HashMap<Id, Print>,
    added: Vec<Id>,
    /// Files of the batch at hand.
    written: Vec<FileInfo>,
}

#[derive(Debug, Default)]
struct Memory {
    ids: HashMap<Id, Print>,
    files: HashSet<String>,
}

impl KnownEvents {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            memory: None,
            committed: Vec::new(),
            batch: HashMap::new(),
            added: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Starts a batch against one snapshot's files.
    pub(crate) async fn begin(
        &mut self,
        objects: &Arc<dyn ObjectStore>,
        files: Vec<FileInfo>,
    ) -> Result<()> {
        self.batch.clear();
        self.written.clear();
        // The batch before was not committed.
        for id in self.added.drain(..) {
            if let Some(memory) = &mut self.memory {
                memory.ids.remove(&id);
            }
        }
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        if rows > self.limit {
            self.memory = None;
        } else {
            let memory = self.memory.get_or_insert_default();
            for file in files
                .iter()
                .filter(|file| !memory.files.contains(&file.path))
            {
                let ids = &mut memory.ids;
                read_columns(objects, file, &COLUMNS, |columns| {
                    each_row(columns, |id, print| {
                        ids.insert(id, print);
                    });
                    Ok(())
                })
                .await?;
            }
            for file in &files {
                memory.files.insert(file.path.clone());
            }
        }
        self.committed = files;
        Ok(())
    }

    /// Tells new events from known ones. Of several copies in the batch the first is kept. Rows are those of all
    /// chunks, one after the other.
    pub(crate) async fn judge(
        &mut self,
        objects: &Arc<dyn ObjectStore>,
        chunks: &[RecordBatch],
    ) -> Result<Verdict> {
        let mut prints = Vec::with_capacity(chunks.iter().map(RecordBatch::num_rows).sum());
        let mut times = Vec::with_capacity(chunks.len());
        for rows in chunks {
            let columns: Vec<ArrayRef> = COLUMNS
                .iter()
                .map(|name| Ok(Arc::clone(rows.column(rows.schema().index_of(name)?))))
                .collect::<Result<_>>()?;
            each_row(&columns, |id, print| prints.push((id, print)));
            times.push(
                columns[1]
                    .as_primitive::<TimestampMicrosecondType>()
                    .clone(),
            );
        }
        let stored = if self.memory.is_some() {
            HashMap::new()
        } else {
            self.stored(objects, &prints, &times).await?
        };
        let mut verdict = Verdict::default();
        for (row, (id, print)) in prints.into_iter().enumerate() {
            let entry = match &mut self.memory {
                Some(memory) => memory.ids.entry(id),
                None => self.batch.entry(id),
            };
            let known = match entry {
                Entry::Occupied(known) => Some(*known.get()),
                Entry::Vacant(place) => {
                    let known = stored.get(&id).copied();
                    if known.is_none() {
                        place.insert(print);
                        if self.memory.is_some() {
                            self.added.push(id);
                        }
                    }
                    known
                }
            };
            verdict.keep.push(known.is_none());
            if known.is_some_and(|known| known != print) {
                verdict.conflicts.push(row);
            }
        }
        Ok(verdict)
    }

    /// Notes a data file of the batch at hand.
    pub(crate) fn wrote(&mut self, file: FileInfo) {
        self.written.push(file);
    }

    /// True where the batch itself has grown past the limit.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.len().max(self.added.len()) as u64 > self.limit
    }

    /// Lets the ids go: those of the batch are read back from its files from now on, like committed ones.
    pub(crate) fn leave_memory(&mut self) {
        self.batch = HashMap::new();
        self.added = Vec::new();
        self.memory = None;
    }

    /// Takes the batch at hand as committed.
    pub(crate) fn committed(&mut self) {
        self.added.clear();
        if let Some(memory) = &mut self.memory {
            memory
                .files
                .extend(self.written.drain(..).map(|file| file.path));
        }
    }

    /// Looks the wanted events up in the files of the history and of the batch.
    async fn stored(
        &self,
        objects: &Arc<dyn ObjectStore>,
        wanted: &[(Id, Print)],
        times: &[TimestampMicrosecondArray],
    ) -> Result<HashMap<Id, Print>> {
        let mut found = HashMap::new();
        let low = times.iter().filter_map(arrow::compute::min).min();
        let high = times.iter().filter_map(arrow::compute::max).max();
        let all_known = times.iter().all(|times| times.null_count() == 0);
        let ids: HashSet<Id> = wanted.iter().map(|(id, _)| *id).collect();
        for file in self.committed.iter().chain(&self.written) {
            let overlaps = match (low, high) {
                (Some(low), Some(high)) if all_known => file.may_hold_time("event_time", low, high),
                _ => true,
            };
            if !overlaps {
                continue;
            }
            read_columns(objects, file, &COLUMNS, |columns| {
                each_row(columns, |id, print| {
                    if ids.contains(&id) {
                        found.insert(id, print);
                    }
                });
                Ok(())
            })
            .await?;
        }
        Ok(found)
    }
}

fn each_row(columns: &[ArrayRef], mut each: impl FnMut(Id, Print)) {
    let ids: &StringArray = columns[0].as_string();
    let times: &TimestampMicrosecondArray = columns[1].as_primitive::<TimestampMicrosecondType>();
    let texts: Vec<&StringArray> = columns[2..]
        .iter()
        .map(arrow::array::AsArray::as_string)
        .collect();
    for row in 0..ids.len() {
        let mut hasher = DefaultHasher::new();
        times
            .is_valid(row)
            .then(|| times.value(row))
            .hash(&mut hasher);
        for column in &texts {
            text(column, row).hash(&mut hasher);
        }
        each(number(ids.value(row)), hasher.finish());
    }
}

fn number(id: &str) -> Id {
    // Only the usual form: others parse too, but are other texts.
    if id.len() == 36
        && let Ok(uuid) = uuid::Uuid::try_parse(id)
        && !id.bytes().any(|byte| byte.is_ascii_uppercase())
    {
        let (high, low) = uuid.as_u64_pair();
        return [high, low];
    }
    let digest = Sha256::digest(id.as_bytes());
    let half = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[from..from + 8]);
        u64::from_be_bytes(bytes)
    };
    [half(0), half(8)]
}

#[cfg(test)]
mod tests;
