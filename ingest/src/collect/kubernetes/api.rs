//! Requests to an API server, bounded in bytes, time and attempts.
//!
//! The client's own decoding is not used: on malformed JSON it logs the whole answer, environment
//! variables included.

use std::time::Duration;

use futures::StreamExt;
use http_body_util::{BodyDataStream, BodyExt};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;

use super::{EVENT_BYTES, PAGE_BYTES};
use crate::collect::output::{causes, line};

/// Attempts of one request.
const ATTEMPTS: u32 = 5;

/// Wait after the first failed attempt; doubled by each further one.
const PAUSE: Duration = Duration::from_millis(200);

/// Longest wait between two attempts, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Time for one page to arrive.
const REQUEST_TIME: Duration = Duration::from_mins(1);

/// Bytes of the body of a refusal.
const STATUS_BYTES: usize = 64 << 10;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// 401: the credentials are not accepted.
    #[error("credentials refused: {0}")]
    Unauthorized(String),
    /// 403: the caller lacks a permission.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// 404.
    #[error("not found: {0}")]
    NotFound(String),
    /// 410: the resource version or continue token is too old.
    #[error("expired: {0}")]
    Gone(String),
    /// Any other refusal.
    #[error("status {0}: {1}")]
    Status(u16, String),
    /// The answer, or one object of it, has more bytes than allowed.
    #[error("more than {0} bytes")]
    TooLarge(usize),
    /// The answer is not what the API promises. Says where, never what.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The server is out of reach, or the connection broke.
    #[error("{0}")]
    Network(String),
}

impl Failure {
    /// Whether the same request may succeed a moment later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Status(code, _) => *code == 429 || *code >= 500,
            _ => false,
        }
    }
}

/// See the module documentation.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    pub(super) server: String,
    pub(super) clock: fn() -> i64,
    pub(super) pause: Duration,
    pub(super) page_bytes: usize,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Api")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// A refusal, and how long the server asks to wait.
struct Refused {
    failure: Failure,
    after: Option<Duration>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            after: None,
        }
    }
}

impl Api {
    pub(super) fn new(client: Client, server: String, clock: fn() -> i64) -> Self {
        Self {
            client,
            server,
            clock,
            pause: PAUSE,
            page_bytes: PAGE_BYTES,
        }
    }

    /// The body of an answer, at most [`PAGE_BYTES`].
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let mut pause = self.pause;
        let mut attempt = 1;
        loop {
            let refused = match tokio::time::timeout(REQUEST_TIME, self.page(path)).await {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(refused)) => refused,
                Err(_) => {
                    let seconds = REQUEST_TIME.as_secs();
                    Failure::Network(format!("no answer within {seconds} s")).into()
                }
            };
            if attempt == ATTEMPTS || !refused.failure.is_transient() {
                return Err(refused.failure);
            }
            tracing::debug!(path, failure = %refused.failure, attempt, "trying again");
            tokio::time::sleep(refused.after.unwrap_or(pause).min(LONGEST_PAUSE)).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn page(&self, path: &str) -> Result<Vec<u8>, Refused> {
        let mut body = self.open(path).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| network(&error))?;
            if bytes.len() + chunk.len() > self.page_bytes {
                return Err(Failure::TooLarge(self.page_bytes).into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Opens a stream of lines.
    pub(super) async fn lines(&self, path: &str) -> Result<Lines, Failure> {
        let opened = tokio::time::timeout(REQUEST_TIME, self.open(path)).await;
        match opened {
            Ok(Ok(body)) => Ok(Lines {
                body,
                buffer: Vec::new(),
                searched: 0,
            }),
            Ok(Err(refused)) => Err(refused.failure),
            Err(_) => Err(Failure::Network("the watch was not opened in time".into())),
        }
    }

    async fn open(&self, path: &str) -> Result<BodyDataStream<Body>, Refused> {
        let request = http::Request::get(path)
            .header(http::header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|error| Failure::Malformed(error.to_string()))?;
        let response = self.client.send(request).await;
        let response = response.map_err(|error| network(&error))?;
        if response.status().is_success() {
            return Ok(response.into_body().into_data_stream());
        }
        let code = response.status().as_u16();
        let after = response.headers().get(http::header::RETRY_AFTER);
        let after = after
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let mut text = Vec::new();
        let mut body = response.into_body().into_data_stream();
        while let Some(Ok(chunk)) = body.next().await {
            let room = STATUS_BYTES - text.len();
            text.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Err(Refused {
            failure: failure(code, &text),
            after,
        })
    }
}

fn network(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::Network(causes(error))
}

/// The answer of an API server that refuses: `meta/v1 Status`.
#[derive(Deserialize, Default)]
pub(super) struct Status {
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub code: u16,
}

/// A refusal in Kubernetes' words where it is one, else only its status: a proxy may say anything.
pub(super) fn failure(code: u16, body: &[u8]) -> Failure {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let code = if status.code >= 400 {
        status.code
    } else {
        code
    };
    let message = if status.message.is_empty() {
        "no reason given".to_owned()
    } else {
        line(&status.message)
    };
    match code {
        401 => Failure::Unauthorized(message),
        403 => Failure::Forbidden(message),
        404 => Failure::NotFound(message),
        410 => Failure::Gone(message),
        _ => Failure::Status(code, message),
    }
}

/// The lines of a watch.
pub(super) struct Lines {
    body: BodyDataStream<Body>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are known to hold no end of line.
    searched: usize,
}

impl Lines {
    /// The next whole line; `None` where the server ended the watch. Keeps what it has when it is
    /// dropped while waiting.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            let found = self.buffer[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(at) = found {
                let rest = self.buffer.split_off(self.searched + at + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > EVENT_BYTES {
                return Err(Failure::TooLarge(EVENT_BYTES));
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => return Err(network(&error)),
                // A line without an end was cut by a disconnect: it is sent again.
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests;
