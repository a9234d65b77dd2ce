//! `podtrail maintain`.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{HumanBytes, HumanCount};
use podtrail_ingest::maintain::{self, Options, Progress, Report, TableReport};
use podtrail_ingest::{Error, Stop};

use super::aws::clock;
use super::{Exit, Global, output, say, signals, time};

/// Shortest time that files stay which no version holds any more: queries and ingests in work may still read or commit
/// them.
const SHORTEST_RETENTION: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, clap::Args)]
pub(crate) struct Maintain {
    /// Change nothing, and print what would be done
    #[arg(long)]
    dry_run: bool,
    /// Make the table activities anew from events
    #[arg(long)]
    rebuild_activities: bool,
    /// Remove whole days of events, and their activities, that are older than this: they cannot be had back, and are not
    /// read again
    #[arg(long, value_parser = time::moment, value_name = "TIME", allow_hyphen_values = true)]
    expire_before: Option<DateTime<Utc>>,
    /// How long data files stay that are merged into others or were never committed; at least 1h
    #[arg(long, env = "PODTRAIL_RETAIN", value_parser = time::duration, default_value = "7d", value_name = "DURATION")]
    retain: TimeDelta,
    /// Fewest small files of a table, or of a day of it, that are merged
    #[arg(long, env = "PODTRAIL_MIN_FILES", default_value_t = 4, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(2..))]
    min_files: u16,
    /// Size below which a data file is small, in MiB
    #[arg(long, env = "PODTRAIL_SMALL_FILE_MIB", default_value_t = 128, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_024))]
    small_file_mib: u64,
    /// Size up to which data files are merged, in MiB
    #[arg(long, env = "PODTRAIL_FILE_MIB", default_value_t = 256, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_024))]
    file_mib: u64,
}

/// Says on standard error how a run goes on.
struct Said {
    quiet: bool,
}

impl Progress for Said {
    fn merged(&self, table: &str, files: u64, bytes: u64) {
        if !self.quiet && files > 0 {
            say(&format!(
                "{table}: {} files merged, {}",
                HumanCount(files),
                HumanBytes(bytes)
            ));
        }
    }

    fn retrying(&self, error: &Error) {
        tracing::info!(%error, "starting over");
    }
}

impl Maintain {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let options = self.options(signals::stop()?)?;
        // What exists is maintained; a typing error makes no store.
        let store = global.writable_store().await?;
        let start = Instant::now();
        let said = Said {
            quiet: global.quiet,
        };
        let report = maintain::run(&store, &options, &said).await?;
        output::print_batch(global, rows(&report)?).await?;
        if !global.quiet {
            for line in summary(&report, options.dry_run) {
                say(&line);
            }
            say(&format!(
                "elapsed    {:.1} s",
                start.elapsed().as_secs_f64()
            ));
        }
        Ok(Exit::Ok)
    }

    fn options(&self, stop: Stop) -> anyhow::Result<Options> {
        if self.retain < SHORTEST_RETENTION {
            let text = "--retain: at least 1h, what runs may still need the files".to_owned();
            return Err(Error::InvalidInput(text).into());
        }
        if self.expire_before.is_some_and(|time| time > Utc::now()) {
            let text = "--expire-before: a time that has come".to_owned();
            return Err(Error::InvalidInput(text).into());
        }
        Ok(Options {
            small_bytes: self.small_file_mib << 20,
            target_bytes: self.file_mib << 20,
            min_files: usize::from(self.min_files),
            retain: self.retain,
            rebuild_activities: self.rebuild_activities,
            expire_before: self.expire_before.map(|time| time.timestamp_micros()),
            dry_run: self.dry_run,
            stop,
            ..Options::new(clock)
        })
    }
}

fn rows(report: &Report) -> anyhow::Result<RecordBatch> {
    let number = |pick: fn(&TableReport) -> u64| -> ArrayRef {
        Arc::new(
            report
                .tables
                .iter()
                .map(|table| i64::try_from(pick(table)).ok())
                .collect::<Int64Array>(),
        )
    };
    let names = report.tables.iter().map(|table| Some(table.table));
    let columns: [(&str, ArrayRef); 13] = [
        ("table", Arc::new(names.collect::<StringArray>())),
        ("files_before", number(|table| table.files_before)),
        ("files_after", number(|table| table.files_after)),
        ("bytes_before", number(|table| table.bytes_before)),
        ("bytes_after", number(|table| table.bytes_after)),
        ("bytes_saved", number(saved)),
        ("rows", number(|table| table.rows_after)),
        ("files_merged", number(|table| table.merged)),
        ("rows_expired", number(|table| table.rows_expired)),
        ("files_deleted", number(|table| table.files_deleted)),
        ("bytes_deleted", number(|table| table.bytes_deleted)),
        ("log_files_deleted", number(|table| table.log_files_deleted)),
        ("checkpoints", number(|table| table.checkpoints)),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn saved(table: &TableReport) -> u64 {
    table.bytes_before.saturating_sub(table.bytes_after)
}

/// Sums a run up for people.
fn summary(report: &Report, dry_run: bool) -> Vec<String> {
    let sum = |pick: fn(&TableReport) -> u64| report.tables.iter().map(pick).sum::<u64>();
    let mut lines = vec![
        format!(
            "files      {} before, {} after{}",
            HumanCount(sum(|table| table.files_before)),
            HumanCount(sum(|table| table.files_after)),
            if dry_run { ", about" } else { "" }
        ),
        format!(
            "bytes      {} before, {} after, {} saved",
            HumanBytes(sum(|table| table.bytes_before)),
            HumanBytes(sum(|table| table.bytes_after)),
            HumanBytes(sum(saved))
        ),
        format!(
            "deleted    {} data files of {}, {} log files, {} files of the commit protocol",
            HumanCount(sum(|table| table.files_deleted)),
            HumanBytes(sum(|table| table.bytes_deleted)),
            HumanCount(sum(|table| table.log_files_deleted)),
            HumanCount(report.protocol_files)
        ),
    ];
    let expired = sum(|table| table.rows_expired);
    if expired > 0 {
        lines.push(format!(
            "expired    {} rows of events and activities",
            HumanCount(expired)
        ));
    }
    if report.rebuilt_days > 0 {
        lines.push(format!(
            "rebuilt    activities of {} days",
            HumanCount(report.rebuilt_days)
        ));
    }
    if report.completed_batches > 0 {
        lines.push(format!(
            "completed  {} batches that an ingest left half done",
            HumanCount(report.completed_batches)
        ));
    }
    if dry_run {
        lines.push("dry run    nothing was changed".to_owned());
    }
    if report.stopped {
        lines.push("stopped    the rest is for the next run".to_owned());
    }
    lines
}
