//! Reads digests by tasks of their own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

use super::Run;
use super::proof::{Fetched, fetch};

/// A digest being read by a task of its own, so that it goes on while its turn has not come.
pub(super) struct Fetching(JoinHandle<Fetched>);

impl Fetching {
    /// Begins to read.
    pub(super) fn start(run: &Arc<Run>, bucket: Option<String>, key: String) -> Self {
        let run = Arc::clone(run);
        Self(tokio::spawn(async move {
            let Ok(_permit) = run.reads.acquire().await else {
                return Fetched::Unreadable("stopped".to_owned());
            };
            let limit = run.options.max_digest_bytes;
            fetch(&*run.vault, bucket.as_deref(), &key, limit).await
        }))
    }
}

impl Future for Fetching {
    type Output = Fetched;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Fetched> {
        Pin::new(&mut self.0).poll(context).map(|fetched| {
            fetched
                .unwrap_or_else(|error| Fetched::Unreadable(format!("the reader stopped: {error}")))
        })
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}
