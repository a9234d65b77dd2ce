//! A queue of SQS in the shape of its JSON protocol, over messages in memory. What is given out stays hidden until it is
//! given back or deleted; the queue has no dead-letter queue. Buckets that its messages name do not exist, which is told at
//! once or never.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::endpoint::{self, ACCOUNT};
use crate::http_server::{Reply, Request, Server};

#[derive(Debug)]
struct Message {
    id: String,
    text: String,
    receipts: u32,
}

#[derive(Debug, Default)]
struct State {
    sent: u32,
    given: u32,
    visible: VecDeque<Message>,
    /// Given out, by their newest handle.
    hidden: BTreeMap<String, Message>,
    /// Whether requests for objects wait.
    stalls: bool,
    /// What they wait for.
    waiting: Vec<Sender<String>>,
}

/// The running service with its only queue.
#[derive(Debug)]
pub struct SqsQueue {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl SqsQueue {
    /// Starts it without a message.
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let served = Arc::clone(&state);
        let server = Server::start(move |request| served.lock().unwrap().answer(request));
        Self { server, state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// URL of the service.
    pub fn endpoint(&self) -> &str {
        &self.server.url
    }

    /// URL of the queue.
    pub fn url(&self) -> String {
        format!("{}/{ACCOUNT}/trail", self.server.url)
    }

    /// Sends a message.
    pub fn send(&self, text: &str) {
        let mut state = self.lock();
        state.sent += 1;
        let message = Message {
            id: format!("message-{}", state.sent),
            text: text.to_owned(),
            receipts: 0,
        };
        state.visible.push_back(message);
    }

    /// Prepares to ingest the queue.
    pub fn ingest(&self, store: &Path, options: &[&str]) -> Command {
        let url = self.url();
        let arguments = [&["ingest", url.as_str()], options].concat();
        endpoint::command(self.endpoint(), store, &arguments)
    }

    /// Lets who asks for objects wait, or not any more.
    pub fn stall(&self, stalls: bool) {
        let mut state = self.lock();
        state.stalls = stalls;
        state.waiting.clear();
    }

    /// Lets so much time pass that all messages that were given out may be received again.
    pub fn let_time_pass(&self) {
        let mut state = self.lock();
        let hidden = std::mem::take(&mut state.hidden);
        state.visible.extend(hidden.into_values());
    }

    /// How many messages may be received, and how many are hidden.
    pub fn messages(&self) -> (usize, usize) {
        let state = self.lock();
        (state.visible.len(), state.hidden.len())
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        let target = request.header("x-amz-target");
        if target.is_empty() {
            return self.object();
        }
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let answer = match target.rsplit('.').next() {
            Some("ReceiveMessage") => self.receive(&body),
            Some("DeleteMessageBatch") => self.change(&body, |_, _| None),
            Some("ChangeMessageVisibilityBatch") => self.change(&body, |message, entry| {
                Some((message, entry["VisibilityTimeout"] == 0))
            }),
            Some("GetQueueAttributes") => json!({}),
            _ => panic!("unexpected {target}"),
        };
        Reply::json(200, &answer)
    }

    /// Answers who asks S3 for something.
    fn object(&mut self) -> Reply {
        if !self.stalls {
            return Reply::xml(404, String::new());
        }
        let (sender, parts) = mpsc::channel();
        self.waiting.push(sender);
        Reply::Stream(parts)
    }

    fn receive(&mut self, body: &Value) -> Value {
        let mut messages = Vec::new();
        for _ in 0..body["MaxNumberOfMessages"].as_u64().unwrap() {
            let Some(mut message) = self.visible.pop_front() else {
                break;
            };
            self.given += 1;
            message.receipts += 1;
            let handle = format!("handle-{}", self.given);
            messages.push(json!({
                "MessageId": message.id, "ReceiptHandle": handle, "Body": message.text,
                "Attributes": {"ApproximateReceiveCount": message.receipts.to_string()},
            }));
            self.hidden.insert(handle, message);
        }
        json!({ "Messages": messages })
    }

    /// Changes the messages of a batch: what `keep` gives is kept, visible where it says so.
    fn change(
        &mut self,
        body: &Value,
        keep: impl Fn(Message, &Value) -> Option<(Message, bool)>,
    ) -> Value {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for entry in body["Entries"].as_array().unwrap() {
            let handle = entry["ReceiptHandle"].as_str().unwrap();
            let Some(message) = self.hidden.remove(handle) else {
                failed.push(json!({"Id": entry["Id"], "SenderFault": true, "Code": "ReceiptHandleIsInvalid"}));
                continue;
            };
            match keep(message, entry) {
                Some((message, true)) => self.visible.push_back(message),
                Some((message, false)) => drop(self.hidden.insert(handle.to_owned(), message)),
                None => {}
            }
            done.push(json!({"Id": entry["Id"]}));
        }
        json!({"Successful": done, "Failed": failed})
    }
}
