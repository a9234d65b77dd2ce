//! Lists the partitions found, several ahead of the reader and in one order.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::NaiveDate;
use futures::stream::BoxStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::client::{Bucket, Query};
use super::discover::{Closed, Discovery, Failed, Found, Selection};
use super::layout::{FileName, Kind, Scope, in_folder_of};
use crate::error::{Error, Result};
use crate::source::ObjectRef;

/// Objects listed ahead of the reader, beside the pages of partitions.
const OBJECTS_AHEAD: usize = 1_024;

/// Partitions found ahead of their listing.
const PARTITIONS_AHEAD: usize = 256;

/// Pages of a partition listed ahead. A page has at most 1,000 objects, some 300 bytes each.
const PAGES_AHEAD: usize = 2;

/// Keys of a partition remembered, so that one which a changing listing gives again is left out.
const RECENT_KEYS: usize = 16_384;

/// Listings that failed in a row, though another time they may succeed, after which the rest is not
/// tried.
const GIVE_UP: usize = 32;

/// Lists what is wanted below a prefix.
pub(super) fn list(
    runtime: &Handle,
    bucket: Arc<Bucket>,
    prefix: String,
    selection: Selection,
) -> BoxStream<'static, Result<ObjectRef>> {
    let (out, objects) = mpsc::channel(OBJECTS_AHEAD);
    let lister = Arc::new(Lister { bucket, selection });
    let task = Running::new(runtime.spawn(lister.run(prefix, out)).abort_handle());
    Box::pin(futures::stream::unfold(
        (objects, task),
        |(mut objects, task)| async move {
            let next = objects.recv().await?;
            Some((next, (objects, task)))
        },
    ))
}

/// A task that ends with what holds this.
#[derive(Debug)]
struct Running(AbortHandle);

