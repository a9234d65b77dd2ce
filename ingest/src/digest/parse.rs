//! The content of a digest file.
//!
//! See "CloudTrail digest file structure" in the CloudTrail user guide.

use chrono::DateTime;
use serde::Deserialize;

/// The only hash algorithm that CloudTrail uses.
pub(super) const SHA_256: &str = "SHA-256";

/// A digest file, of which nothing is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DigestFile {
    /// Begin of the time it covers, in microseconds.
    pub(super) start: i64,
    /// End of the time it covers, in microseconds.
    pub(super) end: i64,
    /// The end as written, which is part of the signed text.
    pub(super) end_text: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) fingerprint: String,
    pub(super) algorithm: String,
    /// Part of the signed text even where there is no previous digest.
    pub(super) previous_signature: Option<String>,
    /// `None` for a starting digest.
    pub(super) previous: Option<Previous>,
    pub(super) logs: Vec<LogFile>,
}

/// What a digest records of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Previous {
    pub(super) bucket: String,
    pub(super) key: String,
    /// Of the uncompressed digest; `None` where the algorithm is not known.
    pub(super) hash: Option<String>,
}

/// A log file that the digest lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogFile {
    #[serde(rename = "s3Bucket")]
    pub(super) bucket: String,
    #[serde(rename = "s3Object")]
    pub(super) key: String,
    /// Of the uncompressed log.
    #[serde(rename = "hashValue")]
    pub(super) hash: String,
    #[serde(rename = "hashAlgorithm")]
    pub(super) algorithm: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: String,
    #[serde(rename = "digestS3Object")]
    key: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    #[serde(rename = "previousDigestS3Bucket")]
    previous_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object")]
    previous_key: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Vec<LogFile>,
}

/// Reads the uncompressed text of a digest.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn parse(text: &[u8]) -> Result<DigestFile, String> {
    let wire: Wire = serde_json::from_slice(text)
        .map_err(|error| format!("the content is not that of a digest: {error}"))?;
    let start = micros(&wire.digest_start_time, "digestStartTime")?;
    let end = micros(&wire.digest_end_time, "digestEndTime")?;
    if start > end {
        return Err("digestStartTime is after digestEndTime".to_owned());
    }
    let known_algorithm = wire.previous_digest_hash_algorithm.as_deref() == Some(SHA_256);
    let previous = match (wire.previous_bucket, wire.previous_key) {
        (Some(bucket), Some(key)) => Some(Previous {
            bucket,
            key,
            hash: wire.previous_digest_hash_value.filter(|_| known_algorithm),
        }),
        (None, None) => None,
        _ => return Err("the previous digest is named only in part".to_owned()),
    };
    Ok(DigestFile {
        start,
        end,
        end_text: wire.digest_end_time,
        bucket: wire.bucket,
        key: wire.key,
        fingerprint: wire.digest_public_key_fingerprint,
        algorithm: wire.digest_signature_algorithm,
        previous_signature: wire.previous_digest_signature,
        previous,
        logs: wire.log_files,
    })
}

/// Microseconds of a time in RFC 3339.
pub(super) fn micros(text: &str, member: &str) -> Result<i64, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_micros())
        .map_err(|error| format!("{member} is not a time: {error}"))
}

#[cfg(test)]
mod tests;
