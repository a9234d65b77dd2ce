//! What the tables say already of some objects and chains.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use deltalake::DeltaTable;

use super::order::Told;
use super::timeline::Timeline;
use super::write::Batch;
use super::{Found, Painted};
use crate::datafile::{self, read_columns};
use crate::digest::{Span, Status, Subject};
use crate::error::Result;
use crate::schema::{DIGEST_FINDINGS, INGESTED_OBJECTS};
use crate::store::Store;

/// Columns of `digest_findings`, in the order of [`Read`].
const COLUMNS: [&str; 8] = [
    "subject",
    "object",
    "status",
    "observed_at",
    "trail",
    "home_region",
    "from_time",
    "to_time",
];

/// Names a chain: the folder of its digests, its trail, and the trail's home region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ChainKey(String, String, String);

impl ChainKey {
    pub(super) fn of(painted: &Painted) -> Self {
        Self(
            painted.folder.to_string(),
            painted.chain.trail.clone(),
            painted.chain.home_region.clone(),
        )
    }
}

/// What is said of the objects and chains of a batch.
#[derive(Debug, Default)]
pub(super) struct Said {
    objects: HashMap<String, Told>,
    /// Rows of the newest time, and that time.
    chains: HashMap<ChainKey, (i64, Vec<(Span, Status)>)>,
    /// Time of the newest row of all.
    pub(super) newest: i64,
}

impl Said {
    /// Reads it from the newest `ingested_objects` and a loaded `digest_findings`.
    pub(super) async fn read(store: &Store, findings: &DeltaTable, batch: &Batch) -> Result<Self> {
        let mut said = Self::default();
        said.read_objects(store, &batch.found).await?;
        let wanted: HashSet<&str> = batch
            .found
            .iter()
            .map(|found| found.object.as_str())
            .chain(batch.painted.iter().map(|painted| &*painted.folder))
            .collect();
        let Some((low, high)) = bounds(&wanted) else {
            return Ok(said);
        };
        let objects = store.table_objects(&DIGEST_FINDINGS);
        for file in datafile::files(&DIGEST_FINDINGS, findings)?
            .iter()
            .filter(|file| file.may_hold("object", low, high))
        {
            read_columns(&objects, file, &COLUMNS, |columns| {
                said.hear_findings(&Read::of(columns), &wanted);
                Ok(())
            })
            .await?;
        }
        Ok(said)
    }

    /// What the rows about an object say; `None` where no table has one.
    pub(super) fn of(&self, object: &str) -> Option<Told> {
        self.objects.get(object).copied()
    }

    pub(super) fn timeline(&self, chain: &ChainKey) -> Timeline {
        let rows = self.chains.get(chain);
        rows.map_or_else(Timeline::default, |(_, rows)| Timeline::of(rows))
    }

