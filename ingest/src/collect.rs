//! Live reading of Kubernetes and AWS into the inventory.
//!
//! Both collectors hand over [`Document`]s: JSON as `kubectl` and the AWS CLI print it, so that one
//! path decodes what was collected and what was saved to a file. A call that is refused costs what it
//! would have told and nothing else; it becomes a [`Warning`] that names the missing permission.

pub mod aws;
mod document;
pub mod kubernetes;
mod output;
pub mod permissions;

pub use document::Document;
pub use output::{Closed, Found, Output, Reason, Warning};

use crate::error::Result;
use crate::inventory::{Imported, import_with, parse};
use crate::store::Store;

/// Adds what was collected to the table `inventory`. `now` is in microseconds since the epoch.
///
/// # Errors
/// As [`crate::inventory::import_into`].
pub async fn keep(store: &Store, documents: Vec<Document>, now: i64) -> Result<Imported> {
    import_with(store, now, move |sink| {
        let mut summary = crate::inventory::Summary::default();
        for document in &documents {
            summary.add(&parse(document.reader(), &document.context(), sink)?);
        }
        Ok(summary)
    })
    .await
}

#[cfg(test)]
mod testing;
