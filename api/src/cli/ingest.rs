//! `podtrail ingest`.

mod progress;
mod proof;
mod repeat;
mod run;
mod sources;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::Utc;
use clap::Parser;
use indicatif::{HumanBytes, HumanCount};
use podtrail_ingest::source::lookup::{Lookup, Paces};
use podtrail_ingest::source::{ObjectRef, Source};
use podtrail_ingest::store::Store;
use podtrail_ingest::{DigestStatus, Options, Stop, Summary, unread, watermark};

use super::aws::{AwsArguments, Selection, clock, random};
use super::config::{Config, SourceConfig};
use super::inventory::Collect;
use super::schedule::{self, Schedules};
use super::verify::KeyArguments;
use super::{Exit, Global, output, say, texts, time};
use progress::Bar;
use proof::{VERIFY_PAUSE, Verified};
use repeat::Repeat;
use run::Run;
use sources::{Opened, Request, open};

pub(crate) use progress::summary_lines;

/// Newest first: LookupEvents forgets after 90 days.
const MISSING_KEYS: &str =
    "SELECT access_key_id FROM missing_keys GROUP BY access_key_id ORDER BY max(last_seen) DESC";

/// Access keys asked for by one run: half a second each.
const MOST_KEYS: usize = 10_000;

/// Objects that a dry run prints; the rest is counted.
const SHOWN_OBJECTS: usize = 100_000;

#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // flags of the command line
pub(crate) struct Ingest {
    /// Files, folders, glob patterns, - for standard input, s3://bucket/prefix, sqs://queue-url or
    /// lookup://region; the configured ones without any
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// How far before the end of the last complete run to look for files that arrived late
    #[arg(long, env = "PODTRAIL_LOOK_BACK", value_parser = time::duration, default_value = "1d", value_name = "DURATION")]
    look_back: chrono::Duration,
    /// Print what would be read, and read nothing
    #[arg(long, conflicts_with_all = ["follow", "every"])]
    dry_run: bool,
    /// Ask LookupEvents for the records that issued access keys which the store lacks, and nothing else
    #[arg(long, conflicts_with_all = ["follow", "every", "from", "to"])]
    backfill: bool,
    /// Verify the digests of trails first, in S3 or a copy, and keep what they say; with --follow, once an hour
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,
    #[command(flatten)]
    keys: KeyArguments,
    /// Go on until stopped
    #[arg(long, conflicts_with = "every")]
    follow: bool,
    /// Run again at this interval until stopped, such as 5m
    #[arg(long, env = "PODTRAIL_EVERY", value_parser = time::duration, value_name = "DURATION")]
    every: Option<chrono::Duration>,
    #[command(flatten)]
    aws: AwsArguments,
}

/// The command alone, for what stands in the environment beside the command line.
#[derive(Debug, clap::Parser)]
struct Alone {
    #[command(flatten)]
    ingest: Ingest,
}

