//! Appends to the table `digest_findings` what is new.
//!
//! ```text
//! load both tables                              → what they say of what was found
//! drop what they say, write a data file         → one Add
//! commit onto the very version that was loaded  → on an error: start over
//! ```
//!
//! A commit whose answer was lost is recognised by its rows: nothing is new any more.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};

use super::order::{Told, weight};
use super::said::{ChainKey, Said};
use super::timeline::Timeline;
use super::{Found, Layer, Painted};
use crate::commit;
use crate::datafile;
use crate::digest::{Subject, Verdict};
use crate::error::{Error, Result};
use crate::retry::Retries;
use crate::schema::DIGEST_FINDINGS;
use crate::store::Store;

/// Failed attempts in a row after which it gives up.
const ATTEMPTS: u32 = 20;

/// Half the wait after the first failure.
const PAUSE: Duration = Duration::from_millis(10);

/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is written at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) found: Vec<Found>,
    /// In the order in which it was found.
    pub(super) painted: Vec<Painted>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.found.len() + self.painted.len()
    }
}

/// Writes what is new of a batch.
pub(super) async fn write(
    store: &Store,
    source: &str,
    batch: &Batch,
    clock: fn() -> i64,
) -> Result<()> {
    if batch.len() == 0 {
        return Ok(());
    }
    let mut retries = retries();
    while let Err(error) = attempt(store, source, batch, clock).await {
        retries.wait(error, tell).await?;
    }
    Ok(())
}

pub(super) fn retries() -> Retries {
    Retries::new(ATTEMPTS, PAUSE, LONGEST_WAIT)
}

/// Tells of an attempt that failed and is made again.
pub(super) fn tell(error: &Error) {
    tracing::warn!(%error, "trying again");
}

async fn attempt(store: &Store, source: &str, batch: &Batch, clock: fn() -> i64) -> Result<()> {
    let delta = if let Some(delta) = store.load(&DIGEST_FINDINGS).await? {
        delta
    } else {
        store.create_tables().await?;
        store.require(&DIGEST_FINDINGS).await?
    };
    let said = Said::read(store, &delta, batch).await?;
    let mut rows = news(&batch.found, &said);
    rows.extend(timelines(&batch.painted, &said));
    if rows.is_empty() {
        return Ok(());
    }
    // A clock that is behind must not hide what is new behind what is old.
    let now = clock().max(said.newest.saturating_add(1));
    let objects = store.table_objects(&DIGEST_FINDINGS);
    let name = uuid::Uuid::new_v4().to_string();
    let rows = as_batch(&rows, source, now)?;
    let adds = datafile::write(&DIGEST_FINDINGS, &objects, rows, &name).await?;
    commit::append(&DIGEST_FINDINGS, &delta, adds, Vec::new()).await
}

/// What is said nowhere yet, each object once.
fn news(found: &[Found], said: &Said) -> Vec<Found> {
    let mut standing: HashMap<&str, &Found> = HashMap::with_capacity(found.len());
    for each in found {
        let known = standing.entry(&each.object).or_insert(each);
        if weight(known.status) <= weight(each.status) {
            *known = each;
        }
    }
    let standing = standing.into_values();
    standing
        .filter(|found| is_news(found, said.of(&found.object)))
        .cloned()
        .collect()
}

/// `said`: what rows say of it, where there are any.
fn is_news(found: &Found, said: Option<Told>) -> bool {
    let told = said.and_then(Told::status);
    if told == Some(found.status) {
        return false;
    }
    match found.status.verdict() {
        Verdict::Tampered => true,
        // What nothing is said of needs no row to be well; a log file's status is told when it is read.
        Verdict::Proven => said.is_some(),
        Verdict::Incomplete => {
            let may_need_it = found.subject != Subject::Log || said.is_some();
            may_need_it && told.is_none_or(|told| told.verdict() == Verdict::Incomplete)
        }
    }
}

/// The timelines of chains that are not what they were, whole.
fn timelines(painted: &[Painted], said: &Said) -> Vec<Found> {
    let mut chains: BTreeMap<ChainKey, (&Painted, Timeline, Timeline)> = BTreeMap::new();
    for each in painted {
        let chain = chains.entry(ChainKey::of(each));
        let (_, _, now) = chain.or_insert_with_key(|key| {
            let before = said.timeline(key);
            (each, before.clone(), before)
        });
        match each.layer {
            Layer::Over => now.paint(each.span, each.status),
            Layer::Under => now.fill(each.span, each.status),
        }
    }
    let changed = chains
        .into_values()
        .filter(|(_, before, now)| before != now);
    changed
        .flat_map(|(painted, _, now)| {
            let rows = now.stretches().iter().map(|(span, status)| Found {
                chain: Arc::clone(&painted.chain),
                subject: Subject::Time,
                status: *status,
                object: painted.folder.to_string(),
                span: Some(*span),
                detail: String::new(),
            });
            rows.collect::<Vec<_>>()
        })
        .collect()
}

fn as_batch(rows: &[Found], source: &str, now: i64) -> Result<RecordBatch> {
    let id = |pick: fn(&Found) -> &str| -> ArrayRef {
        Arc::new(rows.iter().map(pick).map(Some).collect::<StringArray>())
    };
    let text = |pick: fn(&Found) -> &str| -> ArrayRef {
        let texts = rows.iter().map(pick);
        let known = texts.map(|text| (!text.is_empty()).then_some(text));
        Arc::new(known.collect::<StringArray>())
    };
    let times =
        |values: TimestampMicrosecondArray| -> ArrayRef { Arc::new(values.with_timezone("UTC")) };
    let columns = vec![
        id(|row| row.subject.as_str()),
        id(|row| row.status.as_str()),
        id(|row| &row.object),
        text(|row| &row.chain.account),
        text(|row| &row.chain.region),
        text(|row| &row.chain.trail),
        text(|row| &row.chain.home_region),
        times(
            rows.iter()
                .map(|row| row.span.map(|span| span.from))
                .collect(),
        ),
        times(
            rows.iter()
                .map(|row| row.span.map(|span| span.to))
                .collect(),
        ),
        text(|row| &row.detail),
        Arc::new(StringArray::from(vec![source; rows.len()])),
        times(TimestampMicrosecondArray::from(vec![now; rows.len()])),
    ];
    Ok(RecordBatch::try_new(
        DIGEST_FINDINGS.arrow_schema(),
        columns,
    )?)
}
