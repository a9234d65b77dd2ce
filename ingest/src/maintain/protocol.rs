//! The files of the commit protocol below `_ingest/`: what of them is still needed.
//!
//! A redo record is needed until every table has its batch. One whose attempt did not win is never read; it can be told
//! from one whose commit is yet to come only where `events` moved on since it was written, because that commit is made
//! onto the version that was loaded before.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use deltalake::DeltaTable;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::commit::{Position, follow, position};
use crate::error::{Error, Result};
use crate::manifest::Redo;
use crate::schema::{BATCH_TABLES, EVENTS};
use crate::store::Store;

const FOLDER: &str = "_ingest";

/// What a file of the protocol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    /// Of this attempt.
    Redo(i64),
}

/// A manifest or a redo record.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: Path,
    pub(super) source: String,
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) written: DateTime<Utc>,
}

/// Lists manifests and redo records. What else lies there is not looked at.
pub(super) async fn list(store: &Store) -> Result<Vec<File>> {
    let listed: Vec<_> = store
        .objects()
        .list(Some(&Path::from(FOLDER)))
        .try_collect()
        .await
        .map_err(|source| Error::Store {
            what: format!("list {FOLDER}"),
            source,
        })?;
    let files = listed.into_iter().filter_map(|object| {
        let (source, seq, kind) = parse(object.location.as_ref())?;
        Some(File {
            source,
            seq,
            kind,
            written: object.last_modified,
            path: object.location,
        })
    });
    Ok(files.collect())
}

fn parse(path: &str) -> Option<(String, i64, Kind)> {
    let (source, name) = path.strip_prefix("_ingest/")?.split_once('/')?;
    // Anything else in a name would be written in another way in the path.
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '-';
    if !source.chars().all(plain) {
        return None;
    }
    let (seq, rest) = name.split_at_checked(20)?;
    let seq = seq.parse().ok()?;
    let kind = if rest == ".json" {
        Kind::Manifest
    } else {
        let attempt = rest.strip_prefix(".redo-")?.strip_suffix(".json")?;
        Kind::Redo(i64::from_str_radix(attempt, 16).ok()?)
    };
    Some((source.to_owned(), seq, kind))
}

/// Where sources stand in `events`.
pub(super) async fn positions(
    files: &[File],
    events: &DeltaTable,
) -> Result<HashMap<String, Position>> {
    let sources: HashSet<&str> = files.iter().map(|file| file.source.as_str()).collect();
    let mut positions = HashMap::new();
    for source in sources {
        let last = position(&EVENTS, events, source).await?;
        positions.insert(source.to_owned(), last);
    }
    Ok(positions)
}

/// True for a redo record whose batch `events` has, so that other tables may lack it.
pub(super) fn is_committed(file: &File, positions: &HashMap<String, Position>) -> bool {
    let last = positions.get(&file.source).copied().unwrap_or_default();
    matches!(file.kind, Kind::Redo(attempt) if attempt == last.attempt) && file.seq == last.seq
}

/// True for what nobody can need, whatever happens.
pub(super) fn is_dead(file: &File, positions: &HashMap<String, Position>) -> bool {
    let last = positions.get(&file.source).copied().unwrap_or_default();
    match file.kind {
        // Batches up to the last are fixed no more.
        Kind::Manifest => file.seq <= last.seq,
        // A source's next batch begins when all tables have the one before.
        Kind::Redo(_) => {
            file.seq < last.seq || (file.seq == last.seq && !is_committed(file, positions))
        }
    }
}

/// Gives the data files that a redo record names, by table.
pub(super) async fn named_files(
    store: &Store,
    file: &File,
) -> Result<BTreeMap<&'static str, Vec<String>>> {
    let Kind::Redo(attempt) = file.kind else {
        return Ok(BTreeMap::new());
    };
    let redo = Redo::read(store, &file.source, file.seq, attempt).await?;
    Ok(BATCH_TABLES
        .iter()
        .zip(redo.adds)
        .map(|(table, adds)| (table.name, adds.into_iter().map(|add| add.path).collect()))
        .collect())
}

/// Completes batches that `events` has and other tables lack, of redo records written before `before`. Gives how many
/// were completed, and how many are left to others.
pub(super) async fn complete(store: &Store, before: DateTime<Utc>) -> Result<(u64, u64)> {
    let mut tables = Vec::with_capacity(BATCH_TABLES.len());
    for table in BATCH_TABLES {
        let Some(delta) = store.load(table).await? else {
            return Ok((0, 0));
        };
        tables.push(delta);
    }
    let files = list(store).await?;
    let positions = positions(&files, &tables[0]).await?;
    let (mut completed, mut left) = (0, 0);
    for file in files.iter().filter(|file| is_committed(file, &positions)) {
        if file.written > before {
            left += 1;
            continue;
        }
        let last = positions.get(&file.source).copied().unwrap_or_default();
        if follow(store, &tables, &file.source, last).await?.is_some() {
            completed += 1;
            // What was loaded is of before.
            for (table, delta) in BATCH_TABLES.iter().zip(&mut tables) {
                *delta = store.require(table).await?;
            }
        }
    }
    Ok((completed, left))
}
