//! The public keys that digests are verified with.
//!
//! CloudTrail has key pairs per region and gives the public halves by `ListPublicKeys`; a digest
//! names its key by fingerprint. The CloudTrail user guide says PKCS #1; its own sample also shows
//! a SubjectPublicKeyInfo, so that both are accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::report::Span;
use crate::error::{Error, Result};

/// An RSA public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    fingerprint: String,
    der: Vec<u8>,
}

impl PublicKey {
    /// Takes the `Fingerprint` and the decoded `Value` of one entry of `ListPublicKeys`.
    #[must_use]
    pub fn new(fingerprint: String, der: Vec<u8>) -> Self {
        Self { fingerprint, der }
    }

    /// The fingerprint that digests name it by.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// PKCS #1 or SubjectPublicKeyInfo.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }
}

/// The key that a digest was signed with, as far as the digest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `digestPublicKeyFingerprint`.
    pub fingerprint: String,
    /// The region whose key it is.
    pub region: String,
    /// When the digest was signed, roughly: the range to give to `ListPublicKeys`.
    pub signed: Span,
}

/// Where public keys come from.
pub trait PublicKeys: Send + Sync + std::fmt::Debug {
    /// Looks a key up; `None` where it is not known.
    fn find(&self, wanted: Wanted) -> BoxFuture<'_, io::Result<Option<PublicKey>>>;
}

/// Keys kept in files: what `aws cloudtrail list-public-keys` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFile {
    keys: BTreeMap<String, PublicKey>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Printed {
    Answer {
        #[serde(rename = "PublicKeyList", alias = "publicKeyList")]
        list: Vec<Entry>,
    },
    List(Vec<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Value")]
    value: String,
    #[serde(rename = "Fingerprint")]
    fingerprint: String,
}

impl KeyFile {
    /// Reads one or several answers of `ListPublicKeys` in JSON, one after the other (as when the
    /// command ran for several regions), or bare lists of keys.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where the text is something else, or holds no key.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let invalid = |reason: String| {
            Error::InvalidInput(format!(
                "public keys: {reason}; give what `aws cloudtrail list-public-keys --start-time … \
                 --end-time …` prints"
            ))
        };
        let mut keys = BTreeMap::new();
        for printed in serde_json::Deserializer::from_slice(text).into_iter::<Printed>() {
            let (Printed::Answer { list } | Printed::List(list)) =
                printed.map_err(|error| invalid(error.to_string()))?;
            for entry in list {
                let der = STANDARD.decode(entry.value.trim()).map_err(|error| {
                    invalid(format!("value of key {}: {error}", entry.fingerprint))
                })?;
                let key = PublicKey::new(entry.fingerprint.clone(), der);
                keys.insert(entry.fingerprint, key);
            }
        }
        if keys.is_empty() {
            return Err(invalid("none is in the file".to_owned()));
        }
        Ok(Self { keys })
    }

    /// Adds the keys of another file.
    pub fn merge(&mut self, other: Self) {
        self.keys.extend(other.keys);
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True without any key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl PublicKeys for KeyFile {
    fn find(&self, wanted: Wanted) -> BoxFuture<'_, io::Result<Option<PublicKey>>> {
        let key = self.keys.get(&wanted.fingerprint).cloned();
        futures::future::ready(Ok(key)).boxed()
    }
}

/// Asks `ListPublicKeys` for a region and a stretch of time; pages through all answers.
pub type ListPublicKeys =
    Box<dyn Fn(String, Span) -> BoxFuture<'static, io::Result<Vec<PublicKey>>> + Send + Sync>;

/// Keys asked for when needed and kept: one question at a time, none twice.
pub struct AskedKeys {
    ask: ListPublicKeys,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By region and fingerprint.
    keys: BTreeMap<(String, String), PublicKey>,
    /// Region and fingerprint of keys that were asked for in vain.
    unknown: BTreeSet<(String, String)>,
}

/// Fingerprints remembered as unknown; forged digests could name any number of them.
const UNKNOWN_KEYS: usize = 1_000;

impl AskedKeys {
    /// Takes the call to `ListPublicKeys`, which needs `cloudtrail:ListPublicKeys`.
    #[must_use]
    pub fn new(ask: ListPublicKeys) -> Self {
        Self {
            ask,
            known: Mutex::default(),
        }
    }
}

impl std::fmt::Debug for AskedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskedKeys")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl PublicKeys for AskedKeys {
    fn find(&self, wanted: Wanted) -> BoxFuture<'_, io::Result<Option<PublicKey>>> {
        async move {
            let id = (wanted.region, wanted.fingerprint);
            // Held over the question, so that chains which start together ask once.
            let mut known = self.known.lock().await;
            if let Some(key) = known.keys.get(&id) {
                return Ok(Some(key.clone()));
            }
            if known.unknown.contains(&id) {
                return Ok(None);
            }
            for key in (self.ask)(id.0.clone(), wanted.signed).await? {
                known
                    .keys
                    .insert((id.0.clone(), key.fingerprint.clone()), key);
            }
            let found = known.keys.get(&id).cloned();
            if found.is_none() && known.unknown.len() < UNKNOWN_KEYS {
                known.unknown.insert(id);
            }
            Ok(found)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
