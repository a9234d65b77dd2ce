//! Reads one digest and judges it by its signature and by what its successor recorded of it.

use std::collections::BTreeMap;

use super::inflate::{Failure, inflate};
use super::key::{PublicKey, PublicKeys, Wanted};
use super::layout::DigestName;
use super::parse::{DigestFile, micros, parse};
use super::report::{Span, Status};
use super::signature::{ALGORITHM, check, signed_text};
use super::vault::Vault;

/// The object metadata that holds the signature in hexadecimal.
const SIGNATURE: &str = "signature";

/// The object metadata that names the algorithm of the signature.
const SIGNATURE_ALGORITHM: &str = "signature-algorithm";

/// The object metadata that tells when a backfill digest was made and signed.
const BACKFILL_TIME: &str = "backfill-generation-timestamp";

const HOUR: i64 = 3_600 * 1_000_000;

/// How long after the end of its time a digest may be signed; the AWS CLI asks for the same.
const SIGNED_LATE: i64 = 2 * HOUR;

/// How far what a digest says can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It is known to be bad: at most its signature for the previous digest is worth a try.
    Suspect,
    /// Nothing speaks against it.
    Unproven,
    /// By signature, or by the hash in a proven successor.
    Proven,
}

/// What a digest records of the one before it.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) bucket: String,
    pub(super) key: String,
    /// `None` where the key is not that of a digest.
    pub(super) name: Option<DigestName>,
    pub(super) hash: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) weight: Weight,
    /// The key of the digest that says so.
    pub(super) by: String,
}

impl Expected {
    /// Takes what `file` says of its predecessor; `None` for a starting digest.
    pub(super) fn of(file: &DigestFile, weight: Weight, by: &str) -> Option<Self> {
        let previous = file.previous.as_ref()?;
        Some(Self {
            bucket: previous.bucket.clone(),
            key: previous.key.clone(),
            name: DigestName::parse(&previous.key),
            hash: previous.hash.clone(),
            signature: file.previous_signature.clone(),
            weight,
            by: by.to_owned(),
        })
    }

    /// Tells whether the object is the one expected.
    pub(super) fn is_at(&self, bucket: Option<&str>, key: &str) -> bool {
        self.key == key && bucket.is_none_or(|bucket| bucket == self.bucket)
    }
}

/// What a look for a digest brought.
#[derive(Debug)]
pub(super) enum Fetched {
    Missing,
    Unreadable(String),
    Malformed(String),
    Read(Box<Digest>),
}

/// A digest that could be read.
#[derive(Debug)]
pub(super) struct Digest {
    pub(super) file: DigestFile,
    /// SHA-256 of the uncompressed content.
    pub(super) hash: String,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Reads a digest of at most `limit` bytes.
pub(super) async fn fetch(
    vault: &dyn Vault,
    bucket: Option<&str>,
    key: &str,
    limit: u64,
) -> Fetched {
    let got = match vault.get(bucket, key).await {
        Ok(Some(got)) => got,
        Ok(None) => return Fetched::Missing,
        Err(error) => return Fetched::Unreadable(error.to_string()),
    };
    let content = match inflate(got.body, limit, true).await {
        Ok(content) => content,
        Err(Failure::Unreadable(reason)) => return Fetched::Unreadable(reason),
        Err(Failure::Corrupt(reason)) => return Fetched::Malformed(reason),
        Err(Failure::TooLarge(limit)) => {
            return Fetched::Unreadable(format!("larger than the limit of {limit} bytes"));
        }
    };
    match parse(&content.bytes) {
        Ok(file) => Fetched::Read(Box::new(Digest {
            file,
            hash: content.hash,
            metadata: got.metadata,
        })),
        Err(reason) => Fetched::Malformed(reason),
    }
}

/// What is known of a digest.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) status: Status,
    pub(super) cause: String,
    /// How far the content can be relied on, which may be proven though the signature is not.
    pub(super) weight: Weight,
    /// `None` where it could not be read.
    pub(super) file: Option<DigestFile>,
}

/// Where a digest was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// `None` where the vault does not know the name of its bucket.
    pub(super) bucket: Option<&'a str>,
    pub(super) key: &'a str,
    /// The region whose key signs it.
    pub(super) region: &'a str,
}

/// Judges a digest. Its content is proven by the hash in a proven successor or by its signature;
/// it is valid where the signature is right as well.
pub(super) async fn judge(
    keys: &dyn PublicKeys,
    place: Place<'_>,
    fetched: Fetched,
    expected: Option<&Expected>,
) -> Judged {
    let unread = |status, cause| Judged {
        status,
        cause,
        weight: Weight::Suspect,
        file: None,
    };
    let digest = match fetched {
        Fetched::Missing => {
            return unread(Status::DigestMissing, "the object is not there".to_owned());
        }
        Fetched::Unreadable(reason) => return unread(Status::Unreadable, reason),
        Fetched::Malformed(reason) => return unread(Status::DigestAltered, reason),
        Fetched::Read(digest) => *digest,
    };
    let (status, cause, weight) = match misplaced(place, &digest.file) {
        Some(cause) => (Status::DigestMoved, cause, Weight::Suspect),
        None => weigh(keys, place.region, &digest, expected).await,
    };
    Judged {
        status,
        cause,
        weight,
        file: Some(digest.file),
    }
}

