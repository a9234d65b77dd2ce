//! One run: receives messages and gives the objects that they name.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use futures::future::join_all;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::held::Receipt;
use super::notification::{self, HeldEvent, Named};
use super::options::{Aside, Told};
use super::queue::Redrive;
use super::{ObjectRef, Shared};
use crate::decode::{clean, truncate};
use crate::error::{Error, Result};

/// Objects given out ahead of who takes them.
const AHEAD: usize = 256;

/// Bytes of a message's text in an error.
const TEXT: usize = 512;

/// Nobody takes objects any more.
struct Closed;

/// Starts the receivers.
pub(super) fn start(shared: &Arc<Shared>) -> BoxStream<'static, Result<ObjectRef>> {
    let (out, objects) = mpsc::channel(AHEAD);
    let run = Arc::new(Run {
        ends: shared.options.longest_run.map(|time| Instant::now() + time),
        shared: Arc::clone(shared),
        out,
        over: AtomicBool::new(false),
    });
    for _ in 0..shared.options.receivers.max(1) {
        let run = Arc::clone(&run);
        tokio::spawn(async move { run.receive().await });
    }
    Box::pin(futures::stream::unfold(objects, |mut objects| async move {
        objects.recv().await.map(|object| (object, objects))
    }))
}

struct Run {
    shared: Arc<Shared>,
    out: mpsc::Sender<Result<ObjectRef>>,
    ends: Option<Instant>,
    /// True where a receiver found a reason for all to stop.
    over: AtomicBool,
}

/// What a message came to, beside objects.
enum Trouble {
    /// Coming again may heal it.
    Passing(String),
    /// It is given up.
    Final(String),
}

