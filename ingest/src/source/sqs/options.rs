//! Bounds of a queue's source.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::source::{Body, ObjectRef};

/// Finds an object by bucket and key: its size and etag now. [`io::ErrorKind::NotFound`] where there is
/// none.
pub type Head =
    Arc<dyn Fn(String, String) -> BoxFuture<'static, io::Result<ObjectRef>> + Send + Sync>;

/// Reads an object whose key is `s3://bucket/key`.
pub type ReadBody = Arc<dyn Fn(ObjectRef) -> BoxFuture<'static, io::Result<Body>> + Send + Sync>;

/// Puts a message aside where it lasts. The message is deleted from the queue only after this succeeded.
pub type PutAside = Arc<dyn Fn(Aside) -> BoxFuture<'static, io::Result<()>> + Send + Sync>;

/// Hears what becomes of messages.
pub type Tell = Arc<dyn Fn(Told) + Send + Sync>;

/// What became of messages, for [`Tell`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// So many were received.
    Received(usize),
    /// So many were deleted: what they name is safe.
    Deleted(usize),
    /// So many were given back, for others to take at once.
    Returned(usize),
    /// So many messages, or objects that they name, are in hand now.
    InHand(usize),
}

/// A message that cannot be used, for [`PutAside`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The queue's URL.
    pub queue: String,
    /// The message's id.
    pub id: String,
    /// What is wrong with it.
    pub reason: String,
    /// Its text, free of credentials. SQS bounds it to 1 MiB.
    pub text: String,
}

/// How the objects that messages name are reached.
#[derive(Clone)]
pub struct Objects {
    /// Finds one.
    pub head: Head,
    /// Reads one.
    pub read: ReadBody,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

/// Bounds of a queue's source.
#[derive(Clone)]
pub struct Options {
    /// Seconds that SQS waits for a message before it says that there is none: 0 to 20. A run ends only
    /// after [`Self::empty_polls`] of them, so that a service that follows a queue takes few.
    pub wait_seconds: u32,
    /// Empty answers in a row after which a receiver stops; a run ends with its last receiver.
    pub empty_polls: u32,
    /// Requests for messages at the same time.
    pub receivers: usize,
    /// Time after which a run takes no more messages though there are some. A queue that is never empty
    /// is committed only by full batches without it: to be set where a queue is followed.
    pub longest_run: Option<Duration>,
    /// How long a message is invisible to others, from its receipt and from each renewal. When this
    /// process dies, its messages come again after as long.
    pub visibility: Duration,
    /// Between two renewals; well below [`Self::visibility`].
    pub beat: Duration,
    /// How long a message is renewed at most. SQS allows twelve hours.
    pub hold: Duration,
    /// Messages or objects in hand after which a run takes no more. It ends there rather than waits, as
    /// what is in hand is settled by a batch that may wait for the run. More than one batch takes; each
    /// costs about 1 KiB.
    pub in_hand: usize,
    /// Bytes of the events that messages in hand hold themselves, after which a run takes no more. What the
    /// receivers take at once comes on top.
    pub in_hand_bytes: usize,
    /// Receipts after which a message that names a missing object is given up.
    pub receipts: u32,
    /// How long a message that is given up stays hidden, where neither SQS nor [`Self::put_aside`]
    /// takes it.
    pub hidden: Duration,
    /// Attempts for each request.
    pub attempts: u32,
    /// First wait after a failed attempt; it doubles with each.
    pub pause: Duration,
    /// Gives random bits.
    pub random: fn() -> u64,
    /// Leaves all as it is: no message is deleted, put aside or hidden, and
    /// [`SqsQueue::release`](super::SqsQueue::release) gives every one back. SQS counts the receipts all
    /// the same.
    pub only_look: bool,
    /// Takes messages that cannot be used, where the queue has no dead-letter queue.
    pub put_aside: Option<PutAside>,
    /// Hears what becomes of messages.
    pub tell: Option<Tell>,
}

impl Options {
    /// Defaults, with random bits from `random`.
    #[must_use]
    pub fn new(random: fn() -> u64) -> Self {
        Self {
            wait_seconds: 20,
            empty_polls: 2,
            receivers: 4,
            longest_run: None,
            visibility: Duration::from_mins(10),
            beat: Duration::from_mins(3),
            hold: Duration::from_hours(2),
            in_hand: 30_000,
            in_hand_bytes: 64 << 20,
            receipts: 5,
            hidden: Duration::from_hours(1),
            attempts: 6,
            pause: Duration::from_millis(500),
            random,
            only_look: false,
            put_aside: None,
            tell: None,
        }
    }

    pub(super) fn tell(&self, told: Told) {
        if let Some(tell) = &self.tell {
            tell(told);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("wait_seconds", &self.wait_seconds)
            .field("receivers", &self.receivers)
            .field("in_hand", &self.in_hand)
            .finish_non_exhaustive()
    }
}
