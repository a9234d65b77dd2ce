//! The data files that a version of a table holds, and which of them to merge.

use std::collections::BTreeMap;

use deltalake::DeltaTable;
use deltalake::kernel::Remove;

use super::Options;
use crate::datafile::{FileInfo, ROW_GROUP_ROWS};
use crate::error::{Error, Result};
use crate::schema::Table;

/// Value of the partition column; `None` too where a table has none.
pub(super) type Partition = Option<String>;

/// Memory that an open file takes for its metadata and the buffers of its columns, in bytes.
const OPEN_BYTES: u64 = 512 << 10;

/// How much more memory rows take than the compressed row group they are read from.
const INFLATION: u64 = 3;

/// Most memory for the inputs of one merge, in bytes, by the estimate of [`open_cost`].
const MERGE_BYTES: u64 = 160 << 20;

/// Most files of one merge.
const MERGE_FILES: usize = 256;

/// A data file of the loaded version.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) info: FileInfo,
    pub(super) partition: Partition,
    /// What takes it out of the table.
    pub(super) remove: Remove,
}

/// Lists the data files of a loaded table. `now` is when they would be removed, in milliseconds.
pub(super) fn live(table: &'static Table, delta: &DeltaTable, now: i64) -> Result<Vec<Live>> {
    let snapshot = delta.snapshot().map_err(|source| Error::Delta {
        table: table.name,
        what: "snapshot",
        source: Box::new(source),
    })?;
    let log = snapshot.log_data();
    let files = log.iter().map(|file| {
        let mut remove = file.remove_action(false);
        remove.deletion_timestamp = Some(now);
        let partition = table
            .partition
            .and_then(|column| remove.partition_values.as_ref()?.get(column)?.clone());
        Live {
            info: FileInfo::new(
                file.object_store_path().to_string(),
                file.size(),
                file.stats().as_deref(),
            ),
            partition,
            remove,
        }
    });
    Ok(files.collect())
}

/// Files by partition.
pub(super) fn by_partition(files: Vec<Live>) -> BTreeMap<Partition, Vec<Live>> {
    let mut partitions: BTreeMap<Partition, Vec<Live>> = BTreeMap::new();
    for file in files {
        partitions
            .entry(file.partition.clone())
            .or_default()
            .push(file);
    }
    partitions
}

/// Estimates the memory that a file takes while it is read.
fn open_cost(file: &FileInfo) -> u64 {
    let rows = file.rows.max(1);
    let row_groups = rows.div_ceil(ROW_GROUP_ROWS as u64);
    OPEN_BYTES + INFLATION * (file.size / row_groups)
}

/// Files of one partition that become one file, or a few where they are too large for one.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) partition: Partition,
    pub(super) files: Vec<Live>,
}

impl Group {
    /// Bytes of its files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.info.size).sum()
    }

    /// About how many files it becomes.
    pub(super) fn outputs(&self, options: &Options) -> u64 {
        self.bytes().div_ceil(options.target_bytes.max(1)).max(1)
    }
}

/// Picks the files to merge.
///
/// A file that is larger than all smaller ones of its partition together stays as it is, so that what is merged again
/// and again grows at least twofold: bytes are written a logarithmic number of times, however often this runs.
pub(super) fn plan(table: &Table, files: Vec<Live>, options: &Options) -> Vec<Group> {
    let mut groups = Vec::new();
    for (partition, mut files) in by_partition(files) {
        files.retain(|file| file.info.size < options.small_bytes);
        files.sort_by(|one, other| {
            (one.info.size, &one.info.path).cmp(&(other.info.size, &other.info.path))
        });
        let mut smaller: u64 = files.iter().map(|file| file.info.size).sum();
        while let Some(largest) = files.last() {
            smaller -= largest.info.size;
            if largest.info.size <= smaller {
                break;
            }
            files.pop();
        }
        if files.len() < options.min_files.max(2) {
            continue;
        }
        let worthwhile = runs(table, files).into_iter().filter(|run| run.len() >= 2);
        groups.extend(worthwhile.map(|files| Group {
            partition: partition.clone(),
            files,
        }));
    }
    groups
}

/// Splits files into runs that are merged at once: neighbours in the table's order, which overlap most.
pub(super) fn runs(table: &Table, mut files: Vec<Live>) -> Vec<Vec<Live>> {
    let first = table.sort.first().copied().unwrap_or_default();
    files.sort_by_cached_key(|file| (file.info.least(first), file.info.path.clone()));
    let mut runs: Vec<Vec<Live>> = Vec::new();
    let mut cost = 0;
    for file in files {
        let more = open_cost(&file.info);
        // Two files are merged whatever they cost, else nothing would ever be done to them.
        let full = |run: &[Live]| {
            run.len() >= MERGE_FILES || (run.len() >= 2 && cost + more > MERGE_BYTES)
        };
        match runs.last_mut() {
            Some(run) if !full(run) => {
                run.push(file);
                cost += more;
            }
            _ => {
                runs.push(vec![file]);
                cost = more;
            }
        }
    }
    runs
}
