//! One bucket: its region, a client with current credentials, attempts with pauses, pages of listings.

use std::sync::RwLock;
use std::time::Duration;

use aws_config::Region;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{Object, RequestPayer};
use tokio::sync::{Mutex, Semaphore};

use super::S3Options;
use super::fault::{Asked, Fault, Kind};
use crate::aws::{CONNECT_TIMEOUT, FALLBACK_REGION, aws_config};
use crate::error::{Error, Result};
use crate::source::ObjectRef;

/// How often one request may make the credentials be fetched anew.
const RENEWALS: u32 = 2;

/// A bucket of S3 or of a compatible store.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    pub(super) options: S3Options,
    /// With the number of times that the credentials were fetched anew.
    client: RwLock<(u64, Client)>,
    renewing: Mutex<()>,
    /// Requests for listings that may be under way.
    lists: Semaphore,
    /// Requests for objects that may be under way.
    pub(super) gets: Semaphore,
    /// Bytes of objects that may be in memory.
    pub(super) memory: std::sync::Arc<Semaphore>,
}

/// What a page of a listing is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    /// Gives folders rather than what is below them.
    pub(super) folders: bool,
    /// Gives keys after this one.
    pub(super) after: Option<&'a str>,
    /// Most keys of a page, where fewer than S3's 1,000 will do.
    pub(super) most: Option<i32>,
    /// Continues a listing.
    pub(super) token: Option<&'a str>,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<ObjectRef>,
    /// Prefixes that end with `/`.
    pub(super) folders: Vec<String>,
    pub(super) next: Option<String>,
}

