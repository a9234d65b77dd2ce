//! Watching a cluster until told to stop.
//!
//! ```text
//! list ──▶ watch from its resource version ──▶ changes ─┐
//!  ▲          │ disconnect, idle: watch again          ├──▶ batches
//!  └── 410 ───┘ time for a listing: list beside it ────┘
//! ```
//!
//! A complete listing from time to time runs beside the watch, so that no change between the two is
//! missed. An object that changed in nothing that is kept is not told again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, try_join_all};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::api::{Api, Failure};
use super::list::{self, Listed};
use super::watch::{Change, Event};
use super::{Connection, Error, Follow, RESOURCES, Resource, batch, once, reduce};
use crate::collect::{Closed, Document, Output};

/// Rounds in a row without a line after which a warning is due.
const WARN_AFTER: u32 = 5;

/// Hash of each object as it was last told, by its unique id.
type Told = HashMap<String, u64>;

/// A complete listing under way.
type Listing = BoxFuture<'static, Result<(Listed, Told), Failure>>;

/// A listing that runs beside a watch, when its time has come.
type Beside = Option<Listing>;

impl Connection {
    /// Lists everything, then hands over changes in batches until `stop` becomes true or its sender is
    /// gone. What cannot be read becomes one warning and is tried again.
    ///
    /// # Errors
    /// [`Error::Closed`] where the receiver is gone.
    pub async fn follow(
        &self,
        options: &Follow,
        out: &Output,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel(options.batch_changes.max(1));
        let watchers = RESOURCES.iter().map(|resource| {
            let watcher = Watcher::new(self, resource, options, out, sender.clone());
            until(stop.clone(), watcher.run()).boxed()
        });
        let aws_auth = until(stop.clone(), self.aws_auth(options, out, sender.clone())).boxed();
        let all: Vec<_> = watchers.chain([aws_auth]).collect();
        // The batches end when the last sender is gone.
        drop(sender);
        let work = async {
            // The first failure ends all.
            futures::try_join!(batch::gather(receiver, options, out), try_join_all(all)).map(|_| ())
        };
        tokio::select! {
            result = work => Ok(result?),
            () = out.closed() => Err(Closed.into()),
        }
    }

    /// Reads `aws-auth` again and again, and tells it when it changed and with each listing.
    async fn aws_auth(
        &self,
        options: &Follow,
        out: &Output,
        sender: mpsc::Sender<Document>,
    ) -> Result<(), Closed> {
        let mut told: Option<(Value, Instant)> = None;
        let mut warned = false;
        loop {
            match once::aws_auth(&self.api).await {
                Ok((value, observed_at)) => {
                    warned = false;
                    let known = told.as_ref().is_some_and(|(known, at)| {
                        *known == value && at.elapsed() < options.list_every
                    });
                    if !known {
                        let document = self.aws_auth_document(&value, observed_at);
                        sender.send(document).await.map_err(|_| Closed)?;
                        told = Some((value, Instant::now()));
                    }
                }
                Err(failure) if !warned => {
                    warned = true;
                    out.warning(self.aws_auth_warning(&failure)).await?;
                }
                Err(_) => {}
            }
            sleep(options.list_gap).await;
        }
    }
}

/// Runs until it ends by itself or `stop` says so.
async fn until(
    mut stop: watch::Receiver<bool>,
    work: impl Future<Output = Result<(), Closed>> + Send,
) -> Result<(), Closed> {
    tokio::select! {
        // Either way: told to stop, or nobody left who could tell.
        _ = stop.wait_for(|stop| *stop) => Ok(()),
        result = work => result,
    }
}

/// Watches one resource.
struct Watcher<'a> {
    connection: &'a Connection,
    resource: &'a Resource,
    options: &'a Follow,
    out: &'a Output,
    sender: mpsc::Sender<Document>,
    /// Where the watch goes on; none before the first list and after an expiry.
    version: Option<String>,
    told: Told,
    listed_at: Instant,
    list_due: Instant,
    /// Rounds in a row that brought nothing.
    strikes: u32,
    warned: bool,
}

