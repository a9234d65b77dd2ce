//! `podtrail eval`: how right attribution is, on generated histories whose truth is known.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::Duration;
use podtrail_api::demo::{DemoOptions, Truth};
use podtrail_query::{Engine, Limits, Session};
use serde::Deserialize;

use super::{Exit, Global, demo, output, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Eval {
    /// Seeds of the histories
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3])]
    seeds: Vec<u64>,
    /// Clusters of each history
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clusters: u32,
    /// Length of each history, in hours
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    hours: u32,
    /// Leave the inventory out
    #[arg(long)]
    no_inventory: bool,
}

/// A row of `attribution`, with what else is compared.
#[derive(Debug, Deserialize)]
struct Said {
    event_id: String,
    access_path: Option<String>,
    actor: Option<String>,
    namespace: Option<String>,
    service_account: Option<String>,
    pod: Option<String>,
    confidence: Option<String>,
    score: Option<f64>,
    fact: Option<String>,
    cause: Option<String>,
}

impl Said {
    fn is_fallback(&self) -> bool {
        self.access_path.as_deref() == Some("node_role")
            && self.actor.as_deref() == Some("workload")
    }

    fn names(&self, truth: &Truth<'_>) -> bool {
        self.service_account.is_some()
            && self.service_account.as_deref() == truth.service_account
            && self.namespace.as_deref() == truth.namespace
    }

    fn names_pod(&self, truth: &Truth<'_>) -> bool {
        self.pod.is_some() && self.pod.as_deref() == truth.pod
    }
}

const QUERY: &str =
    "SELECT attribution.event_id, attribution.access_path, attribution.actor, attribution.namespace,
        attribution.service_account, attribution.pod, attribution.confidence, attribution.score, told.fact, fallbacks.cause
 FROM attribution
 LEFT JOIN activity_identities AS told ON told.activity_id = attribution.activity_id
 LEFT JOIN fallbacks ON attribution.access_path = 'node_role' AND attribution.actor = 'workload'
      AND fallbacks.cluster = attribution.cluster AND fallbacks.role_arn = attribution.role_arn
      AND fallbacks.namespace = attribution.namespace AND fallbacks.service_account = attribution.service_account
      AND fallbacks.workload IS NOT DISTINCT FROM told.workload";

/// Of how many something was asked, and how often it held.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    of: i64,
    right: i64,
}

/// What is measured, by measure and group.
#[derive(Debug, Default)]
struct Tally(BTreeMap<(&'static str, String), Count>);

impl Tally {
    fn note(&mut self, measure: &'static str, group: impl Into<String>, right: bool) {
        let count = self.0.entry((measure, group.into())).or_default();
        count.of += 1;
        count.right += i64::from(right);
    }
}

impl Eval {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut tally = Tally::default();
        for &seed in &self.seeds {
            let place = tempfile::Builder::new()
                .prefix("podtrail-eval-")
                .tempdir()?;
            let options = DemoOptions {
                seed,
                duration: Duration::hours(self.hours.into()),
                clusters: self.clusters,
                inventory_every: (!self.no_inventory).then(|| Duration::minutes(30)),
                ..DemoOptions::default()
            };
            let made = demo::make(place.path(), options).await?;
            if !global.quiet {
                say(&format!("seed {seed}: {} events", made.events));
            }
            let quiet = Global {
                quiet: true,
                ..global.clone()
            };
            let store = demo::fill(place.path(), &quiet).await?;
            let session = Engine::new(store, &Limits::new(super::cores()))?
                .session()
                .await?;
            judge(&mut tally, place.path(), &session).await?;
        }
        print(&tally, global).await?;
        Ok(Exit::Ok)
    }
}

async fn judge(tally: &mut Tally, place: &Path, session: &Session) -> anyhow::Result<()> {
    let mut said: HashMap<String, Said> = HashMap::new();
    for batch in session.rows(QUERY).await? {
        let mut json = Vec::new();
        let mut writer = arrow::json::LineDelimitedWriter::new(&mut json);
        writer.write(&batch)?;
        writer.finish()?;
        for line in json
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let row: Said = serde_json::from_slice(line)?;
            said.insert(row.event_id.clone(), row);
        }
    }
    let path = place.join("truth/truth.ndjson");
    let truth = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
    for line in std::io::BufReader::new(truth).lines() {
        let line = line?;
        let truth: Truth<'_> = serde_json::from_str(&line)?;
        compare(tally, &truth, said.get(truth.event_id));
    }
    Ok(())
}