impl Ingest {
    /// What `podtrail ingest --every` does without a source.
    ///
    /// # Errors
    /// Where the environment has values that are none.
    pub(crate) fn configured(every: chrono::Duration) -> anyhow::Result<Self> {
        let alone = Alone::try_parse_from(["podtrail"])?;
        Ok(Self {
            every: Some(every),
            ..alone.ingest
        })
    }

    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        if self.dry_run || self.backfill {
            let mut planned = self.planned(global)?;
            if self.dry_run {
                return dry_run(&planned, global).await;
            }
            let keys = missing_keys(&planned, global).await?;
            for (_, request) in &mut planned {
                request.access_keys = Some(keys.clone());
            }
            let stop = super::signals::stop()?;
            let schedules = Schedules::default();
            let run = Run::open(&planned, global, &schedules).await.checked()?;
            return self.read(run, global, &stop, &schedules).await;
        }
        let stop = super::signals::stop()?;
        self.run_on_schedule(global, &stop, &Schedules::default())
            .await
    }

    /// Runs once, or again and again until asked to stop, and notes how it went.
    ///
    /// # Errors
    /// What the user must mend, and of the last run.
    pub(crate) async fn run_on_schedule(
        &self,
        global: &Global,
        stop: &Stop,
        schedules: &Schedules,
    ) -> anyhow::Result<Exit> {
        let planned = self.planned(global)?;
        let inventories = self.inventories(global)?;
        let repeat = match self.every {
            Some(interval) => Repeat::Every(interval),
            None if self.follow => Repeat::Follow,
            None => Repeat::Once,
        };
        let mut is_first = true;
        loop {
            let began = Utc::now();
            let mut run = Run::open(&planned, global, schedules).await;
            if is_first {
                // What the user must mend does not mend itself; what could be opened once may be again.
                run = run.checked()?;
                is_first = false;
            }
            let mut outcome = self.read(run, global, stop, schedules).await;
            for (name, collect) in &inventories {
                if stop.is_asked() {
                    break;
                }
                schedules.began(name, Utc::now());
                let collected = collect.run_once(global).await;
                schedule::ended(schedules, name, collected.as_ref().copied());
                outcome = worse(
                    outcome,
                    collected.map_err(|error| error.context(name.clone())),
                );
            }
            let Some(next) = repeat.next(began, Utc::now(), random()) else {
                return outcome;
            };
            schedules.next_at(next);
            if let Err(error) = &outcome {
                super::complain(error);
            }
            if !global.quiet && !stop.is_asked() && self.every.is_some() {
                say(&format!("next run at {}", time::shown(next)));
            }
            if !repeat::until(next, stop).await {
                return outcome;
            }
        }
    }

    /// Whether runs follow each other.
    fn goes_on(&self) -> bool {
        self.follow || self.every.is_some()
    }

    /// Inventories that belong to every run: the configured ones, where what is configured is read again and again.
    fn inventories(&self, global: &Global) -> anyhow::Result<Vec<(String, Collect)>> {
        if self.every.is_none() || !self.sources.is_empty() {
            return Ok(Vec::new());
        }
        let config = Config::read(global.config.as_deref())?;
        Ok(Collect::configured(&config, &self.aws))
    }

    /// What is read, each with what it is opened with.
    fn planned(&self, global: &Global) -> anyhow::Result<Vec<(String, Request)>> {
        let planned = self.requests(global)?;
        let mut requests = planned.iter().map(|(_, request)| request);
        if !self.keys.is_empty() && requests.all(|request| request.verify.is_none()) {
            let text = "--keys is for --verify (verify = true), and nothing is verified";
            return Err(podtrail_ingest::Error::InvalidInput(text.to_owned()).into());
        }
        Ok(planned)
    }

    fn requests(&self, global: &Global) -> anyhow::Result<Vec<(String, Request)>> {
        let request = Request {
            selection: self.selection.clone(),
            look_back: self.look_back,
            aws: self.aws.clone(),
            access_keys: None,
            follows: self.goes_on(),
            dry_run: self.dry_run,
            verify: self.verify.then(|| self.keys.clone()),
            verify_pause: self.follow.then_some(VERIFY_PAUSE),
            verified: Verified::default(),
            paces: Paces::default(),
        };
        // Each trail is verified by itself.
        let request = || Request {
            verified: Verified::default(),
            ..request.clone()
        };
        if !self.sources.is_empty() {
            let sources = self.sources.iter();
            return Ok(sources.map(|source| (source.clone(), request())).collect());
        }
        let config = Config::read(global.config.as_deref())?;
        let inventories_only = self.every.is_some() && config.has_inventories();
        if config.sources().is_empty() && !inventories_only {
            let text = "no SOURCE: name one, or configure [[source]] in podtrail.toml";
            return Err(podtrail_ingest::Error::InvalidInput(text.to_owned()).into());
        }
        let planned = config.sources().iter().map(|source| -> anyhow::Result<_> {
            let mut request = request();
            request.aws = request.aws.with(source);
            for (said, option) in [
                (&source.accounts, &mut request.selection.accounts),
                (&source.regions, &mut request.selection.regions),
            ] {
                if option.is_empty() {
                    option.clone_from(said);
                }
            }
            request.verify = self.verifies(source)?;
            Ok((source.location.clone(), request))
        });
        planned.collect()
    }

    /// The keys to verify a configured source with, where it is verified.
    fn verifies(&self, source: &SourceConfig) -> anyhow::Result<Option<KeyArguments>> {
        let verify = source.verify.unwrap_or(self.verify);
        if !verify && !source.keys.is_empty() {
            let text = format!("{}: keys are for verify = true", source.location);
            return Err(podtrail_ingest::Error::InvalidInput(text).into());
        }
        let keys = match source.keys.as_slice() {
            [] => self.keys.clone(),
            own => KeyArguments::of(own),
        };
        Ok((verify && !self.dry_run).then_some(keys))
    }
}

