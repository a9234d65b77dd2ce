//! Trails in S3: `s3://bucket[/prefix]` of one account or of an organisation.
//!
//! Only the partitions that can hold events of the time asked for are listed (`layout`, `discover`),
//! in the order of their days over all accounts and regions, several ahead (`list`). An object is read
//! as it was listed or not at all: its length and version are checked, a cut body is read again, a
//! large one is resumed (`read`, `stream`).

mod client;
mod discover;
mod fault;
mod layout;
mod list;
mod read;
mod stream;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::BoxStream;
use tokio::runtime::Handle;

pub use self::client::Bucket;
use self::discover::Selection;
use self::layout::{Window, is_account, is_region};
pub use self::read::SMALL_OBJECT;
pub use self::vault::{BucketVault, public_keys};
use super::{Body, ObjectRef, Source};
use crate::aws::AwsOptions;
use crate::error::{Error, Result};
use crate::hash::short;

/// Requests for objects under way at once. One connection reads some tens of small objects a second;
/// S3 serves 5,500 a second of each prefix ("Best practices design patterns: optimizing Amazon S3
/// performance").
pub const CONCURRENCY: usize = 64;

/// Requests for listings under way at once, and partitions listed ahead.
pub const LIST_CONCURRENCY: usize = 16;

/// Attempts of one request, of one object, or of a large one without progress.
pub const ATTEMPTS: u32 = 8;

/// Longest first pause between two attempts; each next may be twice as long.
pub const PAUSE: Duration = Duration::from_millis(100);

/// Longest pause between two attempts.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Longest wait for an answer, or for the next bytes of one.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// How late events are looked for beyond the end of the time asked for. CloudTrail delivers in about
/// five minutes on average and guarantees nothing; in 3,926 files measured the latest took ten minutes.
pub const LATE: TimeDelta = TimeDelta::days(1);

/// Bytes of objects held in memory; what does not fit is streamed.
pub const MEMORY: usize = 128 << 20;

/// What of a trail is read, and how.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// Earliest time of the events wanted; without it, from the first. A caller that reads on where it
    /// ended begins earlier, by as much as it wants to wait for late files: CloudTrail retries a
    /// delivery for 30 days, and files it under the day on which it succeeds.
    pub from: Option<DateTime<Utc>>,
    /// Latest time of the events wanted; without it, to the last.
    pub to: Option<DateTime<Utc>>,
    /// How long after `to` a file may have been delivered that still is read.
    pub late: TimeDelta,
    /// Accounts wanted; all where empty.
    pub accounts: Vec<String>,
    /// Regions wanted; all where empty.
    pub regions: Vec<String>,
    /// Credentials, role, profile; the region is the bucket's, found out where not given.
    pub aws: AwsOptions,
    /// Endpoint of S3 alone: a compatible store, or an interface endpoint of a VPC.
    pub endpoint: Option<String>,
    /// Bucket in the path rather than in the host name, as many compatible stores want.
    pub path_style: bool,
    /// Accepts to pay for requests and transfer of a requester-pays bucket.
    pub requester_pays: bool,
    /// Requests for objects under way at once.
    pub concurrency: usize,
    /// Requests for listings under way at once.
    pub list_concurrency: usize,
    /// Attempts before a request is given up.
    pub attempts: u32,
    /// Longest first pause after a failed attempt; it doubles with each.
    pub pause: Duration,
    /// Longest pause of all.
    pub longest_pause: Duration,
    /// Longest wait for an answer, or for the next bytes of one.
    pub timeout: Duration,
    /// Bytes of objects held in memory until they are read.
    pub memory: usize,
    /// Gives the time, in microseconds since the epoch.
    pub clock: fn() -> i64,
    /// Gives random bits, which pauses are spread with.
    pub random: fn() -> u64,
}

impl S3Options {
    /// Everything of a trail, with the default chains of the SDK.
    #[must_use]
    pub fn new(clock: fn() -> i64, random: fn() -> u64) -> Self {
        Self {
            from: None,
            to: None,
            late: LATE,
            accounts: Vec::new(),
            regions: Vec::new(),
            aws: AwsOptions::default(),
            endpoint: None,
            path_style: false,
            requester_pays: false,
            concurrency: CONCURRENCY,
            list_concurrency: LIST_CONCURRENCY,
            attempts: ATTEMPTS,
            pause: PAUSE,
            longest_pause: LONGEST_PAUSE,
            timeout: TIMEOUT,
            memory: MEMORY,
            clock,
            random,
        }
    }

    fn check(&self) -> Result<()> {
        let invalid = |text: String| Err(Error::InvalidInput(text));
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return invalid(format!("the time from {from} to {to} is empty"));
        }
        if let Some(account) = self.accounts.iter().find(|account| !is_account(account)) {
            return invalid(format!("{account} is no account id: twelve digits"));
        }
        if let Some(region) = self.regions.iter().find(|region| !is_region(region)) {
            return invalid(format!("{region} is no region: like eu-west-1"));
        }
        Ok(())
    }
}

/// A trail in S3.
#[derive(Debug)]
pub struct S3Trail {
    id: String,
    location: String,
    bucket: Arc<Bucket>,
    prefix: String,
    selection: Selection,
    runtime: Handle,
}

impl S3Trail {
    /// Takes `s3://bucket[/prefix]`: the bucket, or any folder above, at or below `AWSLogs`, or one
    /// object. Finds out the bucket's region where none is given.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a malformed location, filter or time, or a prefix in the digests;
    /// [`Error::Aws`] where the bucket is not there or cannot be reached.
    pub async fn connect(location: &str, options: S3Options) -> Result<Self> {
        options.check()?;
        let (bucket, prefix) = parse(location)?;
        if layout::place(prefix) == layout::Place::Digests {
            return Err(Error::InvalidInput(format!(
                "{location} holds digests: they are verified, not ingested"
            )));
        }
        let location = format!("s3://{bucket}/{prefix}");
        let id = format!("s3-{}", short(&location));
        let selection = Selection {
            window: Window::new(options.from, options.to, options.late),
            clock: options.clock,
            accounts: options.accounts.clone(),
            regions: options.regions.clone(),
        };
        Ok(Self {
            id,
            location,
            prefix: prefix.to_owned(),
            bucket: Arc::new(Bucket::connect(bucket, options).await?),
            selection,
            runtime: Handle::current(),
        })
    }

    /// The bucket, with the same options.
    #[must_use]
    pub fn bucket(&self) -> &Arc<Bucket> {
        &self.bucket
    }
}

#[async_trait]
impl Source for S3Trail {
    fn id(&self) -> &str {
        &self.id
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        list::list(
            &self.runtime,
            Arc::clone(&self.bucket),
            self.prefix.clone(),
            self.selection.clone(),
        )
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        self.bucket.read(object).await
    }
}

/// Bucket and prefix of a location.
fn parse(location: &str) -> Result<(&str, &str)> {
    let invalid = |why: &str| Error::InvalidInput(format!("{location}: {why}"));
    let rest = location
        .strip_prefix("s3://")
        .ok_or_else(|| invalid("a trail in S3 is s3://bucket or s3://bucket/prefix"))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return Err(invalid("no bucket has this name"));
    }
    Ok((bucket, prefix))
}

#[cfg(test)]
pub(crate) mod tests;