fn compare(tally: &mut Tally, truth: &Truth<'_>, said: Option<&Said>) {
    let told = said.and_then(|row| row.access_path.as_deref());
    if let Some(told) = told {
        let right = truth.access_path == Some(told);
        tally.note("access path right where told", told, right);
    }
    let is_workload = truth.actor == Some("workload");
    let is_fallback = truth.access_path == Some("node_role") && is_workload;
    if said.is_some_and(Said::is_fallback) {
        tally.note("fallback precision", "all", is_fallback);
    }
    let Some(path) = truth.access_path else {
        let outsider = truth.outsider.unwrap_or("-");
        tally.note("outsiders left alone", outsider, said.is_none());
        return;
    };
    tally.note("access path right", path, told == Some(path));
    if !is_workload {
        return;
    }
    let right = said.is_some_and(|row| row.names(truth));
    if let Some(row) = said.filter(|row| row.service_account.is_some()) {
        let confidence = row.confidence.as_deref().unwrap_or("-");
        let group = format!("{path} {confidence}");
        tally.note("service account right where named", group, right);
    }
    if is_fallback {
        compare_fallback(tally, truth, said, right);
        return;
    }
    let issued = if truth.issuing_event_id.is_some() {
        "issuing record in the trail"
    } else {
        "issuing record itself, or not in the trail"
    };
    let group = format!("{path}, {issued}");
    tally.note("service account named and right", group, right);
}

/// Compares a call of a pod with its node's role; `right`: its service account is named.
fn compare_fallback(tally: &mut Tally, truth: &Truth<'_>, said: Option<&Said>, right: bool) {
    let is_said = said.is_some_and(Said::is_fallback);
    tally.note("fallback recall", "all", is_said);
    let kind = truth.address_kind.unwrap_or("-");
    let right_pod = said.is_some_and(|row| row.names_pod(truth));
    for group in [kind, "all"] {
        tally.note("service account of a fallback", group, right);
        tally.note("pod of a fallback", group, right_pod);
    }
    let Some(said) = said else {
        return;
    };
    if kind == "pod" && said.fact.as_deref() == Some("pod_address") {
        let group = "pod, and its address names it";
        tally.note("service account of a fallback", group, right);
        tally.note("pod of a fallback", group, right_pod);
    }
    if let (Some(_), Some(score)) = (&said.service_account, said.score) {
        tally.note("calibration, by score", format!("{score:.1}"), right);
    }
    if said.pod.is_some() {
        let confidence = said.confidence.as_deref().unwrap_or("-");
        tally.note("pod of a fallback right where named", confidence, right_pod);
    }
    if right {
        let hit = said.cause.as_deref() == truth.cause;
        for group in [truth.cause.unwrap_or("-"), "all"] {
            tally.note("cause right where the workload is", group, hit);
        }
    }
}

async fn print(tally: &Tally, global: &Global) -> anyhow::Result<()> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("measure", DataType::Utf8, false),
        Field::new("group", DataType::Utf8, false),
        Field::new("calls", DataType::Int64, false),
        Field::new("right", DataType::Int64, false),
        Field::new("share", DataType::Float64, false),
    ]));
    let rows = || tally.0.iter();
    #[allow(clippy::cast_precision_loss)] // counts of calls
    let share = |count: &Count| (count.right as f64 / count.of as f64 * 1e4).round() / 1e4;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(
            rows()
                .map(|((measure, _), _)| Some(*measure))
                .collect::<StringArray>(),
        ),
        Arc::new(
            rows()
                .map(|((_, group), _)| Some(group.as_str()))
                .collect::<StringArray>(),
        ),
        Arc::new(
            rows()
                .map(|(_, count)| Some(count.of))
                .collect::<Int64Array>(),
        ),
        Arc::new(
            rows()
                .map(|(_, count)| Some(count.right))
                .collect::<Int64Array>(),
        ),
        Arc::new(
            rows()
                .map(|(_, count)| Some(share(count)))
                .collect::<Float64Array>(),
        ),
    ];
    output::print_batch(global, RecordBatch::try_new(schema, columns)?).await
}
