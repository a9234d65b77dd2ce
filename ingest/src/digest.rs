//! CloudTrail log file integrity validation.
//!
//! CloudTrail delivers, every hour and for each account, region and trail, a *digest* that lists
//! the log files delivered in that hour with their hashes, is signed, and names its predecessor
//! with hash and signature. [`verify`] walks each such chain from its newest digest to its oldest,
//! because only a newer digest tells what an older one must be: that way a digest that was removed
//! or replaced is named, and a copy without object metadata is proven but for its last digest.
//! Memory does not grow with the history. It is bounded by the digests of a month by name, those of
//! [`Options::lanes`] times some hours by content, a hash for each log file that digests list of the days
//! that are not compared yet, usually two, and of each chain 10,000 spans of each kind of time.
//!
//! The facts rest on "Validating CloudTrail log file integrity", "CloudTrail digest file
//! structure" and "Custom implementations of CloudTrail log file integrity validation" in the
//! CloudTrail user guide.
//!
//! What cannot be seen: digests removed from the new end while the next is not yet due; a change
//! of a gzip file that leaves its content the same; a chain all of whose digests and logs are gone.

mod added;
mod chain;
mod fetching;
mod inflate;
mod key;
mod lane;
mod layout;
mod local;
mod logs;
mod parse;
mod proof;
mod report;
mod signature;
mod tell;
mod vault;

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

pub use key::{AskedKeys, KeyFile, ListPublicKeys, PublicKey, PublicKeys, Wanted};
pub use local::LocalFolder;
pub(crate) use local::is_head;
pub use report::{
    ChainId, ChainReport, Event, Finding, KEPT_FINDINGS, Report, Span, Status, Subject, Verdict,
};
pub use vault::{Got, Listed, Vault};

use layout::{Filter, Lane};

/// Events made ahead of the reader.
const EVENTS_AHEAD: usize = 1_024;

/// What to verify, and the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The bucket; `None` only for a vault that does not know its name, such as a copy in a
    /// folder. Then the bucket that a digest names is taken from the digest.
    pub bucket: Option<String>,
    /// Where the trail's keys begin: empty, the trail's prefix, or more of the path, down to
    /// `AWSLogs/[o-…/]account/CloudTrail/region/`.
    pub prefix: String,
    /// Account ids; empty for all.
    pub accounts: Vec<String>,
    /// Regions; empty for all.
    pub regions: Vec<String>,
    /// Begin of the window, in microseconds; `None` for all that is there.
    pub from: Option<i64>,
    /// End of the window, in microseconds; `None` for the newest digest. With it, a chain that
    /// ends long before is reported as a gap.
    pub to: Option<i64>,
    /// Whether log files are read. Without, only digests are verified.
    pub check_logs: bool,
    /// Accounts and regions at a time.
    pub lanes: usize,
    /// Objects being read at a time, digests and log files together.
    pub concurrency: usize,
    /// Largest digest, uncompressed, in bytes.
    pub max_digest_bytes: u64,
    /// Largest log file, uncompressed, in bytes. Log files are not kept in memory.
    pub max_log_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bucket: None,
            prefix: String::new(),
            accounts: Vec::new(),
            regions: Vec::new(),
            from: None,
            to: None,
            check_logs: true,
            lanes: 8,
            concurrency: 64,
            // Some 150,000 log files in one hour.
            max_digest_bytes: 64 << 20,
            max_log_bytes: 4 << 30,
        }
    }
}

/// What all parts of one verification share.
#[derive(Debug)]
struct Run {
    vault: Arc<dyn Vault>,
    keys: Arc<dyn PublicKeys>,
    options: Options,
    reads: Arc<Semaphore>,
    /// All that is verified, sorted.
    lanes: Vec<Lane>,
    events: mpsc::Sender<Event>,
}

impl Run {
    fn bucket(&self) -> Option<&str> {
        self.options.bucket.as_deref()
    }

    /// A reader that is gone drops the stream, which stops all tasks.
    async fn emit(&self, event: Event) {
        let _ = self.events.send(event).await;
    }
}

/// Verifies all chains of a vault, several at a time. Each digest and each log file they list gets
/// one [`Finding`], gaps and added log files too; a [`ChainReport`] ends each chain. Dropping the
/// stream stops the work. Must be called within a Tokio runtime.
#[must_use]
pub fn verify(
    vault: Arc<dyn Vault>,
    keys: Arc<dyn PublicKeys>,
    options: Options,
) -> BoxStream<'static, Event> {
    let (events, receiver) = mpsc::channel(EVENTS_AHEAD);
    let mut tasks = JoinSet::new();
    tasks.spawn(all(vault, keys, options, events));
    Box::pin(futures::stream::unfold(
        (receiver, tasks),
        |(mut receiver, mut tasks)| async move {
            if let Some(event) = receiver.recv().await {
                return Some((event, (receiver, tasks)));
            }
            // Work that stopped early must not look like work that found nothing.
            match tasks.join_next().await? {
                Ok(()) => None,
                Err(error) => {
                    let cause = format!("the verification stopped: {error}");
                    let event = Event::Finding(unlisted(None, String::new(), cause));
                    Some((event, (receiver, tasks)))
                }
            }
        },
    ))
}

async fn all(
    vault: Arc<dyn Vault>,
    keys: Arc<dyn PublicKeys>,
    options: Options,
    events: mpsc::Sender<Event>,
) {
    let filter = Filter {
        accounts: &options.accounts,
        regions: &options.regions,
    };
    let bucket = options.bucket.as_deref();
    let (lanes, failed) = layout::lanes(&*vault, bucket, &options.prefix, filter).await;
    let run = Arc::new(Run {
        vault,
        keys,
        reads: Arc::new(Semaphore::new(options.concurrency.max(1))),
        lanes: lanes.clone(),
        events,
        options,
    });
    for (folder, cause) in failed {
        run.emit(Event::Finding(unlisted(run.bucket(), folder, cause)))
            .await;
    }
    let at_a_time = run.options.lanes.max(1);
    futures::stream::iter(lanes)
        .map(|lane| lane::walk(Arc::clone(&run), lane))
        .buffer_unordered(at_a_time)
        .collect::<()>()
        .await;
}

fn unlisted(bucket: Option<&str>, folder: String, cause: String) -> Finding {
    Finding {
        chain: Arc::new(ChainId {
            account: String::new(),
            region: String::new(),
            trail: String::new(),
            home_region: String::new(),
            base: folder.clone(),
        }),
        status: Status::Unreadable,
        subject: Subject::Folder,
        bucket: bucket.map(str::to_owned),
        key: folder,
        digest: None,
        span: None,
        cause,
    }
}

#[cfg(test)]
mod tests;