impl Bucket {
    /// Makes a client for a bucket, and finds out the bucket's region where none is given. Filters and
    /// times of the options are of no concern here.
    ///
    /// # Errors
    /// [`Error::Aws`] where the bucket is not there or cannot be reached.
    pub async fn connect(name: &str, mut options: S3Options) -> Result<Self> {
        let given = options.aws.region.is_some();
        if !given {
            let config = aws_config(&options.aws).await;
            let region = config.region().map(ToString::to_string);
            options.aws.region = Some(region.unwrap_or_else(|| FALLBACK_REGION.to_owned()));
        }
        let memory = options.memory.min(Semaphore::MAX_PERMITS);
        let mut bucket = Self {
            name: name.to_owned(),
            client: RwLock::new((0, client(&options).await)),
            renewing: Mutex::new(()),
            lists: Semaphore::new(options.list_concurrency.max(1)),
            gets: Semaphore::new(options.concurrency.max(1)),
            memory: std::sync::Arc::new(Semaphore::new(memory)),
            options,
        };
        if !given && let Some(region) = bucket.find_region().await? {
            bucket.options.aws.region = Some(region);
            let client = client(&bucket.options).await;
            bucket.client = RwLock::new((0, client));
        }
        Ok(bucket)
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that a reference names, where it is of this bucket.
    pub(super) fn key_of<'a>(&self, object: &'a ObjectRef) -> Option<&'a str> {
        let rest = object.key.strip_prefix("s3://")?;
        rest.strip_prefix(self.name.as_str())?.strip_prefix('/')
    }

    /// Where a key or prefix is, for people and as an object's key.
    pub(super) fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    pub(super) fn payer(&self) -> Option<RequestPayer> {
        self.options
            .requester_pays
            .then_some(RequestPayer::Requester)
    }

    pub(super) fn asked(&self, action: &'static str) -> Asked {
        Asked {
            action,
            requester_pays: self.options.requester_pays,
            assumed_role: self.options.aws.role_arn.is_some(),
        }
    }

    /// Makes attempts until one succeeds, or more are of no use.
    pub(super) async fn attempts<T, F>(
        &self,
        attempt: impl Fn(Client) -> F + Send + Sync,
    ) -> Result<T, Fault>
    where
        T: Send,
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let (mut failed, mut renewed) = (0, 0);
        loop {
            let (generation, client) = self.client();
            let fault = match attempt(client).await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            failed += 1;
            self.recover(fault, failed, &mut renewed, generation)
                .await?;
        }
    }

    /// Waits before the next attempt, with newer credentials where these have expired.
    ///
    /// # Errors
    /// The fault, where another attempt is of no use or there were too many.
    pub(super) async fn recover(
        &self,
        fault: Fault,
        failed: u32,
        renewed: &mut u32,
        generation: u64,
    ) -> Result<(), Fault> {
        if failed >= self.options.attempts {
            return Err(fault.after(failed));
        }
        match fault.kind {
            Kind::Expired if *renewed < RENEWALS => {
                *renewed += 1;
                tracing::info!(bucket = self.name, "credentials expired, fetched anew");
                self.renew(generation).await;
            }
            Kind::Transient => {
                tracing::debug!(bucket = self.name, failed, cause = fault.cause, "retried");
            }
            _ => return Err(fault.after(failed)),
        }
        tokio::time::sleep(self.pause(failed)).await;
        Ok(())
    }

    /// A pause of any length up to a bound that doubles: full jitter, so that many requests refused at
    /// once do not come back at once.
    fn pause(&self, failed: u32) -> Duration {
        let doubled = self
            .options
            .pause
            .saturating_mul(1 << failed.saturating_sub(1).min(16));
        let most = doubled.min(self.options.longest_pause);
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos((self.options.random)() % most.saturating_add(1).max(1))
    }

    /// The client, and the generation of its credentials.
    pub(super) fn client(&self) -> (u64, Client) {
        let held = self
            .client
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        (held.0, held.1.clone())
    }

    /// Makes a client that reads environment, profile files, tokens and metadata anew, unless another
    /// request has done so since `seen`.
    async fn renew(&self, seen: u64) {
        let _one_at_a_time = self.renewing.lock().await;
        if self.client().0 != seen {
            return;
        }
        let newer = client(&self.options).await;
        let mut held = self
            .client
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *held = (seen + 1, newer);
    }

    /// Asks S3 for the bucket's region. Compatible stores do not tell; theirs is as good as any.
    async fn find_region(&self) -> Result<Option<String>> {
        let asked = self.asked("s3:ListBucket");
        let found = self
            .attempts(|client| async move {
                match client.head_bucket().bucket(&self.name).send().await {
                    Ok(answer) => Ok(answer.bucket_region().map(str::to_owned)),
                    Err(error) => {
                        let mut fault = Fault::of(&error, asked);
                        match fault.region.take() {
                            // Refusals tell the region too.
                            Some(region) if fault.kind != Kind::Expired => Ok(Some(region)),
                            _ => Err(fault),
                        }
                    }
                }
            })
            .await;
        let reason = match found {
            Ok(region) => return Ok(region),
            Err(fault) if fault.kind == Kind::Gone => {
                "there is no such bucket; check its name and the endpoint".to_owned()
            }
            // Answers to HEAD have no text: a listing tells better what is wrong, and may be allowed.
            Err(fault) if fault.status.is_some() && fault.kind != Kind::Transient => {
                return Ok(None);
            }
            Err(fault) => fault.cause,
        };
        Err(Error::Aws {
            what: format!("cannot reach bucket {}", self.name),
            reason,
        })
    }

    /// Gets one page of a listing.
    pub(super) async fn page(&self, query: Query<'_>) -> Result<Page, Fault> {
        let asked = self.asked("s3:ListBucket");
        self.attempts(|client| async move {
            // The semaphore is never closed.
            let _permit = self.lists.acquire().await;
            let answer = client
                .list_objects_v2()
                .bucket(&self.name)
                .prefix(query.prefix)
                .set_delimiter(query.folders.then(|| "/".to_owned()))
                // S3 ignores it where a token is given; stores differ.
                .set_start_after(query.after.map(str::to_owned))
                .set_max_keys(query.most)
                .set_continuation_token(query.token.map(str::to_owned))
                .set_request_payer(self.payer())
                .send()
                .await
                .map_err(|error| Fault::of(&error, asked))?;
            let next = continuation(&answer)?;
            if next.is_some() && next.as_deref() == query.token {
                let cause = "the listing goes in a circle: it gave the same token twice";
                return Err(Fault::new(Kind::Fatal, cause));
            }
            let folders = answer.common_prefixes().iter();
            let objects = answer.contents().iter();
            Ok(Page {
                objects: objects
                    .filter_map(|object| self.listed(object).transpose())
                    .collect::<Result<_, _>>()?,
                folders: folders
                    .filter_map(|folder| folder.prefix().map(str::to_owned))
                    .collect(),
                next,
            })
        })
        .await
    }

    /// A listed object; none for empty objects and the markers of folders.
    ///
    /// # Errors
    /// Where the listing does not tell what is read of it: an object that is left out would never be missed.
    fn listed(&self, object: &Object) -> Result<Option<ObjectRef>, Fault> {
        let cut = || Fault::new(Kind::Transient, "the listing was cut within an object");
        let key = object.key().ok_or_else(cut)?;
        let size = object.size().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(cut)?;
        if size == 0 || key.ends_with('/') {
            return Ok(None);
        }
        let etag = match (object.e_tag(), object.last_modified()) {
            (Some(etag), _) => super::read::bare_etag(etag).to_owned(),
            // Few compatible stores leave it out.
            (None, Some(modified)) => super::read::dated_etag(modified.secs(), size),
            (None, None) => return Err(cut()),
        };
        Ok(Some(ObjectRef {
            key: self.uri(key),
            etag,
            size,
        }))
    }
}

/// The token to continue a listing with. A body that was cut reads like one with fewer keys, so that
/// the answer must say whether it is the last, and have as many keys as it says.
fn continuation(answer: &ListObjectsV2Output) -> Result<Option<String>, Fault> {
    let cut = |cause: &str| Err(Fault::new(Kind::Transient, cause));
    let keys = answer.contents().len() + answer.common_prefixes().len();
    let told = answer
        .key_count()
        .and_then(|count| usize::try_from(count).ok());
    if told.is_some_and(|told| keys < told) {
        return cut("the listing was cut: it has fewer keys than it says");
    }
    match (answer.is_truncated(), answer.next_continuation_token()) {
        (None, _) => cut("the listing was cut: it does not say whether it is the last"),
        (Some(true), None) => cut("the listing goes on and has no token to continue with"),
        (Some(true), Some(token)) => Ok(Some(token.to_owned())),
        (Some(false), _) => Ok(None),
    }
}

/// Makes a client. Attempts are our own: they cover bodies too.
async fn client(options: &S3Options) -> Client {
    let config = aws_config(&options.aws).await;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(options.timeout))
        .operation_timeout(options.timeout)
        .build();
    let mut builder = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(options.path_style)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // A reader may be slower than the network; waits are bounded where bodies are read.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(region) = &options.aws.region {
        builder = builder.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    Client::from_conf(builder.build())
}

#[cfg(test)]
mod tests;
