//! Messages in hand: which objects each still waits for.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::{Duration, Instant};

use crate::source::ObjectRef;

/// What names a message to SQS while it is in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) id: String,
    pub(super) handle: String,
}

/// Messages in hand and objects on their way. Bounded by who fills it.
#[derive(Debug, Default)]
pub(super) struct Held {
    messages: HashMap<String, Message>,
    /// Objects given out, and the messages that wait for each.
    objects: HashMap<Arc<ObjectRef>, Vec<String>>,
    /// Objects that messages hold themselves, until they are settled.
    texts: HashMap<ObjectRef, String>,
    text_bytes: usize,
}

#[derive(Debug)]
struct Message {
    handle: String,
    waits_for: HashSet<Arc<ObjectRef>>,
    since: Instant,
}

impl Held {
    /// How many messages or objects are held, whichever are more.
    pub(super) fn len(&self) -> usize {
        self.messages.len().max(self.objects.len())
    }

    /// Bytes of the objects that messages hold themselves.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Keeps an object that a message holds itself. The message is to be held next.
    pub(super) fn keep(&mut self, object: &ObjectRef, text: String) {
        if let Entry::Vacant(place) = self.texts.entry(object.clone()) {
            self.text_bytes += text.len();
            place.insert(text);
        }
    }

    /// The content of an object that a message in hand holds itself.
    pub(super) fn text(&self, object: &ObjectRef) -> Option<&str> {
        self.texts.get(object).map(String::as_str)
    }

    /// Takes the newer receipt of a message that came again. False where it is not held.
    pub(super) fn renew(&mut self, receipt: &Receipt) -> bool {
        let Some(message) = self.messages.get_mut(&receipt.id) else {
            return false;
        };
        message.handle.clone_from(&receipt.handle);
        true
    }

    /// Holds a message until its objects are settled. Gives those that are not on their way yet.
    pub(super) fn hold(
        &mut self,
        receipt: Receipt,
        objects: Vec<ObjectRef>,
        now: Instant,
    ) -> Vec<ObjectRef> {
        if self.renew(&receipt) {
            return Vec::new();
        }
        let mut new = Vec::with_capacity(objects.len());
        let mut waits_for = HashSet::with_capacity(objects.len());
        for object in objects {
            let shared = Arc::new(object);
            if !waits_for.insert(Arc::clone(&shared)) {
                continue;
            }
            let waiting = self.objects.entry(Arc::clone(&shared));
            if matches!(waiting, Entry::Vacant(_)) {
                new.push(shared.as_ref().clone());
            }
            waiting.or_default().push(receipt.id.clone());
        }
        let message = Message {
            handle: receipt.handle,
            waits_for,
            since: now,
        };
        self.messages.insert(receipt.id, message);
        new
    }

    /// Notes objects of a message that is not held. Gives those that are not on their way yet.
    pub(super) fn give_out(&mut self, objects: Vec<ObjectRef>) -> Vec<ObjectRef> {
        let mut new = Vec::with_capacity(objects.len());
        for object in objects {
            if !self.objects.contains_key(&object) {
                self.objects.insert(Arc::new(object.clone()), Vec::new());
                new.push(object);
            }
        }
        new
    }

    /// Marks objects as settled. Gives the messages that wait for nothing more.
    pub(super) fn settle(&mut self, objects: &[ObjectRef]) -> Vec<Receipt> {
        let mut done = Vec::new();
        for object in objects {
            if let Some(text) = self.texts.remove(object) {
                self.text_bytes -= text.len();
            }
            for id in self.objects.remove(object).unwrap_or_default() {
                let Some(message) = self.messages.get_mut(&id) else {
                    continue;
                };
                message.waits_for.remove(object);
                if message.waits_for.is_empty()
                    && let Some(message) = self.messages.remove(&id)
                {
                    done.push(Receipt {
                        id,
                        handle: message.handle,
                    });
                }
            }
        }
        done
    }

    /// The messages that were taken less than `longest` ago.
    pub(super) fn receipts(&self, now: Instant, longest: Duration) -> Vec<Receipt> {
        self.messages
            .iter()
            .filter(|(_, message)| now.duration_since(message.since) < longest)
            .map(|(id, message)| Receipt {
                id: id.clone(),
                handle: message.handle.clone(),
            })
            .collect()
    }

    /// Lets go of everything, and gives the messages.
    pub(super) fn drain(&mut self) -> Vec<Receipt> {
        self.objects.clear();
        self.forget_texts();
        self.messages
            .drain()
            .map(|(id, message)| Receipt {
                id,
                handle: message.handle,
            })
            .collect()
    }

    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.objects.clear();
        self.forget_texts();
    }

    fn forget_texts(&mut self) {
        self.texts.clear();
        self.text_bytes = 0;
    }
}

#[cfg(test)]
mod tests;