/// The outcome of two steps of a run; the first that failed hides the other, which is told at once.
fn worse(first: anyhow::Result<Exit>, second: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(if first == Exit::Ok { second } else { first }),
        (Err(first), Err(second)) => {
            super::complain(&second);
            Err(first)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

/// Keys that calls of the store were made with, and that no record of it issued. Only LookupEvents can be asked
/// for them.
async fn missing_keys(
    planned: &[(String, Request)],
    global: &Global,
) -> anyhow::Result<Vec<String>> {
    if let Some((other, _)) = planned
        .iter()
        .find(|(source, _)| !source.starts_with("lookup://"))
    {
        let text = format!("{other}: --backfill asks LookupEvents, give lookup://REGION");
        return Err(podtrail_ingest::Error::InvalidInput(text).into());
    }
    let session = super::engine(global).await?.session().await?;
    let keys = texts(&session, &format!("{MISSING_KEYS} LIMIT {MOST_KEYS}")).await?;
    let (keys, others): (Vec<String>, Vec<String>) = keys
        .into_iter()
        .partition(|key| Lookup::is_access_key_id(key));
    if !global.quiet {
        say(&format!(
            "{} access keys whose issuing record is missing",
            HumanCount(keys.len() as u64)
        ));
    }
    if !others.is_empty() {
        say(&format!(
            "{} texts in the place of access key ids cannot be asked for: they are of another form, as in anonymised trails",
            HumanCount(others.len() as u64)
        ));
    }
    Ok(keys)
}

/// Prints what would be read.
async fn dry_run(planned: &[(String, Request)], global: &Global) -> anyhow::Result<Exit> {
    let store = global.existing_store().await?;
    let mut objects: Vec<ObjectRef> = Vec::new();
    let (mut count, mut bytes, mut problems) = (0_u64, 0_u64, 0_u64);
    for (argument, request) in planned {
        let opened = open(argument, request, store.as_ref(), global).await?;
        if let (Some(note), false) = (&opened.note, global.quiet) {
            say(note);
        }
        let listed = unread(store.as_ref(), opened.source.as_ref(), |found| {
            for each in found {
                match each {
                    Ok(object) => {
                        count += 1;
                        bytes += object.size;
                        if objects.len() < SHOWN_OBJECTS {
                            objects.push(object);
                        }
                    }
                    Err(error) => {
                        problems += 1;
                        say(&error.to_string());
                    }
                }
            }
        })
        .await;
        if let Some(queue) = opened.queue {
            for error in queue.release().await {
                say(&error.to_string());
            }
        }
        listed?;
    }
    output::print_batch(global, object_rows(&objects)?).await?;
    if !global.quiet {
        say(&format!(
            "{} objects, {} would be read",
            HumanCount(count),
            HumanBytes(bytes)
        ));
    }
    Ok(if problems > 0 {
        Exit::Rejected
    } else {
        Exit::Ok
    })
}

fn object_rows(objects: &[ObjectRef]) -> anyhow::Result<RecordBatch> {
    let schema = Schema::new(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("etag", DataType::Utf8, false),
        Field::new("size", DataType::Int64, false),
    ]);
    let text = |pick: fn(&ObjectRef) -> &str| -> ArrayRef {
        Arc::new(
            objects
                .iter()
                .map(|object| Some(pick(object)))
                .collect::<StringArray>(),
        )
    };
    let sizes = objects
        .iter()
        .map(|object| Some(i64::try_from(object.size).unwrap_or(i64::MAX)))
        .collect::<Int64Array>();
    let columns = vec![
        text(|object| &object.key),
        text(|object| &object.etag),
        Arc::new(sizes) as ArrayRef,
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Ingests a source, and notes how far it has been read.
async fn ingest_opened(
    store: &Store,
    opened: Opened,
    digest_status: Option<Arc<DigestStatus>>,
    global: &Global,
    stop: &Stop,
) -> anyhow::Result<Summary> {
    let options = Options {
        digest_status,
        stop: stop.clone(),
        ..Options::new(super::cores(), clock)
    };
    let summary = ingest_one(store, opened.source, global, options).await;
    if let Some(queue) = opened.queue {
        for error in queue.release().await {
            tracing::warn!(%error, "not given back");
        }
    }
    let summary = summary?;
    if let Some(mark) = opened.mark
        && summary.is_whole()
        && !stop.is_asked()
    {
        watermark::set_read_until(store, &mark.id, mark.read_until.timestamp_micros()).await?;
    }
    Ok(summary)
}

/// Ingests sources one after the other and gives the sum.
pub(crate) async fn ingest(
    store: &Store,
    sources: Vec<Arc<dyn Source>>,
    global: &Global,
) -> anyhow::Result<Summary> {
    let mut total = Summary::default();
    for source in sources {
        let options = Options::new(super::cores(), clock);
        total.add(&ingest_one(store, source, global, options).await?);
    }
    Ok(total)
}

async fn ingest_one(
    store: &Store,
    source: Arc<dyn Source>,
    global: &Global,
    options: Options,
) -> anyhow::Result<Summary> {
    let bar = Bar::new(global);
    let summary = podtrail_ingest::run(store, source, options, &bar).await;
    bar.end();
    Ok(summary?)
}
