//! The signature of a digest file: RSA PKCS#1 v1.5 with SHA-256 over a text of four lines.
//!
//! See "Custom implementations of CloudTrail log file integrity validation" in the CloudTrail user
//! guide. The hash in the text is that of the uncompressed digest.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

use super::key::PublicKey;
use super::parse::DigestFile;
use crate::unhex;

/// The only algorithm that CloudTrail signs digests with.
pub(super) const ALGORITHM: &str = "SHA256withRSA";

/// What stands in the signed text for the signature before the first.
const NO_PREVIOUS: &str = "null";

/// The text that CloudTrail signs.
pub(super) fn signed_text(digest: &DigestFile, hash: &str) -> String {
    format!(
        "{}\n{}/{}\n{}\n{}",
        digest.end_text,
        digest.bucket,
        digest.key,
        hash,
        digest.previous_signature.as_deref().unwrap_or(NO_PREVIOUS)
    )
}

/// Tells whether the signature, in hexadecimal, is that of the text under the key.
///
/// # Errors
/// The reason why it is not.
pub(super) fn check(key: &PublicKey, text: &str, signature: &str) -> Result<(), String> {
    let signature = unhex(signature.trim()).ok_or("the signature is not hexadecimal")?;
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.der())
        .map_err(|_| "the public key is not an RSA key of 2048 to 8192 bits in DER")?;
    key.verify_sig(text.as_bytes(), &signature)
        .map_err(|_| "the signature is not that of the digest".to_owned())
}

#[cfg(test)]
mod tests;