/// Why a watch ended.
enum Ended {
    Failed(Failure),
    Closed,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Closed> for Ended {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl<'a> Watcher<'a> {
    fn new(
        connection: &'a Connection,
        resource: &'a Resource,
        options: &'a Follow,
        out: &'a Output,
        sender: mpsc::Sender<Document>,
    ) -> Self {
        let now = Instant::now();
        Self {
            connection,
            resource,
            options,
            out,
            sender,
            version: None,
            told: Told::new(),
            listed_at: now,
            list_due: now,
            strikes: 0,
            warned: false,
        }
    }

    async fn run(mut self) -> Result<(), Closed> {
        // Outlives a watch: the listing of a large cluster takes longer than one.
        let mut beside = None;
        loop {
            let round = match self.version.clone() {
                None => self.list().await,
                Some(version) => self.watch(&version, &mut beside).await,
            };
            match round {
                Ok(()) => self.rest(self.backoff()).await,
                Err(Ended::Closed) => return Err(Closed),
                Err(Ended::Failed(failure)) => self.failed(failure).await?,
            }
        }
    }

    async fn list(&mut self) -> Result<(), Ended> {
        let listed = listing(&self.connection.api, self.resource).await?;
        self.version = Some(listed.0.resource_version.clone());
        Ok(self.listed(listed).await?)
    }

    async fn listed(&mut self, (listed, told): (Listed, Told)) -> Result<(), Closed> {
        self.told = told;
        self.listed_at = Instant::now();
        self.list_due = self.listed_at + self.options.list_every;
        self.tell(self.connection.listing(self.resource, listed))
            .await
    }

    /// One watch to its end. Comes back without an error where it is simply to be opened again.
    async fn watch(&mut self, version: &str, beside: &mut Beside) -> Result<(), Ended> {
        let path = super::watch::path(self.resource, version);
        let mut lines = self.connection.api.lines(&path).await?;
        self.strikes += 1;
        let opened = Instant::now();
        loop {
            let due = beside.is_none();
            let listing_beside = async {
                match beside.as_mut() {
                    Some(listing) => listing.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                line = timeout(self.options.idle, lines.next()) => match line {
                    Ok(Ok(Some(line))) => self.line(&line).await?,
                    Ok(Ok(None)) | Err(_) => {
                        // In a quiet cluster, silence is no fault.
                        if opened.elapsed() >= self.options.retry_after {
                            self.recovered();
                        }
                        return Ok(());
                    }
                    Ok(Err(failure)) => return Err(failure.into()),
                },
                listed = listing_beside => {
                    *beside = None;
                    match listed {
                        Ok(listed) => self.listed(listed).await?,
                        Err(failure) => {
                            self.list_due = Instant::now() + self.options.retry_after;
                            self.warn(&failure).await?;
                        }
                    }
                }
                () = sleep_until(self.list_due), if due => {
                    *beside = Some(listing(&self.connection.api, self.resource));
                }
            }
        }
    }

    async fn line(&mut self, line: &[u8]) -> Result<(), Ended> {
        let change = match super::watch::event(line, self.resource)? {
            Event::Bookmark(version) => {
                self.version = Some(version);
                self.recovered();
                return Ok(());
            }
            Event::Change(change) => change,
        };
        self.recovered();
        if self.is_news(&change) {
            let from = format!("kubernetes {} watch", self.resource.plural);
            let (cluster, clock) = (&self.connection.cluster, self.connection.api.clock);
            let document = Document::object(cluster.clone(), clock(), &from, &change.document());
            self.tell(document).await?;
        }
        if change.is_end() && !self.resource.end_by_event {
            let soonest = self.listed_at + self.options.list_gap;
            self.list_due = self.list_due.min(soonest);
        }
        self.version = Some(change.resource_version);
        Ok(())
    }

    /// Whether a change changes anything that is kept.
    fn is_news(&mut self, change: &Change) -> bool {
        let Some(uid) = reduce::uid(&change.object) else {
            return true;
        };
        if change.is_end() {
            self.told.remove(uid);
            return true;
        }
        let hash = hash(&change.object);
        self.told.insert(uid.to_owned(), hash) != Some(hash)
    }

    async fn tell(&self, document: Document) -> Result<(), Closed> {
        self.sender.send(document).await.map_err(|_| Closed)
    }

    fn recovered(&mut self) {
        self.strikes = 0;
        self.warned = false;
    }

    async fn failed(&mut self, failure: Failure) -> Result<(), Closed> {
        self.strikes += 1;
        let refused = match &failure {
            Failure::Forbidden(_) | Failure::Unauthorized(_) | Failure::NotFound(_) => true,
            // The list tells the state, past an expired version and an event that cannot be read.
            Failure::Gone(_) | Failure::Malformed(_) | Failure::TooLarge(_) => {
                self.version = None;
                false
            }
            _ => false,
        };
        tracing::debug!(resource = self.resource.plural, %failure, "the watch ended");
        let lacking = matches!(failure, Failure::NotFound(_)) && self.resource.optional;
        if !lacking && (refused || self.strikes >= WARN_AFTER) {
            self.warn(&failure).await?;
        }
        if lacking {
            self.rest(self.options.list_every).await;
        } else if refused {
            self.rest(self.options.retry_after).await;
        } else {
            self.rest(self.backoff()).await;
        }
        Ok(())
    }

    async fn warn(&mut self, failure: &Failure) -> Result<(), Closed> {
        if self.warned {
            return Ok(());
        }
        self.warned = true;
        let warning = self.connection.warning(self.resource, failure);
        self.out.warning(warning).await
    }

    /// No wait after a watch that worked, or the first time after one that did not.
    fn backoff(&self) -> Duration {
        let Some(doublings) = self.strikes.checked_sub(2) else {
            return Duration::ZERO;
        };
        let pause = self.connection.api.pause;
        pause
            .saturating_mul(1 << doublings.min(16))
            .min(self.options.retry_after)
    }

    async fn rest(&self, pause: Duration) {
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}

fn listing(api: &Api, resource: &Resource) -> Listing {
    let (api, resource) = (api.clone(), *resource);
    async move {
        let mut told = Told::new();
        let see = |uid: Option<&str>, object: &Value| {
            if let Some(uid) = uid {
                told.insert(uid.to_owned(), hash(object));
            }
        };
        let listed = list::list(&api, &resource, see).await?;
        Ok((listed, told))
    }
    .boxed()
}

fn hash(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(object.to_string().as_bytes());
    hasher.finish()
}
