//! Complete lists, page by page.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::api::{Api, Failure};
use super::{LIST_RESTARTS, PAGE_ITEMS, Resource, reduce};
use crate::collect::document::List;
use crate::percent;

/// Divides the number of items per page when a page has too many bytes.
const SMALLER_PAGE: u32 = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// A complete list as of one resource version.
pub(super) struct Listed {
    /// The objects, cut down.
    pub list: List,
    /// Where a watch goes on.
    pub resource_version: String,
    /// When the first page came: all pages show that state.
    pub observed_at: i64,
}

/// Lists all objects of a resource and shows each to `see`. A continue token that expires (410) begins
/// the list anew, at most [`LIST_RESTARTS`] times: pages of different states make no complete list.
pub(super) async fn list(
    api: &Api,
    resource: &Resource,
    mut see: impl FnMut(Option<&str>, &Value) + Send,
) -> Result<Listed, Failure> {
    let mut restarts = 0;
    loop {
        match attempt(api, resource, &mut see).await {
            Err(Failure::Gone(_)) if restarts < LIST_RESTARTS => {
                restarts += 1;
                tracing::debug!(path = resource.path, restarts, "the list expired");
            }
            other => return other,
        }
    }
}

async fn attempt(
    api: &Api,
    resource: &Resource,
    see: &mut (impl FnMut(Option<&str>, &Value) + Send),
) -> Result<Listed, Failure> {
    let mut listed = Listed {
        list: List::new(resource.api_version, resource.kind),
        resource_version: String::new(),
        observed_at: 0,
    };
    let mut limit = PAGE_ITEMS;
    let mut next: Option<String> = None;
    loop {
        let token = next.as_deref().map(percent::encoded);
        let token = token.map_or_else(String::new, |token| format!("&continue={token}"));
        let bytes = match api
            .get(&format!("{}?limit={limit}{token}", resource.path))
            .await
        {
            Err(Failure::TooLarge(_)) if limit > 1 => {
                limit = (limit / SMALLER_PAGE).max(1);
                continue;
            }
            other => other?,
        };
        // Syntax errors name a place and never the text.
        let page: Page<'_> = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Malformed(format!("list: {error}")))?;
        if listed.resource_version.is_empty() {
            // Something else that answers must not be taken for a cluster in which nothing is left.
            if page.metadata.resource_version.is_empty() {
                let text = "list: it has no resourceVersion, so it is no Kubernetes API's";
                return Err(Failure::Malformed(text.to_owned()));
            }
            listed.observed_at = (api.clock)();
            listed.resource_version = page.metadata.resource_version;
        }
        for item in page.items.unwrap_or_default() {
            let item: Value = serde_json::from_str(item.get())
                .map_err(|error| Failure::Malformed(format!("object: {error}")))?;
            let object = reduce::object(&item, resource);
            see(reduce::uid(&object), &object);
            listed.list.push(&object);
        }
        match page.metadata.next.filter(|token| !token.is_empty()) {
            None => return Ok(listed),
            // A server that repeats its token would be asked for ever.
            same if same == next => {
                return Err(Failure::Malformed("a continue token came twice".to_owned()));
            }
            other => next = other,
        }
    }
}
