//! What a run says while it goes on, and when it is over.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use chrono::DateTime;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use podtrail_api::serve::observed;
use podtrail_ingest::{Progress, Summary};

use crate::cli::{Global, say, time};

/// How often a run without a terminal says where it is.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Progress: a bar on a terminal, else a line every few seconds.
pub(super) struct Bar {
    drawn: ProgressBar,
    quiet: bool,
    last_said: std::sync::Mutex<Instant>,
}

impl Bar {
    pub(super) fn new(global: &Global) -> Self {
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

    /// The run is over, however it ended.
    pub(super) fn end(&self) {
        self.drawn.finish_and_clear();
        observed::objects_in_flight(0);
    }
}

impl Progress for Bar {
    fn batch(&self, objects: u64, bytes: u64) {
        observed::objects_in_flight(objects);
        self.drawn.inc_length(bytes);
        self.drawn
            .set_message(format!("{} objects", HumanCount(objects)));
        self.drawn.enable_steady_tick(Duration::from_millis(200));
    }

    fn decoded(&self, _objects: u64, bytes: u64, _records: u64) {
        self.drawn.inc(bytes);
    }

    fn object(&self, took: Duration) {
        observed::object_read(took);
    }

    fn committed(&self, run: &Summary) {
        observed::objects_in_flight(0);
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
        lines.push(format!("events     {} to {}", moment(first), moment(last)));
    }
    lines.push(format!("elapsed    {:.1} s", elapsed.as_secs_f64()));
    lines
}

fn moment(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(|| micros.to_string(), time::shown)
}
