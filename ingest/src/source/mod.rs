//! Where objects come from: a source lists them and reads them; nothing else.
//!
//! An *object* is one file of CloudTrail records. Its `key` names it for ever and its `etag` names
//! its content, so that `(key, etag)` need be read once only.

#[cfg(feature = "aws")]
mod backoff;
#[cfg(test)]
mod contract;
pub mod local;
#[cfg(feature = "aws")]
pub mod lookup;
#[cfg(test)]
pub(crate) mod memory;
#[cfg(feature = "aws")]
mod refusal;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "aws")]
pub mod sqs;
#[cfg(test)]
#[cfg(feature = "aws")]
mod testing;

use std::io::Read;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One input object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Path or URI; unique over all sources.
    pub key: String,
    /// Version of the content.
    pub etag: String,
    /// Bytes as stored.
    pub size: u64,
}

/// The bytes of an object, read on a thread that may block.
pub type Body = Box<dyn Read + Send>;

/// A place that objects come from.
#[async_trait]
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Names the source in manifests and application transactions: stable from run to run, made of
    /// letters, digits and `-`.
    fn id(&self) -> &str;

    /// Says where it is, for people.
    fn location(&self) -> &str;

    /// Lists all objects, in an order that is the same each time.
    fn list(&self) -> BoxStream<'static, Result<ObjectRef>>;

    /// Begins to read an object; several at a time, so that a source that answers late is not waited for.
    ///
    /// # Errors
    /// Whatever the source says, here or while the body is read; the object is then recorded as unreadable
    /// and tried again by the next run.
    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body>;

    /// Gives the content of a listed object that nobody can be asked for once this process is gone, free of
    /// credentials: it is kept with the batch. `None` for what is read from where it lasts.
    fn held(&self, _object: &ObjectRef) -> Option<String> {
        None
    }

    /// Hears of listed objects that are in every table of the store, or were before: nothing of them can be
    /// lost any more. Gives what went wrong with saying so to where they came from.
    async fn settled(&self, _objects: &[ObjectRef]) -> Vec<Error> {
        Vec::new()
    }
}
