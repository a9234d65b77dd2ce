//! What a request asks for: filters, page, form.

use axum::extract::{FromRequestParts, Query};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use podtrail_query::Filter;
use podtrail_query::listing::Listing;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::problem::Problem;
use crate::time;

/// Rows of a page where the request does not say.
pub const PAGE_ROWS: u64 = 100;

/// Rows of a page at most.
pub const MOST_PAGE_ROWS: u64 = 10_000;

/// Bytes of a filter's value.
const MOST_TEXT: usize = 2_048;

/// Query parameters, strictly: what is unknown or stands twice is refused.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(parameters)| Self(parameters))
            .map_err(|rejection| Problem::bad_request(cause(&rejection)))
    }
}

/// What is wrong, without the framework's words around it.
fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Filters and page of a list. A list takes those that its rows can be told apart by.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Only calls made from this time on: RFC 3339, a date, or relative such as `-7d`.
    #[param(example = "-7d")]
    pub from: Option<String>,
    /// Only calls made before this time; a date includes its day.
    pub to: Option<String>,
    /// Only of this account.
    pub account: Option<String>,
    /// Only of this region.
    pub region: Option<String>,
    /// Only of this cluster.
    pub cluster: Option<String>,
    /// Only of this Kubernetes namespace.
    pub namespace: Option<String>,
    /// Only of this service account.
    pub service_account: Option<String>,
    /// Only of this role.
    pub role_arn: Option<String>,
    /// Only by this access path: `irsa`, `pod_identity`, `node_role`, `cluster_role`, `eks_service_linked_role`, `fargate_execution_role`, `kube2iam` or `kiam`.
    pub access_path: Option<String>,
    /// Only with this confidence: `exact`, `inferred`, `candidate` or `unknown`.
    pub confidence: Option<String>,
    /// Only by this kind of actor: `workload`, `node_agent`, `control_plane` or `unknown`.
    pub actor: Option<String>,
    /// Only of this node, by instance id.
    pub node: Option<String>,
    /// Only calls of this service, such as `s3.amazonaws.com`.
    pub event_source: Option<String>,
    /// Only the row of this id.
    pub id: Option<String>,
    /// Rows of the page, 100 where it is not given.
    #[param(minimum = 1, maximum = 10_000)]
    pub limit: Option<u64>,
    /// Where the page before left off.
    pub next_token: Option<String>,
}

impl ListParameters {
    /// Makes the filter.
    ///
    /// # Errors
    /// 400 for a time that is none, times that nothing lies between, a text that is too long, and a word that there is
    /// not.
    pub fn filter(&self) -> Result<Filter, Problem> {
        let time = |name: &str, text: Option<&String>, read: fn(&str) -> Result<_, String>| {
            text.map(|text| {
                read(text).map_err(|reason| Problem::bad_request(format!("{name}: {reason}")))
            })
            .transpose()
        };
        let mut filter = Filter::within(
            time("from", self.from.as_ref(), time::moment)?,
            time("to", self.to.as_ref(), time::before)?,
        )?;
        for (name, text) in [
            ("account", &self.account),
            ("region", &self.region),
            ("cluster", &self.cluster),
            ("namespace", &self.namespace),
            ("service_account", &self.service_account),
            ("role_arn", &self.role_arn),
            ("access_path", &self.access_path),
            ("confidence", &self.confidence),
            ("actor", &self.actor),
            ("node", &self.node),
            ("event_source", &self.event_source),
            ("id", &self.id),
        ] {
            let Some(text) = text else { continue };
            if text.len() > MOST_TEXT {
                return Err(Problem::bad_request(format!(
                    "{name}: longer than {MOST_TEXT} bytes"
                )));
            }
            filter.set(name, text)?;
        }
        Ok(filter)
    }

    /// Gives the rows that the page may have.
    ///
    /// # Errors
    /// 400 for none and for too many.
    pub fn rows(&self) -> Result<u64, Problem> {
        match self.limit.unwrap_or(PAGE_ROWS) {
            limit @ 1..=MOST_PAGE_ROWS => Ok(limit),
            _ => Err(Problem::bad_request(format!(
                "limit: a number from 1 to {MOST_PAGE_ROWS}"
            ))),
        }
    }

    /// Gives the key that the page follows.
    ///
    /// # Errors
    /// 400 for a token that is none, and one of another list or filter.
    pub fn after(&self, listing: &Listing, filter: &Filter) -> Result<Option<String>, Problem> {
        let Some(token) = &self.next_token else {
            return Ok(None);
        };
        let refused =
            || Problem::bad_request("next_token: not a token of this list with these filters");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let (mark, key) = bytes.split_at_checked(MARK).ok_or_else(refused)?;
        if mark != self.mark(listing, filter) {
            return Err(refused());
        }
        String::from_utf8(key.to_vec())
            .map(Some)
            .map_err(|_| refused())
    }

    /// Makes the token for the page that follows a key.
    #[must_use]
    pub fn token(&self, listing: &Listing, filter: &Filter, key: &str) -> String {
        let mut bytes = self.mark(listing, filter).to_vec();
        bytes.extend_from_slice(key.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Tells lists and filters apart. Times count as they were written: a time ago is another with every request.
    fn mark(&self, listing: &Listing, filter: &Filter) -> [u8; MARK] {
        let mut hash = Sha256::new();
        hash.update(listing.name);
        for text in [&self.from, &self.to] {
            hash.update([0]);
            hash.update(text.as_deref().unwrap_or_default());
        }
        for name in Filter::NAMES {
            if let Some(text) = filter.get(name) {
                for part in [name, text] {
                    hash.update(part.len().to_le_bytes());
                    hash.update(part);
                }
            }
        }
        let mut mark = [0; MARK];
        mark.copy_from_slice(&hash.finalize()[..MARK]);
        mark
    }
}

/// Bytes of a token that tell its list and filters.
const MARK: usize = 8;

#[cfg(test)]
mod tests;
