//! From what the user names to sources: files, buckets, queues, LookupEvents.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use podtrail_api::serve::observed;
use podtrail_ingest::Error;
use podtrail_ingest::aws::aws_config;
use podtrail_ingest::digest::Verdict;
use podtrail_ingest::source::local::{LocalFiles, Stdin};
use podtrail_ingest::source::lookup::{self, Account, Lookup, Paces};
use podtrail_ingest::source::s3::{Bucket, S3Options, S3Trail};
use podtrail_ingest::source::sqs::{self, Aside, Objects, PutAside, SqsQueue};
use podtrail_ingest::source::{Body, ObjectRef, Source};
use podtrail_ingest::store::Store;
use podtrail_ingest::watermark;
use tokio::sync::Mutex;

use super::proof::{self, Trail, Verified};
use crate::cli::aws::{AwsArguments, Selection, clock, random};
use crate::cli::verify::KeyArguments;
use crate::cli::{Global, time};

/// Days that are read where nothing is known yet and no time is named.
const FIRST_DAYS: i64 = 7;

/// How far the clocks of machines that read the same source may lie apart.
const CLOCKS_DIFFER: Duration = Duration::minutes(15);

/// Time after which a followed queue's messages are committed though more arrive.
const FOLLOWED_RUN: std::time::Duration = std::time::Duration::from_secs(30);

/// Seconds that a followed queue is waited for when it is empty.
const FOLLOWED_WAIT: u32 = 5;

/// What a source is opened with.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) selection: Selection,
    pub(super) look_back: Duration,
    pub(super) aws: AwsArguments,
    /// Runs follow each other without end.
    pub(super) follows: bool,
    /// Nothing is read, and nothing changed anywhere.
    pub(super) dry_run: bool,
    /// Digests are verified, with these keys.
    pub(super) verify: Option<KeyArguments>,
    /// Runs that come sooner after a verification leave it out.
    pub(super) verify_pause: Option<Duration>,
    /// The last verification of this source.
    pub(super) verified: Verified,
    /// Asked for instead of all events, by LookupEvents.
    pub(super) access_keys: Option<Vec<String>>,
    /// Shared by all lookups of the process.
    pub(super) paces: Paces,
}

/// An opened source.
pub(super) struct Opened {
    pub(super) source: Arc<dyn Source>,
    /// Set where the source is read on from.
    pub(super) mark: Option<Mark>,
    /// Begin of what is read, where the source is a trail in S3.
    trail_from: Option<DateTime<Utc>>,
    /// The trail, where its digests are verified first, or why they cannot be.
    pub(super) trail: Option<anyhow::Result<Trail>>,
    /// What is known of the trail, where its digests are not verified again.
    pub(super) verdict: Verdict,
    /// The source, where messages must be given back.
    pub(super) queue: Option<Arc<SqsQueue>>,
    /// What the user should know.
    pub(super) note: Option<String>,
}

/// Where to read on from the next time.
pub(super) struct Mark {
    pub(super) id: String,
    pub(super) read_until: DateTime<Utc>,
}

impl Opened {
    fn plain(source: impl Source + 'static) -> Self {
        Self {
            source: Arc::new(source),
            mark: None,
            trail_from: None,
            trail: None,
            verdict: Verdict::Proven,
            queue: None,
            note: None,
        }
    }
}

/// Opens a source, and its trail where that is verified. `store` is that of the run, if there is one already; its folder is
/// never read as input.
pub(super) async fn open(
    argument: &str,
    request: &Request,
    store: Option<&Store>,
    global: &Global,
) -> anyhow::Result<Opened> {
    let Some(keys) = &request.verify else {
        return source(argument, request, store, global).await;
    };
    proof::check(argument)?;
    let opened = source(argument, request, store, global).await?;
    if let Some(verdict) = request.verified.still(Utc::now(), request.verify_pause) {
        return Ok(Opened { verdict, ..opened });
    }
    let from = match request.selection.from {
        Some(_) => opened.trail_from,
        None => request.verified.since(opened.trail_from, request.look_back),
    };
    let trail = Trail::open(argument, request, keys, from).await;
    Ok(Opened {
        trail: Some(trail),
        ..opened
    })
}

