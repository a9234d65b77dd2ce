//! One watch: lines to changes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Failure, failure};
use super::{Resource, reduce};

/// Seconds after which the server ends a watch by itself.
const WATCH_SECONDS: u32 = 290;

/// What a line of a watch says.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// Nothing changed up to this resource version.
    Bookmark(String),
    /// An object came, changed or went.
    Change(Change),
}

/// A change of one object.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    /// Where a watch goes on after it.
    pub resource_version: String,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub kind: &'static str,
    /// The object, cut down; its last state if it is gone.
    pub object: Value,
}

impl Change {
    pub(super) fn is_end(&self) -> bool {
        self.kind == "DELETED"
    }

    /// As `kubectl get --watch --output-watch-events -o json` prints it.
    pub(super) fn document(&self) -> Value {
        json!({"type": self.kind, "object": self.object})
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    object: Value,
}

/// Path of a watch that goes on after a resource version.
pub(super) fn path(resource: &Resource, version: &str) -> String {
    let version = crate::percent::encoded(version);
    format!(
        "{}?watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}",
        resource.path
    )
}

/// Reads a line. An `ERROR` event is the failure that ends the watch.
pub(super) fn event(line: &[u8], resource: &Resource) -> Result<Event, Failure> {
    let malformed = |what: String| Failure::Malformed(format!("watch event: {what}"));
    let line: Line<'_> =
        serde_json::from_slice(line).map_err(|error| malformed(error.to_string()))?;
    let kind = match &*line.kind {
        "ERROR" => return Err(failure(500, line.object.to_string().as_bytes())),
        "BOOKMARK" => "BOOKMARK",
        "ADDED" => "ADDED",
        "MODIFIED" => "MODIFIED",
        "DELETED" => "DELETED",
        _ => return Err(malformed("of an unknown type".to_owned())),
    };
    let version = line.object.get("metadata");
    let version = version.and_then(|meta| meta.get("resourceVersion")?.as_str());
    let Some(version) = version.map(str::to_owned) else {
        return Err(malformed("without a resource version".to_owned()));
    };
    if kind == "BOOKMARK" {
        return Ok(Event::Bookmark(version));
    }
    Ok(Event::Change(Change {
        resource_version: version,
        kind,
        object: reduce::object(&line.object, resource),
    }))
}
