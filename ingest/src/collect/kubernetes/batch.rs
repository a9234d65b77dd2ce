//! Documents gathered to be imported together.

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Follow;
use crate::collect::{Closed, Document, Output};

/// Bytes of one batch: listings of large clusters are not gathered.
const BATCH_BYTES: usize = 16 << 20;

/// Hands documents over in batches until there is nobody left who sends any.
pub(super) async fn gather(
    mut documents: mpsc::Receiver<Document>,
    options: &Follow,
    out: &Output,
) -> Result<(), Closed> {
    while let Some(first) = documents.recv().await {
        let deadline = Instant::now() + options.batch_every;
        let mut bytes = first.held_bytes();
        let mut batch = vec![first];
        while batch.len() < options.batch_changes && bytes < BATCH_BYTES {
            match timeout_at(deadline, documents.recv()).await {
                Ok(Some(next)) => {
                    bytes += next.held_bytes();
                    batch.push(next);
                }
                // The end, or time is up.
                Ok(None) | Err(_) => break,
            }
        }
        out.documents(batch).await?;
    }
    Ok(())
}
