//! The signature of a digest file: RSA PKCS#1 v1.5 with SHA-256 over a text of four lines.
//!
//! See "Custom implementations of CloudTrail log file integrity validation" in the CloudTrail user
//! guide. The hash in the text is that of the uncompressed digest.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

use super::key::PublicKey;
use super::parse::DigestFile;

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
    let signature = unhex(signature).ok_or("the signature is not hexadecimal")?;
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.der())
        .map_err(|_| "the public key is not an RSA key of 2048 to 8192 bits in DER")?;
    key.verify_sig(text.as_bytes(), &signature)
        .map_err(|_| "the signature is not that of the digest".to_owned())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().as_bytes();
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests;
