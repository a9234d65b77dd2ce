//! The files of the commit protocol, below `_ingest/<source>/`.
//!
//! A *manifest* fixes which objects batch `seq` is made of before any of them is read, so that a
//! batch that is tried again reads the same objects. Where only the process that listed an object has
//! its content, as that of an event in a queue's message, the manifest has it too, without credentials:
//! whoever comes next can read the batch without that process. A *redo record* holds everything a batch adds
//! to every table; it is written before the commit to `events`, and that commit names it, so the
//! other tables can follow whenever the process died.

use std::collections::BTreeMap;

use deltalake::kernel::Add;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::pipeline::Summary;
use crate::source::ObjectRef;
use crate::store::Store;

/// Format of the protocol's files.
const VERSION: u32 = 1;

/// Which objects a batch is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    /// The source's location, for people.
    pub(crate) location: String,
    /// The objects, in the order they are read.
    pub(crate) objects: Vec<ObjectRef>,
    /// Content that nobody else has, by the place of its object among `objects`. Manifests of before have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    contents: BTreeMap<usize, String>,
}

impl Manifest {
    pub(crate) fn new(location: &str) -> Self {
        Self {
            version: VERSION,
            location: location.to_owned(),
            objects: Vec::new(),
            contents: BTreeMap::new(),
        }
    }

    /// Adds an object, with its content where nobody else has it.
    pub(crate) fn add(&mut self, object: ObjectRef, content: Option<String>) {
        if let Some(content) = content {
            self.contents.insert(self.objects.len(), content);
        }
        self.objects.push(object);
    }

    /// The objects to be read, with what is here of their content.
    pub(crate) fn readable(&mut self) -> Vec<(ObjectRef, Option<String>)> {
        let mut contents = std::mem::take(&mut self.contents);
        let objects = self.objects.iter().cloned().enumerate();
        objects
            .map(|(at, object)| (object, contents.remove(&at)))
            .collect()
    }

    fn path(source: &str, seq: i64) -> String {
        format!("_ingest/{source}/{seq:020}.json")
    }

    /// Reads the manifest of a batch; `None` where none is fixed yet.
    pub(crate) async fn read(store: &Store, source: &str, seq: i64) -> Result<Option<Self>> {
        read(store, Self::path(source, seq), "manifest").await
    }

    /// Fixes the batch. Any error, also one that says the manifest exists, means: start over and
    /// read what is there.
    pub(crate) async fn create(&self, store: &Store, source: &str, seq: i64) -> Result<()> {
        store
            .put_new(&Self::path(source, seq), to_json(self)?)
            .await
    }
}

/// Everything one attempt of a batch adds, per table in the order of [`crate::schema::BATCH_TABLES`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Redo {
    version: u32,
    /// What the batch came to, for the summary of the run that completes it.
    pub(crate) summary: Summary,
    /// Adds of `events`, `activities`, `rejects`, `ingested_objects`.
    pub(crate) adds: Vec<Vec<Add>>,
}

impl Redo {
    pub(crate) fn new(summary: Summary, adds: Vec<Vec<Add>>) -> Self {
        Self {
            version: VERSION,
            summary,
            adds,
        }
    }

    fn path(source: &str, seq: i64, attempt: i64) -> String {
        format!("_ingest/{source}/{seq:020}.redo-{attempt:016x}.json")
    }

    pub(crate) async fn read(store: &Store, source: &str, seq: i64, attempt: i64) -> Result<Self> {
        let path = Self::path(source, seq, attempt);
        // Deleted only when every table has the batch, which a fresh look then shows.
        read(store, path, "redo record")
            .await?
            .ok_or(Error::Conflict {
                table: "events",
                seq,
            })
    }

    pub(crate) async fn create(
        &self,
        store: &Store,
        source: &str,
        seq: i64,
        attempt: i64,
    ) -> Result<()> {
        store
            .put_new(&Self::path(source, seq, attempt), to_json(self)?)
            .await
    }
}

/// Removes the files of a batch that every table holds. What stays behind on an error does no harm:
/// a manifest below the committed batch is never read again.
pub(crate) async fn forget(store: &Store, source: &str, seq: i64, attempt: i64) {
    use object_store::ObjectStoreExt;
    for path in [
        Manifest::path(source, seq),
        Redo::path(source, seq, attempt),
    ] {
        if let Err(error) = store.objects().delete(&path.as_str().into()).await {
            tracing::debug!(%path, %error, "left behind");
        }
    }
}

async fn read<T: serde::de::DeserializeOwned>(
    store: &Store,
    path: String,
    what: &'static str,
) -> Result<Option<T>> {
    let Some(body) = store.get(&path).await? else {
        return Ok(None);
    };
    let value: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| Error::Protocol {
            path: path.clone(),
            what,
            reason: error.to_string(),
        })?;
    if value.get("version") != Some(&VERSION.into()) {
        let reason = format!("version {} is not {VERSION}", value["version"]);
        return Err(Error::Protocol { path, what, reason });
    }
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| Error::Protocol {
            path,
            what,
            reason: error.to_string(),
        })
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::Worker(format!("cannot write JSON: {error}")))
}