    async fn read_objects(&mut self, store: &Store, found: &[Found]) -> Result<()> {
        let logs = found.iter().filter(|found| found.subject == Subject::Log);
        let wanted: HashSet<&str> = logs.map(|found| found.object.as_str()).collect();
        let Some((low, high)) = bounds(&wanted) else {
            return Ok(());
        };
        let table = store.require(&INGESTED_OBJECTS).await?;
        let objects = store.table_objects(&INGESTED_OBJECTS);
        let columns = ["key", "digest_status", "ingested_at"];
        for file in datafile::files(&INGESTED_OBJECTS, &table)?
            .iter()
            .filter(|file| file.may_hold("key", low, high))
        {
            read_columns(&objects, file, &columns, |columns| {
                let [keys, statuses] = [0, 1].map(|at| columns[at].as_string::<i32>());
                let times = columns[2].as_primitive::<TimestampMicrosecondType>();
                for row in 0..keys.len() {
                    if wanted.contains(keys.value(row)) {
                        let status = text(statuses, row).and_then(Status::named);
                        self.hear(keys.value(row), times.value(row), status);
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    fn hear_findings(&mut self, rows: &Read<'_>, wanted: &HashSet<&str>) {
        for row in 0..rows.objects.len() {
            let object = rows.objects.value(row);
            if !wanted.contains(object) {
                continue;
            }
            let at = rows.observed_at(row);
            let status = text(rows.statuses, row).and_then(Status::named);
            if rows.subjects.value(row) != Subject::Time.as_str() {
                self.hear(object, at, status);
            } else if let (Some(span), Some(status)) = (rows.span(row), status) {
                self.newest = self.newest.max(at);
                let key = rows.chain(row);
                let known = self.chains.entry(key).or_insert_with(|| (at, Vec::new()));
                if known.0 < at {
                    *known = (at, Vec::new());
                }
                if known.0 == at {
                    known.1.push((span, status));
                }
            }
        }
    }

    fn hear(&mut self, object: &str, at: i64, status: Option<Status>) {
        self.newest = self.newest.max(at);
        if let Some(told) = self.objects.get_mut(object) {
            told.hear(at, status);
            return;
        }
        let mut told = Told::default();
        told.hear(at, status);
        self.objects.insert(object.to_owned(), told);
    }
}

/// Folders that could not be listed, by what the rows about them say.
pub(super) async fn unlisted(store: &Store) -> Result<Vec<String>> {
    let Some(findings) = store.load(&DIGEST_FINDINGS).await? else {
        return Ok(Vec::new());
    };
    let objects = store.table_objects(&DIGEST_FINDINGS);
    let mut said = Said::default();
    for file in &datafile::files(&DIGEST_FINDINGS, &findings)? {
        read_columns(&objects, file, &COLUMNS, |columns| {
            let rows = Read::of(columns);
            for row in 0..rows.objects.len() {
                if rows.subjects.value(row) == Subject::Folder.as_str() {
                    let status = text(rows.statuses, row).and_then(Status::named);
                    said.hear(rows.objects.value(row), rows.observed_at(row), status);
                }
            }
            Ok(())
        })
        .await?;
    }
    let mut folders: Vec<String> = said
        .objects
        .into_iter()
        .filter(|(_, told)| told.status() == Some(Status::Unreadable))
        .map(|(folder, _)| folder)
        .collect();
    folders.sort_unstable();
    Ok(folders)
}

/// Rows of `digest_findings`.
struct Read<'a> {
    subjects: &'a StringArray,
    objects: &'a StringArray,
    statuses: &'a StringArray,
    trails: &'a StringArray,
    home_regions: &'a StringArray,
    columns: &'a [ArrayRef],
}

impl<'a> Read<'a> {
    /// Takes the columns in the order of [`COLUMNS`].
    fn of(columns: &'a [ArrayRef]) -> Self {
        let [subjects, objects, statuses, trails, home_regions] =
            [0, 1, 2, 4, 5].map(|at| columns[at].as_string::<i32>());
        Self {
            subjects,
            objects,
            statuses,
            trails,
            home_regions,
            columns,
        }
    }

    fn time(&self, at: usize, row: usize) -> Option<i64> {
        let times = self.columns[at].as_primitive::<TimestampMicrosecondType>();
        times.is_valid(row).then(|| times.value(row))
    }

    fn observed_at(&self, row: usize) -> i64 {
        self.time(3, row).unwrap_or(i64::MIN)
    }

    fn span(&self, row: usize) -> Option<Span> {
        let (from, to) = (self.time(6, row)?, self.time(7, row)?);
        Some(Span { from, to })
    }

    fn chain(&self, row: usize) -> ChainKey {
        let [trail, home_region] = [self.trails, self.home_regions]
            .map(|texts| text(texts, row).unwrap_or_default().to_owned());
        ChainKey(self.objects.value(row).to_owned(), trail, home_region)
    }
}

fn text(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// The first and the last of some texts.
fn bounds<'a>(texts: &HashSet<&'a str>) -> Option<(&'a str, &'a str)> {
    let low = texts.iter().copied().min()?;
    let high = texts.iter().copied().max()?;
    Some((low, high))
}
