//! The rows of a statement, as whoever asked for them takes them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::{End, Running, stopped};
use crate::error::{Error, Result};

/// The rows of a statement. Dropped, it ends the statement.
#[derive(Debug)]
pub struct Answer {
    pub(super) schema: SchemaRef,
    pub(super) rows: mpsc::Receiver<RecordBatch>,
    pub(super) end: End,
    pub(super) truncated: Arc<AtomicBool>,
    pub(super) has_parameters: bool,
    pub(super) done: bool,
    /// The end of what may be waited for.
    pub(super) late: Pin<Box<Sleep>>,
    pub(super) time: Duration,
    pub(super) _running: Running,
}

impl Answer {
    /// Gives the columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Tells whether there were more rows than asked for; settled once the stream has ended.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated.load(Ordering::Relaxed)
    }

    /// Tells whether the statement has parameters: then no error of it may be logged but by its kind.
    #[must_use]
    pub fn has_parameters(&self) -> bool {
        self.has_parameters
    }

    /// Gives all rows.
    ///
    /// # Errors
    /// The first of the stream.
    pub async fn all(mut self) -> Result<Vec<RecordBatch>> {
        let mut rows = Vec::new();
        while let Some(batch) = self.next().await {
            rows.push(batch?);
        }
        Ok(rows)
    }
}

impl Stream for Answer {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        match self.rows.poll_recv(context) {
            Poll::Pending if self.late.as_mut().poll(context).is_ready() => {
                self.done = true;
                Poll::Ready(Some(Err(Error::TimedOut(self.time))))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(batch)) => Poll::Ready(Some(Ok(batch))),
            Poll::Ready(None) => {
                self.done = true;
                let end = self.end.lock().ok().and_then(|mut end| end.take());
                // A channel that closes without an outcome is a statement that was cut off: never a short answer.
                Poll::Ready(match end {
                    Some(Ok(())) => None,
                    Some(Err(error)) => Some(Err(error)),
                    None => Some(Err(stopped())),
                })
            }
        }
    }
}