fn misplaced(place: Place<'_>, file: &DigestFile) -> Option<String> {
    let right = file.key == place.key && place.bucket.is_none_or(|bucket| bucket == file.bucket);
    (!right).then(|| {
        format!(
            "the digest says that it is s3://{}/{}",
            file.bucket, file.key
        )
    })
}

type Weighed = (Status, String, Weight);

async fn weigh(
    keys: &dyn PublicKeys,
    region: &str,
    digest: &Digest,
    expected: Option<&Expected>,
) -> Weighed {
    let vouched = expected.is_some_and(|expected| expected.weight == Weight::Proven);
    let same_hash = same_hash(digest, expected);
    if vouched && same_hash == Some(false) {
        return altered(expected);
    }
    let proven = vouched && same_hash == Some(true);
    // What it weighs where its signature cannot be checked.
    let without = if proven {
        Weight::Proven
    } else {
        Weight::Unproven
    };
    let named = digest.metadata.get(SIGNATURE_ALGORITHM);
    for algorithm in std::iter::once(&digest.file.algorithm).chain(named) {
        if algorithm != ALGORITHM {
            let cause = format!("signature algorithm {algorithm}, not {ALGORITHM}");
            return (Status::SignatureInvalid, cause, floor(proven));
        }
    }
    let recorded = expected.and_then(|expected| expected.signature.as_ref());
    if digest.metadata.get(SIGNATURE).or(recorded).is_none() {
        let cause = "neither its metadata nor a later digest gives its signature".to_owned();
        return (Status::SignatureUnavailable, cause, without);
    }
    match keys.find(wanted(region, digest)).await {
        Ok(Some(key)) => by_signature(&key, digest, expected, proven),
        Ok(None) => {
            let fingerprint = &digest.file.fingerprint;
            let cause =
                format!("no public key with fingerprint {fingerprint} is known for {region}");
            (Status::PublicKeyUnknown, cause, without)
        }
        Err(error) => (Status::Unreadable, format!("public keys: {error}"), without),
    }
}

/// Judges by the signatures in the metadata and in the successor; `proven` tells that a proven
/// successor recorded the same hash.
fn by_signature(
    key: &PublicKey,
    digest: &Digest,
    expected: Option<&Expected>,
    proven: bool,
) -> Weighed {
    let text = signed_text(&digest.file, &digest.hash);
    let recorded = expected.and_then(|expected| expected.signature.as_deref());
    let Some(own) = digest.metadata.get(SIGNATURE) else {
        let fault = recorded.and_then(|recorded| check(key, &text, recorded).err());
        return match fault {
            None => (Status::Valid, String::new(), Weight::Proven),
            // The word of a bad digest accuses nobody.
            Some(_) if expected.is_some_and(|expected| expected.weight == Weight::Suspect) => {
                let cause = "only a digest that is known to be bad gives its signature".to_owned();
                (Status::SignatureUnavailable, cause, Weight::Unproven)
            }
            Some(_) if same_hash(digest, expected) == Some(false) => altered(expected),
            Some(reason) => {
                let cause = format!("by the digest after it, {reason}");
                (Status::SignatureInvalid, cause, floor(proven))
            }
        };
    };
    if let Err(reason) = check(key, &text, own) {
        // The successor's record proves the content all the same.
        let right = recorded.is_some_and(|recorded| check(key, &text, recorded).is_ok());
        let cause = format!("by its metadata, {reason}");
        return (Status::SignatureInvalid, cause, floor(proven || right));
    }
    if recorded.is_some_and(|recorded| proven && !recorded.eq_ignore_ascii_case(own.trim())) {
        let cause = "its metadata gives another signature than its successor".to_owned();
        return (Status::SignatureInvalid, cause, Weight::Proven);
    }
    (Status::Valid, String::new(), Weight::Proven)
}

/// What a digest with a bad signature weighs.
fn floor(proven: bool) -> Weight {
    if proven {
        Weight::Proven
    } else {
        Weight::Suspect
    }
}

fn same_hash(digest: &Digest, expected: Option<&Expected>) -> Option<bool> {
    let hash = expected.and_then(|expected| expected.hash.as_deref())?;
    Some(hash.eq_ignore_ascii_case(&digest.hash))
}

fn altered(expected: Option<&Expected>) -> Weighed {
    let by = expected.map_or("", |expected| expected.by.as_str());
    let cause = format!("its SHA-256 is not the one that {by} recorded");
    (Status::DigestAltered, cause, Weight::Suspect)
}

fn wanted(region: &str, digest: &Digest) -> Wanted {
    let made = digest
        .metadata
        .get(BACKFILL_TIME)
        .and_then(|text| micros(text, BACKFILL_TIME).ok());
    let signed = match made {
        Some(made) => Span {
            from: made.saturating_sub(HOUR),
            to: made.saturating_add(HOUR),
        },
        None => Span {
            from: digest.file.start,
            to: digest.file.end.saturating_add(SIGNED_LATE),
        },
    };
    Wanted {
        fingerprint: digest.file.fingerprint.clone(),
        region: region.to_owned(),
        signed,
    }
}