async fn source(
    argument: &str,
    request: &Request,
    store: Option<&Store>,
    global: &Global,
) -> anyhow::Result<Opened> {
    if argument == "-" {
        let spooled = tokio::task::spawn_blocking(|| Stdin::spool(io::stdin())).await??;
        return Ok(Opened::plain(spooled));
    }
    match argument.split_once("://") {
        None => Ok(Opened::plain(LocalFiles::new(argument, global.store_folder())?)),
        Some(("s3", _)) => trail(argument, request, store).await,
        Some(("sqs" | "https" | "http", _)) => queue(argument, request, store, global).await,
        Some(("lookup", region)) => account(argument, region, request, store).await,
        Some((scheme, _)) => Err(Error::InvalidInput(format!(
            "{argument}: {scheme}:// is no source; give files, folders, globs, -, s3://bucket/prefix, \
             sqs://queue-url or lookup://region"
        ))
        .into()),
    }
}

/// The begin of what is read, and where the next run reads on.
struct Window {
    from: DateTime<Utc>,
    mark: Option<Mark>,
    note: Option<String>,
}

/// Reads on from the last run that read everything, a stated time earlier; the first run takes a week.
async fn window(
    argument: &str,
    request: &Request,
    store: Option<&Store>,
) -> anyhow::Result<Window> {
    let now = Utc::now();
    let selection = &request.selection;
    let id = watermark::id(argument, &selection.accounts, &selection.regions);
    let known = match store {
        Some(store) => watermark::read_until(store, &id).await?,
        None => None,
    };
    let noted = known.and_then(DateTime::from_timestamp_micros);
    let known = believed(noted, now);
    let read_until = selection.to.map_or(now, |to| to.min(now));
    let (from, note) = match (selection.from, known) {
        (Some(from), _) => (from, None),
        (None, Some(known)) => (known - request.look_back, None),
        (None, None) => {
            let from = now - Duration::days(FIRST_DAYS);
            let why = match noted {
                Some(noted) => format!(
                    "was read until {}, by a clock that was wrong",
                    time::shown(noted)
                ),
                None => "first run without --from".to_owned(),
            };
            let note = format!(
                "{argument}: {why}, reading events since {}",
                time::shown(from)
            );
            (from, Some(note))
        }
    };
    // A run that left out what is before it must not hide that from the next.
    let joins = known.is_none_or(|known| from <= known && known < read_until);
    Ok(Window {
        from,
        mark: joins.then_some(Mark { id, read_until }),
        note,
    })
}

/// Up to when a source has been read, if that can be so. A time to come was told by a clock that was wrong, and what was
/// not delivered by then was not read either.
fn believed(noted: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    noted.filter(|noted| *noted <= now + CLOCKS_DIFFER)
}

async fn trail(argument: &str, request: &Request, store: Option<&Store>) -> anyhow::Result<Opened> {
    let window = window(argument, request, store).await?;
    let options = S3Options {
        from: Some(window.from),
        to: request.selection.to,
        accounts: request.selection.accounts.clone(),
        regions: request.selection.regions.clone(),
        ..request.aws.s3()
    };
    Ok(Opened {
        mark: window.mark,
        note: window.note,
        trail_from: Some(window.from),
        ..Opened::plain(S3Trail::connect(argument, options).await?)
    })
}

async fn account(
    argument: &str,
    region: &str,
    request: &Request,
    store: Option<&Store>,
) -> anyhow::Result<Opened> {
    let window = window(argument, request, store).await?;
    let mut own = request.aws.own();
    own.region.get_or_insert_with(|| region.to_owned());
    let config = aws_config(&own).await;
    let account = match &request.aws.role_arn {
        Some(role) => Account::of_role(&config, role, request.aws.external_id.as_deref()).await?,
        None => Account::own(&config).await?,
    };
    let options = lookup::Options {
        from: Some(window.from.timestamp_micros()),
        to: request.selection.to.map(|time| time.timestamp_micros()),
        paces: request.paces.clone(),
        ..lookup::Options::new(clock, random)
    };
    let lookup = Lookup::new(region, vec![account], options)?;
    if let Some(keys) = &request.access_keys {
        return Ok(Opened::plain(lookup.of_access_keys(keys.clone())?));
    }
    Ok(Opened {
        mark: window.mark,
        note: window.note,
        ..Opened::plain(lookup)
    })
}

