//! Appends observations to the table `inventory`, each once.
//!
//! ```text
//! load inventory                                → ids of the observations of the same time
//! drop what is there, write a data file         → one Add
//! commit onto the very version that was loaded  → whatever the outcome: start over
//! ```
//!
//! An observation's id is a hash of all it says, so a file that is imported again adds nothing, and a
//! commit whose answer was lost is recognised by its rows.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Observation, Options, Reject, Sink, Summary};
use crate::commit;
use crate::datafile;
use crate::error::{Error, Result};
use crate::hash::Framed;
use crate::hex;
use crate::retry::Retries;
use crate::schema::INVENTORY;
use crate::store::Store;

/// Observations of one commit: bounds the memory of an import.
const BATCH_OBSERVATIONS: usize = 20_000;

/// Batches parsed ahead of the one that is written.
const QUEUED_BATCHES: usize = 1;

/// Rejects kept to be shown.
pub const SHOWN_REJECTS: usize = 1_000;

/// Attempts of one commit before an import gives up.
const ATTEMPTS: u32 = 20;

/// Half the wait after the first failure.
const PAUSE: Duration = Duration::from_millis(10);

/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What an import added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Observations that became rows.
    pub new: u64,
    /// Observations that were rows already.
    pub known: u64,
}

/// What an import came to.
#[derive(Debug, Default)]
pub struct Imported {
    /// What was found in the files.
    pub summary: Summary,
    /// What of it was added.
    pub written: Written,
    /// The first [`SHOWN_REJECTS`] pieces that were refused.
    pub rejects: Vec<Reject>,
}

/// Imports files, and all files in folders, into the table `inventory`.
///
/// # Errors
/// [`Error::Exhausted`] where the store fails again and again; what was appended stays, and importing again
/// adds the rest.
pub async fn import_into(store: &Store, paths: Vec<PathBuf>, options: Options) -> Result<Imported> {
    let now = options.now;
    import_with(store, now, move |sink| {
        super::import(&paths, &options, sink)
    })
    .await
}

/// Imports what `parse` hands over.
pub(crate) async fn import_with(
    store: &Store,
    now: i64,
    parse: impl FnOnce(&mut Batches) -> Result<Summary, super::Error> + Send + 'static,
) -> Result<Imported> {
    store.create_tables().await?;
    let (sender, mut receiver) = mpsc::channel(QUEUED_BATCHES);
    let parser = tokio::task::spawn_blocking(move || {
        let mut sink = Batches {
            sender,
            held: Vec::new(),
            rejects: Vec::new(),
        };
        let summary = parse(&mut sink)?;
        // The other side may have failed and gone; its error counts then.
        let _ = sink.flush();
        Ok::<_, super::Error>((summary, sink.rejects))
    });
    let mut written = Written::default();
    while let Some(batch) = receiver.recv().await {
        let added = write_batch(store, &batch, now).await?;
        written.new += added.new;
        written.known += added.known;
    }
    let (summary, rejects) = parser
        .await?
        .map_err(|error| Error::Worker(error.to_string()))?;
    Ok(Imported {
        summary,
        written,
        rejects,
    })
}

/// An observation and the file it was read from.
type Sourced = (String, Observation);

/// Hands observations over in batches.
pub(crate) struct Batches {
    sender: mpsc::Sender<Vec<Sourced>>,
    held: Vec<Sourced>,
    rejects: Vec<Reject>,
}

impl Batches {
    fn flush(&mut self) -> std::io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.sender
            .blocking_send(std::mem::take(&mut self.held))
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }
}

