//! The key set of an issuer (RFC 7517), and which key may check what.

use std::sync::Arc;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// The algorithms of accepted tokens. None is symmetric: a public key must never serve as a secret.
pub(super) const ALLOWED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A key and what it may check.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) decoding: DecodingKey,
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
}

/// The keys that signatures can be checked with.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Arc<Key>>);

impl Keys {
    /// Reads a key set. Keys of other kinds and uses are passed over, as RFC 7517 (section 5) asks.
    ///
    /// # Errors
    /// What is wrong with the set.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json)
            .map_err(|error| format!("its key set is not one: {error}"))?;
        let keys = set.keys.into_iter().filter_map(usable);
        Ok(Self(keys.map(Arc::new).collect()))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key of a token. One that does not name its key can only have the single one that fits.
    pub(super) fn find(&self, kid: Option<&str>, alg: Algorithm) -> Option<Arc<Key>> {
        let mut fitting = self.0.iter().filter(|key| key.algorithms.contains(&alg));
        let Some(kid) = kid else {
            let only = fitting.next()?;
            return fitting.next().is_none().then(|| Arc::clone(only));
        };
        fitting.find(|key| key.kid.as_deref() == Some(kid)).cloned()
    }
}

fn usable(json: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    let common = &jwk.common;
    if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let operations = common.key_operations.as_ref();
    if operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return None;
    }
    let of_its_kind = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &RSA[..],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => return None,
    };
    let named = common.key_algorithm;
    let may = |alg: &Algorithm| named.is_none_or(|named| named == KeyAlgorithm::from(*alg));
    let algorithms: Vec<_> = of_its_kind.iter().copied().filter(may).collect();
    if algorithms.is_empty() {
        return None;
    }
    Some(Key {
        decoding: DecodingKey::from_jwk(&jwk).ok()?,
        kid: jwk.common.key_id,
        algorithms,
    })
}