impl Running {
    fn new(task: AbortHandle) -> Self {
        Self(task)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Lister {
    bucket: Arc<Bucket>,
    selection: Selection,
}

/// One thing to list.
enum Part {
    Day(Arc<Scope>, NaiveDate),
    Folder(String),
}

/// What the listing of a partition says.
enum Answer {
    Page(Vec<ObjectRef>),
    Failed(Failed),
    /// All of it was listed.
    End,
}

/// The listing of a partition, under way.
struct Listing {
    answers: mpsc::Receiver<Answer>,
    _task: Option<Running>,
}

type Out = mpsc::Sender<Result<ObjectRef>>;

impl Lister {
    async fn run(self: Arc<Self>, prefix: String, out: Out) {
        let (sender, found) = mpsc::channel(PARTITIONS_AHEAD);
        let discovery = Discovery {
            bucket: Arc::clone(&self.bucket),
            selection: self.selection.clone(),
            out: sender,
        };
        let task = tokio::spawn(async move {
            // Closed: the lister has ended before.
            let _ = discovery.run(&prefix).await;
        });
        let running = Running::new(task.abort_handle());
        if self.drain(found, &out).await.is_err() {
            return;
        }
        drop(running);
        // A search that died must not look like one that ended.
        if task.await.is_err_and(|error| error.is_panic()) {
            let _ = out.send(Err(self.stopped())).await;
        }
    }

    fn stopped(&self) -> Error {
        Error::Aws {
            what: format!("cannot list bucket {}", self.bucket.name()),
            reason: "a task stopped without an answer".to_owned(),
        }
    }

    /// Takes what was found in order, and lists some of it ahead.
    async fn drain(
        self: &Arc<Self>,
        mut found: mpsc::Receiver<Found>,
        out: &Out,
    ) -> Result<(), Closed> {
        let mut ahead: VecDeque<Listing> = VecDeque::new();
        let mut failed = 0;
        loop {
            self.fill(&mut ahead, &mut found).await;
            let Some(first) = ahead.front_mut() else {
                return Ok(());
            };
            match first.answers.recv().await {
                Some(Answer::Page(objects)) => {
                    failed = 0;
                    for object in objects {
                        out.send(Ok(object)).await.map_err(|_| Closed)?;
                    }
                }
                Some(Answer::Failed(fault)) => {
                    failed = if fault.transient { failed + 1 } else { 0 };
                    ahead.pop_front();
                    out.send(Err(fault.error)).await.map_err(|_| Closed)?;
                    if failed >= GIVE_UP {
                        return self.give_up(out).await;
                    }
                }
                Some(Answer::End) => {
                    ahead.pop_front();
                }
                None => {
                    ahead.pop_front();
                    out.send(Err(self.stopped())).await.map_err(|_| Closed)?;
                }
            }
        }
    }

    async fn give_up(&self, out: &Out) -> Result<(), Closed> {
        let error = Error::Aws {
            what: format!("listing of bucket {} stopped", self.bucket.name()),
            reason: format!(
                "{GIVE_UP} partitions in a row failed; the rest is left to the next run"
            ),
        };
        out.send(Err(error)).await.map_err(|_| Closed)?;
        Err(Closed)
    }

    /// Starts listings, as many as may be ahead; waits for one where there is none.
    async fn fill(
        self: &Arc<Self>,
        ahead: &mut VecDeque<Listing>,
        found: &mut mpsc::Receiver<Found>,
    ) {
        while ahead.len() < self.bucket.options.list_concurrency.max(1) {
            let next = if ahead.is_empty() {
                found.recv().await
            } else {
                found.try_recv().ok()
            };
            let Some(next) = next else { return };
            ahead.push_back(self.start(next));
        }
    }

    fn start(self: &Arc<Self>, found: Found) -> Listing {
        let (out, answers) = mpsc::channel(PAGES_AHEAD);
        let part = match found {
            Found::Day(scope, day) => Part::Day(scope, day),
            Found::Folder(folder) => Part::Folder(folder),
            Found::Object(object) => return Listing::of([Answer::Page(vec![object]), Answer::End]),
            Found::Failed(failed) => return Listing::of([Answer::Failed(failed)]),
        };
        let lister = Arc::clone(self);
        let task = tokio::spawn(async move { lister.pages(&part, &out).await });
        Listing {
            answers,
            _task: Some(Running::new(task.abort_handle())),
        }
    }

    /// Lists a partition. A closed channel means that nobody listens any more.
    async fn pages(&self, part: &Part, out: &mpsc::Sender<Answer>) {
        let (prefix, after) = match part {
            Part::Folder(folder) => (folder.clone(), None),
            Part::Day(scope, day) => {
                let cut = self.selection.window.cut(*day);
                (scope.day(*day), cut.map(|cut| scope.first_key(*day, cut)))
            }
        };
        let mut recent = Recent::default();
        let mut token: Option<String> = None;
        loop {
            let query = Query {
                prefix: &prefix,
                after: after.as_deref(),
                token: token.as_deref(),
                ..Query::default()
            };
            let page = match self.bucket.page(query).await {
                Ok(page) => page,
                Err(fault) => {
                    let failed = Failed::new(&self.bucket, &prefix, fault);
                    let _ = out.send(Answer::Failed(failed)).await;
                    return;
                }
            };
            let mut objects = page.objects;
            objects.retain(|object| self.keeps(part, &object.key) && recent.is_new(&object.key));
            if out.send(Answer::Page(objects)).await.is_err() {
                return;
            }
            token = page.next;
            if token.is_none() {
                let _ = out.send(Answer::End).await;
                return;
            }
        }
    }

    /// Whether an object is wanted, as far as its name tells.
    fn keeps(&self, part: &Part, key: &str) -> bool {
        let name = FileName::of(key);
        let in_time = name
            .and_then(|name| name.delivered)
            .is_none_or(|delivered| self.selection.window.has(delivered));
        let Part::Folder(folder) = part else {
            return in_time;
        };
        let is = |kind: Kind| in_folder_of(key, kind) || name.is_some_and(|name| name.kind == kind);
        let wanted = name.is_none_or(|name| {
            self.selection.has_account(name.account) && self.selection.has_region(name.region)
        });
        // What is told of events, and is none, is listed where it is asked for.
        let told = [Kind::Insight, Kind::Aggregated];
        let told = told.map(|kind| is(kind) && !in_folder_of(folder, kind));
        in_time && wanted && !told.contains(&true) && !is(Kind::Digest)
    }
}

impl Listing {
    /// One that is over: no more answers than the channel holds.
    fn of<const N: usize>(known: [Answer; N]) -> Self {
        const { assert!(N <= PAGES_AHEAD) };
        let (out, answers) = mpsc::channel(PAGES_AHEAD);
        for answer in known {
            // There is room.
            let _ = out.try_send(answer);
        }
        Self {
            answers,
            _task: None,
        }
    }
}

/// The last keys of a listing.
#[derive(Debug, Default)]
struct Recent {
    /// Keys after it are new: S3 lists in this order.
    greatest: String,
    order: VecDeque<u64>,
    keys: HashSet<u64>,
}

impl Recent {
    /// False for a key seen a short while ago.
    fn is_new(&mut self, key: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let in_order = key > self.greatest.as_str();
        if !self.keys.insert(hash) {
            return in_order;
        }
        if in_order {
            key.clone_into(&mut self.greatest);
        }
        self.order.push_back(hash);
        if self.order.len() > RECENT_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests;