impl Sink for Batches {
    fn observation(&mut self, file: &str, observation: Observation) -> std::io::Result<()> {
        self.held.push((file.to_owned(), observation));
        if self.held.len() == BATCH_OBSERVATIONS {
            return self.flush();
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> std::io::Result<()> {
        if self.rejects.len() < SHOWN_REJECTS {
            self.rejects.push(reject);
        }
        Ok(())
    }
}

async fn write_batch(store: &Store, batch: &[Sourced], now: i64) -> Result<Written> {
    let ids: Vec<String> = batch.iter().map(|(_, each)| observation_id(each)).collect();
    let mut retries = Retries::new(ATTEMPTS, PAUSE, LONGEST_WAIT);
    let mut new = None;
    loop {
        match attempt(store, batch, &ids, now, &mut new).await {
            Ok(true) => {
                let new = new.unwrap_or(0);
                return Ok(Written {
                    new,
                    known: batch.len() as u64 - new,
                });
            }
            Ok(false) => {}
            Err(error) => {
                let tell = |error: &Error| tracing::warn!(%error, "trying again");
                retries.wait(error, tell).await?;
            }
        }
    }
}

/// Tries to commit once. True where a look at the table shows that it has all of the batch. `new` is what
/// the first look found missing.
async fn attempt(
    store: &Store,
    batch: &[Sourced],
    ids: &[String],
    now: i64,
    new: &mut Option<u64>,
) -> Result<bool> {
    let delta = if let Some(delta) = store.load(&INVENTORY).await? {
        delta
    } else {
        store.create_tables().await?;
        store.require(&INVENTORY).await?
    };
    let objects = store.table_objects(&INVENTORY);
    let times = || batch.iter().map(|(_, each)| each.observed_at);
    let (Some(low), Some(high)) = (times().min(), times().max()) else {
        return Ok(true);
    };
    let mut seen: HashSet<&str> = HashSet::new();
    let wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
    for file in datafile::files(&INVENTORY, &delta)?
        .iter()
        .filter(|file| file.may_hold_time("observed_at", low, high))
    {
        datafile::read_columns(&objects, file, &["observation_id"], |columns| {
            let found = columns[0].as_string::<i32>();
            seen.extend((0..found.len()).filter_map(|row| wanted.get(found.value(row)).copied()));
            Ok(())
        })
        .await?;
    }
    let mut missing = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        if seen.insert(id) {
            missing.push(row);
        }
    }
    new.get_or_insert(missing.len() as u64);
    if missing.is_empty() {
        return Ok(true);
    }
    let rows = rows(batch, ids, &missing, now)?;
    let name = uuid::Uuid::new_v4().to_string();
    let adds = datafile::write(&INVENTORY, &objects, rows, &name).await?;
    commit::append(&INVENTORY, &delta, adds, Vec::new()).await?;
    Ok(false)
}

/// Hash of all that an observation says.
fn observation_id(observation: &Observation) -> String {
    let mut hash = Framed::default();
    hash.add(Some(observation.kind.as_str().as_bytes()));
    for text in [
        &observation.cluster,
        &observation.account_id,
        &observation.region,
        &observation.namespace,
        &observation.uid,
    ] {
        hash.add(text.as_deref().map(str::as_bytes));
    }
    hash.add(Some(observation.name.as_bytes()));
    for time in [
        Some(observation.observed_at),
        observation.valid_from,
        observation.valid_to,
    ] {
        hash.add(time.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }
    hash.add(Some(attributes(observation).as_bytes()));
    hex(&hash.digest())
}

fn attributes(observation: &Observation) -> String {
    Value::Object(observation.attributes.clone()).to_string()
}

fn rows(batch: &[Sourced], ids: &[String], which: &[usize], now: i64) -> Result<RecordBatch> {
    let text = |pick: fn(&Observation) -> Option<&str>| -> ArrayRef {
        Arc::new(
            which
                .iter()
                .map(|&row| pick(&batch[row].1))
                .collect::<StringArray>(),
        )
    };
    let time = |pick: fn(&Observation) -> Option<i64>| -> ArrayRef {
        Arc::new(
            which
                .iter()
                .map(|&row| pick(&batch[row].1))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        )
    };
    let columns = vec![
        text(|each| Some(each.kind.as_str())),
        text(|each| each.cluster.as_deref()),
        text(|each| each.account_id.as_deref()),
        text(|each| each.region.as_deref()),
        text(|each| each.namespace.as_deref()),
        text(|each| Some(&each.name)),
        text(|each| each.uid.as_deref()),
        time(|each| Some(each.observed_at)),
        time(|each| each.valid_from),
        time(|each| each.valid_to),
        Arc::new(
            which
                .iter()
                .map(|&row| Some(attributes(&batch[row].1)))
                .collect::<StringArray>(),
        ) as ArrayRef,
        Arc::new(
            which
                .iter()
                .map(|&row| Some(batch[row].0.as_str()))
                .collect::<StringArray>(),
        ),
        Arc::new(
            which
                .iter()
                .map(|&row| Some(ids[row].as_str()))
                .collect::<StringArray>(),
        ),
        Arc::new(TimestampMicrosecondArray::from(vec![now; which.len()]).with_timezone("UTC")),
    ];
    Ok(RecordBatch::try_new(INVENTORY.arrow_schema(), columns)?)
}

#[cfg(test)]
mod tests;
