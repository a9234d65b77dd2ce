//! `podtrail ingest`.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use podtrail_ingest::source::Source;
use podtrail_ingest::source::local::{LocalFiles, Stdin};
use podtrail_ingest::store::Store;
use podtrail_ingest::{Options, Progress, Summary};

use super::{Exit, Global, say};

/// How often a run without a terminal says where it is.
const SAY_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Ingest {
    /// Files, folders or glob patterns of `CloudTrail` records, or - for standard input
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
}

impl Ingest {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        // Every source is looked at before any is read: a typing error costs nothing.
        let skip = global.store.canonicalize().ok();
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        for argument in &self.sources {
            sources.push(open(argument, skip.clone()).await?);
        }
        let store = Store::folder(&global.store, true)?;
        let start = Instant::now();
        let total = ingest(&store, sources, global).await?;
        if !global.quiet {
            for line in summary_lines(&total, start.elapsed()) {
                say(&line);
            }
        }
        Ok(if total.has_problems() {
            Exit::Rejected
        } else {
            Exit::Ok
        })
    }
}

async fn open(argument: &str, skip: Option<std::path::PathBuf>) -> anyhow::Result<Arc<dyn Source>> {
    if argument == "-" {
        let spooled = tokio::task::spawn_blocking(|| Stdin::spool(std::io::stdin())).await??;
        return Ok(Arc::new(spooled));
    }
    if let Some((scheme, _)) = argument.split_once("://") {
        let text = format!(
            "{argument}: {scheme}:// is no source that this version reads; give files, folders, globs or -"
        );
        return Err(podtrail_ingest::Error::InvalidInput(text).into());
    }
    Ok(Arc::new(LocalFiles::new(argument, skip)?))
}

/// Ingests sources one after the other and gives the sum.
pub(crate) async fn ingest(
    store: &Store,
    sources: Vec<Arc<dyn Source>>,
    global: &Global,
) -> anyhow::Result<Summary> {
    let mut total = Summary::default();
    for source in sources {
        let bar = Bar::new(global);
        let options = Options::new(super::cores(), || Utc::now().timestamp_micros());
        let summary = podtrail_ingest::run(store, source, options, &bar).await;
        bar.drawn.finish_and_clear();
        total.add(&summary?);
    }
    Ok(total)
}

/// Progress: a bar on a terminal, else a line every few seconds.
struct Bar {
    drawn: ProgressBar,
    quiet: bool,
    last_said: std::sync::Mutex<Instant>,
}

impl Bar {
    fn new(global: &Global) -> Self {
        let shown = !global.quiet && std::io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        // The template is a constant; without it the default style is drawn.
        if let Ok(style) = ProgressStyle::with_template(
            "{spinner} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}  {msg}",
        ) {
            bar.set_style(style);
        }
        Self {
            drawn: bar,
            quiet: global.quiet || shown,
            last_said: std::sync::Mutex::new(Instant::now()),
        }
    }
}

impl Progress for Bar {
    fn batch(&self, objects: u64, bytes: u64) {
        self.drawn.inc_length(bytes);
        self.drawn
            .set_message(format!("{} objects", HumanCount(objects)));
        self.drawn.enable_steady_tick(Duration::from_millis(200));
    }

    fn decoded(&self, _objects: u64, bytes: u64, _records: u64) {
        self.drawn.inc(bytes);
    }

    fn committed(&self, run: &Summary) {
        self.drawn
            .set_message(format!("{} events", HumanCount(run.new_events)));
        let Ok(mut last) = self.last_said.lock() else {
            return;
        };
        if !self.quiet && last.elapsed() >= SAY_EVERY {
            *last = Instant::now();
            say(&format!(
                "{} objects read, {} new events",
                HumanCount(run.objects),
                HumanCount(run.new_events)
            ));
        }
    }

    fn retrying(&self, error: &podtrail_ingest::Error) {
        tracing::warn!(%error, "trying again");
    }
}

/// Sums a run up for people.
pub(crate) fn summary_lines(total: &Summary, elapsed: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    if total.objects == 0 && total.unreadable == 0 {
        lines.push(match total.already_read {
            0 => "nothing to read".to_owned(),
            count => format!(
                "nothing new: {} objects are unchanged since they were read",
                HumanCount(count)
            ),
        });
    }
    let already = match total.already_read {
        0 => String::new(),
        count => format!(", {} already read before", HumanCount(count)),
    };
    lines.push(format!(
        "objects    {} read{already}",
        HumanCount(total.objects)
    ));
    lines.push(format!(
        "records    {}: {} new, {} duplicate",
        HumanCount(total.records),
        HumanCount(total.new_events),
        HumanCount(total.duplicates)
    ));
    if total.renamed > 0 {
        lines.push(format!(
            "           {} of them had the eventID of another record and are kept under a derived id",
            HumanCount(total.renamed)
        ));
    }
    if total.rejected_values() > 0 {
        let reasons: Vec<String> = total
            .rejected
            .iter()
            .map(|(reason, count)| format!("{} {reason}", HumanCount(*count)))
            .collect();
        lines.push(format!(
            "rejected   {}: {}",
            HumanCount(total.rejected_values()),
            reasons.join(", ")
        ));
    }
    if total.unreadable > 0 {
        lines.push(format!("unreadable {}", HumanCount(total.unreadable)));
    }
    lines.extend(
        total
            .problems
            .iter()
            .map(|problem| format!("           {problem}")),
    );
    lines.push(format!(
        "bytes      {} read, {} inflated",
        HumanBytes(total.bytes),
        HumanBytes(total.inflated_bytes)
    ));
    if let (Some(first), Some(last)) = (total.first_event_time, total.last_event_time) {
        lines.push(format!("events     {} to {}", time(first), time(last)));
    }
    lines.push(format!("elapsed    {:.1} s", elapsed.as_secs_f64()));
    lines
}

fn time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || micros.to_string(),
        |time| time.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}