impl Run {
    async fn receive(&self) {
        let mut empty = 0;
        while empty < self.shared.options.empty_polls.max(1) && !self.is_over() {
            if self.is_full().await {
                return;
            }
            let received = tokio::select! {
                biased;
                () = self.out.closed() => return,
                received = self.shared.queue.receive() => received,
            };
            match received {
                Ok(messages) if messages.is_empty() => empty += 1,
                Ok(messages) => {
                    empty = 0;
                    self.shared.options.tell(Told::Received(messages.len()));
                    if self.take_all(messages).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // The others are about to fail alike.
                    if !self.over.swap(true, Ordering::Relaxed) {
                        let _ = self.out.send(Err(error)).await;
                    }
                    return;
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.ends.is_some_and(|ends| Instant::now() >= ends)
    }

    /// Ends the run where too much is in hand, and says so once.
    async fn is_full(&self) -> bool {
        let options = &self.shared.options;
        let (in_hand, bytes) = {
            let held = self.shared.held();
            (held.len(), held.text_bytes())
        };
        if in_hand < options.in_hand && bytes < options.in_hand_bytes {
            return false;
        }
        if !self.over.swap(true, Ordering::Relaxed) {
            let error = Error::Aws {
                what: format!("receive from {}", self.shared.queue.url),
                reason: format!(
                    "stopped with {in_hand} messages or objects in hand that are not in the store yet; \
                     the next run goes on"
                ),
            };
            let _ = self.out.send(Err(error)).await;
        }
        true
    }

    async fn take_all(&self, messages: Vec<Message>) -> Result<(), Closed> {
        let mut done = Vec::new();
        for taken in join_all(messages.into_iter().map(|message| self.take(message))).await {
            done.extend(taken?);
        }
        self.shared.tell_in_hand();
        for error in self.shared.delete(done).await {
            self.give(Err(error)).await?;
        }
        Ok(())
    }

    async fn give(&self, item: Result<ObjectRef>) -> Result<(), Closed> {
        self.out.send(item).await.map_err(|_| Closed)
    }

    /// Takes a message. Gives its receipt back where nothing is left to be done for it.
    async fn take(&self, message: Message) -> Result<Option<Receipt>, Closed> {
        let times = receive_count(&message);
        let (Some(id), Some(handle)) = (message.message_id, message.receipt_handle) else {
            // Without a receipt nothing can be done; it comes again.
            return Ok(None);
        };
        let receipt = Receipt { id, handle };
        if self.shared.held().renew(&receipt) {
            return Ok(None);
        }
        let body = message.body.unwrap_or_default();
        let notice = notification::read(&body);
        let mut trouble = notice.refused.map(Trouble::Final);
        let mut objects = Vec::with_capacity(notice.objects.len());
        objects.extend(notice.event.map(|event| self.keep(event)));
        for named in notice.objects {
            match self.find(named, times).await {
                Ok(object) => objects.push(object),
                Err(found) => trouble = Some(worse(trouble, found)),
            }
        }
        let is_safe = match trouble {
            None => true,
            Some(trouble) => self.report(&receipt, trouble, &body).await?,
        };
        let only_look = self.shared.options.only_look;
        if is_safe && objects.is_empty() && !only_look {
            return Ok(Some(receipt));
        }
        // Who only looks holds all messages, to give them back.
        let new = if is_safe || only_look {
            self.shared.held().hold(receipt, objects, Instant::now())
        } else {
            self.shared.held().give_out(objects)
        };
        for object in new {
            self.give(Ok(object)).await?;
        }
        Ok(None)
    }

    /// An object of what the message holds itself.
    fn keep(&self, event: HeldEvent) -> ObjectRef {
        let object = ObjectRef {
            key: event.key,
            etag: event.etag,
            size: event.text.len() as u64,
        };
        self.shared.held().keep(&object, event.text);
        object
    }

    /// The object as it is to be read.
    async fn find(&self, named: Named, times: u32) -> Result<ObjectRef, Trouble> {
        let Named {
            bucket,
            key,
            etag,
            size,
        } = named;
        let place = format!("s3://{bucket}/{key}");
        if let (Some(etag), Some(size), true) = (etag, size, times <= 1) {
            return Ok(ObjectRef {
                key: place,
                etag,
                size,
            });
        }
        match (self.shared.objects.head)(bucket, key).await {
            Ok(object) => Ok(object),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("names {place}, which does not exist");
                if times >= self.shared.options.receipts {
                    Err(Trouble::Final(reason))
                } else {
                    Err(Trouble::Passing(reason))
                }
            }
            Err(error) => Err(Trouble::Passing(format!(
                "names {place}, which cannot be looked at ({error})"
            ))),
        }
    }

    /// Reports a message. True where it may be deleted, as it is safe elsewhere.
    async fn report(
        &self,
        receipt: &Receipt,
        trouble: Trouble,
        body: &str,
    ) -> Result<bool, Closed> {
        let (reason, is_safe) = match trouble {
            Trouble::Passing(reason) => (format!("{reason}; it comes again"), false),
            Trouble::Final(reason) if self.shared.options.only_look => {
                (format!("{reason}; left in the queue"), false)
            }
            Trouble::Final(reason) => self.give_up(receipt, reason, body).await,
        };
        // Cleaned as a whole, so that no part of a token is left at the cut.
        let mut text = clean(body);
        truncate(&mut text, TEXT);
        self.give(Err(Error::Message {
            queue: self.shared.queue.url.clone(),
            id: receipt.id.clone(),
            reason,
            text,
        }))
        .await?;
        Ok(is_safe)
    }

    /// Sees to a message that cannot be used. Gives where it is, and whether it may be deleted.
    async fn give_up(&self, receipt: &Receipt, reason: String, body: &str) -> (String, bool) {
        let queue = &self.shared.queue;
        // What is not known is asked again.
        let asked = self
            .shared
            .redrive
            .get_or_try_init(async || match queue.redrive().await {
                Redrive::Unknown => Err(()),
                known => Ok(known),
            });
        let redrive = asked.await.copied().unwrap_or(Redrive::Unknown);
        let kept = match (redrive, &self.shared.options.put_aside) {
            (Redrive::Configured, _) => {
                return (format!("{reason}; left to the queue's dead-letter queue"), false);
            }
            (Redrive::Unknown, _) => {
                "left in the queue: allow sqs:GetQueueAttributes, to see whether it has a dead-letter \
                 queue"
                    .to_owned()
            }
            (Redrive::Absent, None) => {
                "left in the queue: give it a dead-letter queue, or delete the message".to_owned()
            }
            (Redrive::Absent, Some(put_aside)) => {
                let aside = Aside {
                    queue: queue.url.clone(),
                    id: receipt.id.clone(),
                    reason: reason.clone(),
                    text: clean(body),
                };
                match put_aside(aside).await {
                    Ok(()) => return (format!("{reason}; put aside"), true),
                    Err(error) => format!("left in the queue, as it cannot be put aside ({error})"),
                }
            }
        };
        let hidden = self.shared.options.hidden;
        for error in queue.hide(vec![receipt.clone()], hidden).await.errors {
            tracing::warn!(%error, "message not hidden");
        }
        (format!("{reason}; {kept}"), false)
    }
}

/// What counts for a message with more than one trouble: as long as one may heal, it is not given up.
fn worse(first: Option<Trouble>, second: Trouble) -> Trouble {
    match (first, second) {
        (Some(Trouble::Passing(reason)), _) | (_, Trouble::Passing(reason)) => {
            Trouble::Passing(reason)
        }
        (Some(first), _) => first,
        (None, second) => second,
    }
}

/// How often SQS has given this message out, this time included.
fn receive_count(message: &Message) -> u32 {
    message
        .attributes()
        .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}
