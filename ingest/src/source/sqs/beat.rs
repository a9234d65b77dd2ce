//! Keeps messages in hand invisible to others while their objects are in work.

use std::sync::{Arc, Weak};

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Shared;

/// Renews until aborted or the source is gone.
pub(super) fn start(shared: &Arc<Shared>) -> AbortHandle {
    let every = shared.options.beat;
    let shared = Arc::downgrade(shared);
    let task = tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            let Some(shared) = Weak::upgrade(&shared) else {
                return;
            };
            beat(&shared).await;
        }
    });
    task.abort_handle()
}

async fn beat(shared: &Shared) {
    let receipts = shared.held().receipts(Instant::now(), shared.options.hold);
    // A message that could not be renewed comes again, which costs a look and no event.
    let renewed = shared.queue.hide(receipts, shared.options.visibility);
    for error in renewed.await.errors {
        tracing::warn!(%error, "messages not renewed");
    }
}
