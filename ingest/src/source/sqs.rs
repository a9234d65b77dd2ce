//! A queue of SQS whose messages name new objects.
//!
//! A run receives until the queue says nothing more and gives the objects that the messages name. A
//! message is deleted only after all its objects are settled; until then it is kept invisible to others,
//! for a bounded time. Whatever is lost on the way (this process, an answer, a receipt) makes the message
//! come again, and its objects are then found to have been read. Messages may come twice and in any
//! order.
//!
//! No event may be lost by a message that is not understood, or that names an object that does not
//! exist. Such a message is reported and never deleted unless it is safe elsewhere:
//! - Where the queue has a dead-letter queue, the message stays, and SQS moves it there.
//! - Where it has none and [`Options::put_aside`] is given, the message is deleted after that took it.
//! - Otherwise, or where nobody may ask, it stays: hidden for [`Options::hidden`], so that it does not
//!   come at every poll, and reported each time, until the queue's retention ends.
//!
//! What such a message names beside is read all the same. A missing object is given up only after
//! [`Options::receipts`]; a bucket that denies is never a reason to give up.
//!
//! An event of EventBridge with a record of CloudTrail is an object itself, named by its id, and so is a
//! record of CloudTrail alone, by its own id. Its text, free of credentials, is in memory until it is
//! settled, and kept with the batch that has it ([`Source::held`]): a process that dies leaves a batch that
//! the next can read, whether or not the message is there again.
//!
//! An etag is that of the notification, or of S3 where the message names none (as CloudTrail's own) or
//! comes again (as the object may have been replaced): both without quotation marks.
//!
//! IAM actions: `sqs:ReceiveMessage`, `sqs:DeleteMessage`, `sqs:ChangeMessageVisibility`,
//! `sqs:GetQueueAttributes` (only for what is given up), and `kms:Decrypt` for an encrypted queue.

mod address;
mod beat;
mod held;
mod notification;
mod options;
mod queue;
mod run;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_config::SdkConfig;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

pub use address::Address;
pub use options::{Aside, Head, Objects, Options, PutAside, ReadBody, Tell, Told};

use self::held::{Held, Receipt};
use self::queue::{Queue, Redrive};
use super::{Body, ObjectRef, Source};
use crate::error::{Error, Result};
use crate::hash::short;
use crate::hex;
use crate::store::Store;

/// A queue of SQS.
#[derive(Debug)]
pub struct SqsQueue {
    id: String,
    shared: Arc<Shared>,
}

/// What runs, renewals and the source itself work on.
#[derive(Debug)]
struct Shared {
    queue: Queue,
    objects: Objects,
    options: Options,
    held: Mutex<Held>,
    redrive: OnceCell<Redrive>,
    beat: Mutex<Option<AbortHandle>>,
}

impl SqsQueue {
    /// Takes a queue's address, see [`Address::parse`]. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where `address` is none, or neither it nor `config` names a region.
    pub fn new(
        address: &str,
        config: &SdkConfig,
        objects: Objects,
        options: Options,
    ) -> Result<Self> {
        let address = Address::parse(address)?;
        let queue = Queue::new(&address, config, &options)?;
        Ok(Self {
            id: format!("sqs-{}", short(&address.url)),
            shared: Arc::new(Shared {
                queue,
                objects,
                options,
                held: Mutex::default(),
                redrive: OnceCell::new(),
                beat: Mutex::default(),
            }),
        })
    }

    /// Gives back what is in hand, so that others need not wait for it. To be called when a process
    /// stops, after its last batch, and after a dry run.
    pub async fn release(&self) -> Vec<Error> {
        self.shared.stop_beating();
        let receipts = self.shared.held().drain();
        self.shared.tell_in_hand();
        let queue = &self.shared.queue;
        let returned = queue.hide(receipts, std::time::Duration::ZERO).await;
        self.shared.options.tell(Told::Returned(returned.count));
        returned.errors
    }
}

#[async_trait]
impl Source for SqsQueue {
    fn id(&self) -> &str {
        &self.id
    }

    fn location(&self) -> &str {
        &self.shared.queue.url
    }

    /// Receives. What an earlier run left unsettled is let go and comes again after
    /// [`Options::visibility`]: one run at a time.
    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        self.shared.held().clear();
        self.shared.tell_in_hand();
        let beat = beat::start(&self.shared);
        self.shared.stop_beating();
        *lock(&self.shared.beat) = Some(beat);
        run::start(&self.shared)
    }

    async fn read(&self, object: &ObjectRef) -> io::Result<Body> {
        if !notification::is_held(&object.key) {
            return (self.shared.objects.read)(object.clone()).await;
        }
        match self.held(object) {
            Some(text) => Ok(Box::new(io::Cursor::new(text.into_bytes()))),
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "its message is not in hand any more; it comes again",
            )),
        }
    }

    fn held(&self, object: &ObjectRef) -> Option<String> {
        self.shared.held().text(object).map(str::to_owned)
    }

    async fn settled(&self, objects: &[ObjectRef]) -> Vec<Error> {
        let receipts = self.shared.held().settle(objects);
        self.shared.tell_in_hand();
        self.shared.delete(receipts).await
    }
}

/// Keeps messages that cannot be used below `_ingest/aside/` of a store.
#[must_use]
pub fn aside_in(store: Store) -> PutAside {
    Arc::new(move |message: Aside| {
        let store = store.clone();
        Box::pin(async move {
            let hash = hex(&Sha256::digest(format!("{}|{}", message.queue, message.id)));
            let path = format!("_ingest/aside/{}.json", &hash[..32]);
            let body = serde_json::json!({
                "queue": message.queue, "message_id": message.id, "reason": message.reason, "text": message.text,
            });
            let put = store.put(&path, body.to_string().into_bytes()).await;
            put.map_err(io::Error::other)
        })
    })
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        lock(&self.held)
    }

    fn tell_in_hand(&self) {
        let in_hand = self.held().len();
        self.options.tell(Told::InHand(in_hand));
    }

    /// Deletes messages, and tells how many of them.
    async fn delete(&self, receipts: Vec<Receipt>) -> Vec<Error> {
        let deleted = self.queue.delete(receipts).await;
        self.options.tell(Told::Deleted(deleted.count));
        deleted.errors
    }

    fn stop_beating(&self) {
        if let Some(beat) = lock(&self.beat).take() {
            beat.abort();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop_beating();
    }
}

/// Nothing is left half done under these locks, so that a panic of another thread does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
