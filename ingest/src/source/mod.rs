//! Where objects come from: a source lists them and reads them; nothing else.
//!
//! An *object* is one file of CloudTrail records. Its `key` names it for ever and its `etag` names
//! its content, so that `(key, etag)` need be read once only.

pub mod local;

use std::io::Read;

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// One input object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Path or URI; unique over all sources.
    pub key: String,
    /// Version of the content.
    pub etag: String,
    /// Bytes as stored.
    pub size: u64,
}

/// A place that objects come from.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Names the source in manifests and application transactions: stable from run to run, made of
    /// letters, digits and `-`.
    fn id(&self) -> &str;

    /// Says where it is, for people.
    fn location(&self) -> &str;

    /// Lists all objects, in an order that is the same each time.
    fn list(&self) -> BoxStream<'static, Result<ObjectRef>>;

    /// Opens an object to read its bytes. Called on a thread that may block.
    ///
    /// # Errors
    /// Whatever the source says; the object is then recorded as unreadable and tried again by the
    /// next run.
    fn open(&self, object: &ObjectRef) -> std::io::Result<Box<dyn Read + Send>>;
}
