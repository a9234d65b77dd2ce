//! The requests to SQS, each with its retries.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{Builder, Region};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use futures::StreamExt;

use super::address::Address;
use super::held::Receipt;
use super::options::Options;
use crate::error::{Error, Result};
use crate::source::backoff::Backoff;
use crate::source::refusal::explain;

/// Most messages of one request, by the API of SQS.
pub(super) const BATCH: usize = 10;

/// Batches deleted or changed at the same time.
const BATCHES_AT_ONCE: usize = 4;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Time to wait for an answer, beyond that of a long poll.
const ANSWER: Duration = Duration::from_secs(20);

/// Longest wait before a request is made again.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What SQS moves messages aside by, or that nobody may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redrive {
    /// The queue has a dead-letter queue.
    Configured,
    /// It has none.
    Absent,
    /// It could not be asked.
    Unknown,
}

/// One queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    client: Client,
    pub(super) url: String,
    wait_seconds: i32,
    visibility_seconds: i32,
    attempts: u32,
    backoff: Backoff,
}

impl Queue {
    /// Makes a client for the queue.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where neither address nor configuration names a region.
    pub(super) fn new(
        address: &Address,
        config: &aws_config::SdkConfig,
        options: &Options,
    ) -> Result<Self> {
        let region = match &address.region {
            Some(region) => Region::new(region.clone()),
            None => config.region().cloned().ok_or_else(|| {
                Error::InvalidInput(format!(
                    "queue {}: its address names no region; set AWS_REGION",
                    address.url
                ))
            })?,
        };
        let backoff = Backoff {
            pause: options.pause,
            longest: LONGEST_WAIT,
            random: options.random,
        };
        let retries = RetryConfig::standard()
            .with_max_attempts(options.attempts.max(1))
            .with_initial_backoff(options.pause)
            .with_max_backoff(LONGEST_WAIT);
        let wait = options.wait_seconds.min(20);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(ANSWER + Duration::from_secs(u64::from(wait)))
            .build();
        let mut builder = Builder::from(config)
            .region(region)
            .retry_config(retries)
            .timeout_config(timeouts);
        if let Some(endpoint) = &address.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
            url: address.url.clone(),
            wait_seconds: i32::try_from(wait).unwrap_or(20),
            visibility_seconds: seconds(options.visibility),
            attempts: options.attempts.max(1),
            backoff,
        })
    }

    /// Waits for messages; none is an answer, too.
    pub(super) async fn receive(&self) -> Result<Vec<Message>> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(self.wait_seconds)
            .visibility_timeout(self.visibility_seconds)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(|error| Error::Aws {
                what: format!("receive from {}", self.url),
                reason: explain(&error, "sqs:ReceiveMessage"),
            })?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Whether the queue moves aside what is received too often.
    pub(super) async fn redrive(&self) -> Redrive {
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::RedrivePolicy)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let policy = answer
                    .attributes()
                    .and_then(|all| all.get(&QueueAttributeName::RedrivePolicy));
                match policy {
                    Some(policy) if !policy.is_empty() => Redrive::Configured,
                    _ => Redrive::Absent,
                }
            }
            Err(error) => {
                let reason = explain(&error, "sqs:GetQueueAttributes");
                tracing::warn!(queue = %self.url, %reason, "redrive policy unknown");
                Redrive::Unknown
            }
        }
    }

    /// Deletes messages.
    pub(super) async fn delete(&self, receipts: Vec<Receipt>) -> Changed {
        self.in_batches(Change::Delete, receipts).await
    }

    /// Keeps messages invisible for so long from now; no time at all gives them back at once.
    pub(super) async fn hide(&self, receipts: Vec<Receipt>, time: Duration) -> Changed {
        self.in_batches(Change::Hide(seconds(time)), receipts).await
    }

    async fn in_batches(&self, change: Change, receipts: Vec<Receipt>) -> Changed {
        let count = receipts.len();
        let batches: Vec<Vec<Receipt>> = receipts.chunks(BATCH).map(<[Receipt]>::to_vec).collect();
        futures::stream::iter(batches)
            .map(|batch| self.batch(change, batch))
            .buffer_unordered(BATCHES_AT_ONCE)
            .fold(
                Changed {
                    count,
                    errors: Vec::new(),
                },
                |mut changed, (lost, error)| async move {
                    changed.count -= lost;
                    changed.errors.extend(error);
                    changed
                },
            )
            .await
    }

    /// Changes at most [`BATCH`] messages; those that SQS could not change for a reason of its own are
    /// tried again. Gives how many are left, and why.
    async fn batch(&self, change: Change, mut batch: Vec<Receipt>) -> (usize, Option<Error>) {
        let mut lost = 0;
        let mut why = String::new();
        for attempt in 0..self.attempts {
            if attempt > 0 {
                tokio::time::sleep(self.backoff.wait(attempt - 1)).await;
            }
            let failures = match self.send(change, &batch).await {
                Ok(failures) => failures,
                Err(reason) => {
                    why = reason;
                    break;
                }
            };
            let mut again = Vec::new();
            for failure in failures {
                why = match failure.message() {
                    Some(message) => format!("{}: {message}", failure.code()),
                    None => failure.code().to_owned(),
                };
                let index = failure.id().parse::<usize>().ok();
                match index.and_then(|index| batch.get(index)) {
                    Some(receipt) if !failure.sender_fault() => again.push(receipt.clone()),
                    _ => lost += 1,
                }
            }
            batch = again;
            if batch.is_empty() {
                break;
            }
        }
        let lost = lost + batch.len();
        let error = (lost > 0).then(|| Error::Aws {
            what: format!("{} {lost} messages of {}", change.verb(), self.url),
            reason: format!("{why}; they come again"),
        });
        (lost, error)
    }

    async fn send(
        &self,
        change: Change,
        batch: &[Receipt],
    ) -> Result<Vec<BatchResultErrorEntry>, String> {
        match change {
            Change::Delete => self.send_delete(batch).await,
            Change::Hide(time) => self.send_hide(batch, time).await,
        }
    }

    async fn send_delete(&self, batch: &[Receipt]) -> Result<Vec<BatchResultErrorEntry>, String> {
        let mut request = self.client.delete_message_batch().queue_url(&self.url);
        for (index, receipt) in batch.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&receipt.handle)
                .build()
                .map_err(|error| error.to_string())?;
            request = request.entries(entry);
        }
        match request.send().await {
            Ok(answer) => Ok(answer.failed),
            Err(error) => Err(explain(&error, "sqs:DeleteMessage")),
        }
    }

    async fn send_hide(
        &self,
        batch: &[Receipt],
        time: i32,
    ) -> Result<Vec<BatchResultErrorEntry>, String> {
        let mut request = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.url);
        for (index, receipt) in batch.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&receipt.handle)
                .visibility_timeout(time)
                .build()
                .map_err(|error| error.to_string())?;
            request = request.entries(entry);
        }
        match request.send().await {
            Ok(answer) => Ok(answer.failed),
            Err(error) => Err(explain(&error, "sqs:ChangeMessageVisibility")),
        }
    }
}

/// What came of a change of messages.
#[derive(Debug)]
pub(super) struct Changed {
    /// How many were changed.
    pub(super) count: usize,
    /// An error for each batch that could not be changed as a whole: what is left of it comes again.
    pub(super) errors: Vec<Error>,
}

/// What is done to messages.
#[derive(Debug, Clone, Copy)]
enum Change {
    Delete,
    /// For so many seconds.
    Hide(i32),
}

impl Change {
    fn verb(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Hide(_) => "keep in hand",
        }
    }
}

/// Whole seconds, at most the twelve hours that SQS allows.
fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs().min(43_200)).unwrap_or(43_200)
}