async fn queue(
    argument: &str,
    request: &Request,
    store: Option<&Store>,
    global: &Global,
) -> anyhow::Result<Opened> {
    let config = aws_config(&request.aws.options()).await;
    let buckets = Arc::new(Buckets {
        options: request.aws.s3(),
        opened: Mutex::default(),
    });
    let (for_head, for_read) = (Arc::clone(&buckets), buckets);
    let objects = Objects {
        head: Arc::new(move |bucket: String, key: String| {
            let buckets = Arc::clone(&for_head);
            Box::pin(async move { buckets.get(&bucket).await?.head(&key).await })
        }),
        read: Arc::new(move |object: ObjectRef| {
            let buckets = Arc::clone(&for_read);
            Box::pin(async move { buckets.read(&object).await })
        }),
    };
    let defaults = sqs::Options::new(random);
    let source = argument.to_owned();
    let options = sqs::Options {
        wait_seconds: if request.follows {
            FOLLOWED_WAIT
        } else {
            defaults.wait_seconds
        },
        longest_run: request.follows.then_some(FOLLOWED_RUN),
        only_look: request.dry_run,
        put_aside: (!request.dry_run).then(|| aside(store, global)),
        tell: Some(Arc::new(move |told| observed::messages(&source, told))),
        ..defaults
    };
    let queue = Arc::new(SqsQueue::new(argument, &config, objects, options)?);
    Ok(Opened {
        source: Arc::clone(&queue) as Arc<dyn Source>,
        mark: None,
        trail_from: None,
        trail: None,
        verdict: Verdict::Proven,
        queue: Some(queue),
        note: None,
    })
}

/// Puts messages aside in the store, which the first run makes after it has opened its sources.
fn aside(store: Option<&Store>, global: &Global) -> PutAside {
    if let Some(store) = store {
        return sqs::aside_in(store.clone());
    }
    let global = global.clone();
    Arc::new(move |message: Aside| {
        let global = global.clone();
        Box::pin(async move {
            let store = global.create_store().await.map_err(io::Error::other)?;
            sqs::aside_in(store)(message).await
        })
    })
}

/// Buckets that messages name, each opened once.
struct Buckets {
    options: S3Options,
    opened: Mutex<HashMap<String, Arc<Bucket>>>,
}

/// Most buckets that are kept open.
const MOST_BUCKETS: usize = 1_000;

impl Buckets {
    async fn get(&self, name: &str) -> io::Result<Arc<Bucket>> {
        let mut opened = self.opened.lock().await;
        if let Some(bucket) = opened.get(name) {
            return Ok(Arc::clone(bucket));
        }
        let bucket = Bucket::connect(name, self.options.clone())
            .await
            .map_err(io::Error::other)?;
        let bucket = Arc::new(bucket);
        if opened.len() >= MOST_BUCKETS {
            opened.clear();
        }
        opened.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }

    async fn read(&self, object: &ObjectRef) -> io::Result<Body> {
        let bucket = object
            .key
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .map(|(bucket, _)| bucket)
            .ok_or_else(|| io::Error::other(format!("{}: no object of S3", object.key)))?;
        self.get(bucket).await?.read(object).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_was_not_read_until_a_time_to_come() {
        let hour = |hours| DateTime::UNIX_EPOCH + Duration::hours(hours);
        let now = hour(100);
        for (noted, known) in [
            (None, None),
            (Some(hour(99)), Some(hour(99))),
            (Some(now + CLOCKS_DIFFER), Some(now + CLOCKS_DIFFER)),
            (Some(hour(101)), None),
        ] {
            assert_eq!(believed(noted, now), known);
        }
    }
}
