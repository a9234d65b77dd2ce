//! A queue in memory that speaks the JSON protocol of SQS, and fails when told to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::source::testing::{Answer, Asked, Server};

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    receipts: u32,
}

#[derive(Debug, Default)]
struct State {
    visible: VecDeque<Message>,
    /// In flight, by its newest handle.
    taken: HashMap<String, Message>,
    deleted: Vec<String>,
    /// Changes of visibility: message and seconds.
    changed: Vec<(String, i64)>,
    faults: HashMap<String, VecDeque<Fault>>,
    calls: HashMap<String, usize>,
    redrive: bool,
    handles: u64,
}

/// What goes wrong at the next request of an operation.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Instead of the work.
    Answer(Answer),
    /// The work is done, and the answer is lost.
    Lost,
    /// The first entry of a batch fails, by the service's or the sender's fault.
    Entry { by_sender: bool },
}

/// The queue, to be looked at and disturbed.
#[derive(Debug, Clone, Default)]
pub(super) struct Service {
    state: Arc<Mutex<State>>,
    pub(super) asked: Arc<Notify>,
}

impl Service {
    pub(super) async fn start(&self) -> Server {
        let service = self.clone();
        Server::start(Arc::new(move |asked| {
            let answer = service.answer(&asked);
            service.asked.notify_one();
            std::future::ready(answer).boxed()
        }))
        .await
    }

    pub(super) fn send(&self, id: &str, body: &str) {
        self.sent_before(id, body, 0);
    }

    /// A message that was given out so often before.
    pub(super) fn sent_before(&self, id: &str, body: &str, receipts: u32) {
        self.state.lock().unwrap().visible.push_back(Message {
            id: id.to_owned(),
            body: body.to_owned(),
            receipts,
        });
    }

    /// Lets go of what is in flight, as SQS does after the visibility timeout.
    pub(super) fn let_time_pass(&self) {
        let mut state = self.state.lock().unwrap();
        let taken: Vec<Message> = state.taken.drain().map(|(_, message)| message).collect();
        state.visible.extend(taken);
    }

    /// Gives a copy of what is in flight out again, as SQS may.
    pub(super) fn duplicate(&self) {
        let mut state = self.state.lock().unwrap();
        let copies: Vec<Message> = state.taken.values().cloned().collect();
        state.visible.extend(copies);
    }

    pub(super) fn fail(&self, operation: &str, faults: impl IntoIterator<Item = Fault>) {
        let mut state = self.state.lock().unwrap();
        let queue = state.faults.entry(operation.to_owned()).or_default();
        queue.extend(faults);
    }

    pub(super) fn has_dead_letter_queue(&self) {
        self.state.lock().unwrap().redrive = true;
    }

    /// Ids of deleted messages, in order.
    pub(super) fn deleted(&self) -> Vec<String> {
        let mut deleted = self.state.lock().unwrap().deleted.clone();
        deleted.sort();
        deleted
    }

    pub(super) fn changed(&self) -> Vec<(String, i64)> {
        self.state.lock().unwrap().changed.clone()
    }

    pub(super) fn visible(&self) -> usize {
        self.state.lock().unwrap().visible.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state.lock().unwrap().taken.len()
    }

    pub(super) fn calls(&self, operation: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.calls.get(operation).copied().unwrap_or_default()
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let mut state = self.state.lock().unwrap();
        *state.calls.entry(asked.operation.clone()).or_default() += 1;
        let fault = state
            .faults
            .get_mut(&asked.operation)
            .and_then(VecDeque::pop_front);
        if let Some(Fault::Answer(answer)) = fault {
            return answer;
        }
        let request = asked.json();
        let first_fails = match fault {
            Some(Fault::Entry { by_sender }) => Some(by_sender),
            _ => None,
        };
        let answer = match asked.operation.as_str() {
            "ReceiveMessage" => state.receive(&request),
            "DeleteMessageBatch" => state.batch(&request, first_fails, |state, message, _| {
                state.deleted.push(message.id);
            }),
            "ChangeMessageVisibilityBatch" => state.batch(&request, first_fails, State::change),
            "GetQueueAttributes" if state.redrive => json!({"Attributes": {
                "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:111122223333:dead\",\"maxReceiveCount\":5}"
            }}),
            "GetQueueAttributes" => json!({}),
            other => panic!("unexpected {other}"),
        };
        if matches!(fault, Some(Fault::Lost)) {
            return Answer::Reset;
        }
        Answer::Json(200, answer)
    }
}

impl State {
    fn receive(&mut self, request: &Value) -> Value {
        let most = request["MaxNumberOfMessages"].as_u64().unwrap();
        let mut messages = Vec::new();
        for _ in 0..most {
            let Some(mut message) = self.visible.pop_front() else {
                break;
            };
            self.handles += 1;
            message.receipts += 1;
            let handle = format!("handle-{}", self.handles);
            messages.push(json!({
                "MessageId": message.id,
                "ReceiptHandle": handle,
                "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": message.receipts.to_string()},
            }));
            // An older receipt of the same message is good no more.
            self.taken.retain(|_, other| other.id != message.id);
            self.taken.insert(handle, message);
        }
        json!({"Messages": messages})
    }

    fn batch(
        &mut self,
        request: &Value,
        first_fails: Option<bool>,
        work: impl Fn(&mut Self, Message, &Value),
    ) -> Value {
        let mut done = Vec::new();
        let mut failed = Vec::new();
        for (index, entry) in request["Entries"].as_array().unwrap().iter().enumerate() {
            let id = &entry["Id"];
            if let (0, Some(by_sender)) = (index, first_fails) {
                failed.push(json!({"Id": id, "SenderFault": by_sender, "Code": "InternalError", "Message": "try again"}));
                continue;
            }
            match self.taken.remove(entry["ReceiptHandle"].as_str().unwrap()) {
                Some(message) => {
                    work(self, message, entry);
                    done.push(json!({"Id": id}));
                }
                None => failed
                    .push(json!({"Id": id, "SenderFault": true, "Code": "ReceiptHandleIsInvalid"})),
            }
        }
        json!({"Successful": done, "Failed": failed})
    }

    fn change(&mut self, message: Message, entry: &Value) {
        let seconds = entry["VisibilityTimeout"].as_i64().unwrap();
        self.changed.push((message.id.clone(), seconds));
        if seconds == 0 {
            self.visible.push_back(message);
            return;
        }
        let handle = entry["ReceiptHandle"].as_str().unwrap().to_owned();
        self.taken.insert(handle, message);
    }
}
