//! What a verification finds, and what it can be summed up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use futures::{Stream, StreamExt};
use serde::{Serialize, Serializer};

use super::layout::{DIGESTS, LOGS};

/// Findings other than `valid` that a [`Report`] keeps; the rest is counted only.
pub const KEPT_FINDINGS: usize = 10_000;

/// What is known of a digest file, a log file or a stretch of time. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Unchanged since CloudTrail delivered it.
    Valid,
    /// A log file that no proven digest vouches for, though nothing speaks against it.
    Unproven,
    /// Neither the object's metadata nor a later digest gives the digest's signature.
    SignatureUnavailable,
    /// Time that no digest covers: logging or validation was off, or digests are gone.
    Gap,
    /// The key that signed the digest is not among the known public keys.
    PublicKeyUnknown,
    /// It could not be read or is larger than the limit: nothing is known of it.
    Unreadable,
    /// A digest that a later one names as its predecessor is not there.
    DigestMissing,
    /// The digest is malformed, or not what its successor recorded.
    DigestAltered,
    /// The digest says that it belongs to another bucket or key.
    DigestMoved,
    /// The signature does not fit the digest.
    SignatureInvalid,
    /// The digest has no place in its chain.
    ChainBroken,
    /// A listed log file is not there.
    LogMissing,
    /// A listed log file has other content than CloudTrail delivered.
    LogAltered,
    /// A log file that no digest lists has the content of a listed one that is missing.
    LogMoved,
    /// A log file within proven time that no digest lists.
    LogUnlisted,
}

/// What one or all findings amount to, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is proven.
    Proven,
    /// Nothing is known to be wrong, but not everything could be proven.
    Incomplete,
    /// Files were altered, removed, added or moved.
    Tampered,
}

impl Status {
    const ALL: [Self; 15] = [
        Self::Valid,
        Self::Unproven,
        Self::SignatureUnavailable,
        Self::Gap,
        Self::PublicKeyUnknown,
        Self::Unreadable,
        Self::DigestMissing,
        Self::DigestAltered,
        Self::DigestMoved,
        Self::SignatureInvalid,
        Self::ChainBroken,
        Self::LogMissing,
        Self::LogAltered,
        Self::LogMoved,
        Self::LogUnlisted,
    ];

    /// Finds the status of a stable name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The stable name, as in the serialised form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unproven => "unproven",
            Self::SignatureUnavailable => "signature_unavailable",
            Self::Gap => "gap",
            Self::PublicKeyUnknown => "public_key_unknown",
            Self::Unreadable => "unreadable",
            Self::DigestMissing => "digest_missing",
            Self::DigestAltered => "digest_altered",
            Self::DigestMoved => "digest_moved",
            Self::SignatureInvalid => "signature_invalid",
            Self::ChainBroken => "chain_broken",
            Self::LogMissing => "log_missing",
            Self::LogAltered => "log_altered",
            Self::LogMoved => "log_moved",
            Self::LogUnlisted => "log_unlisted",
        }
    }

    /// What a finding of this status amounts to.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Valid => Verdict::Proven,
            Self::Unproven
            | Self::SignatureUnavailable
            | Self::Gap
            | Self::PublicKeyUnknown
            | Self::Unreadable => Verdict::Incomplete,
            _ => Verdict::Tampered,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A digest file.
    Digest,
    /// A log file.
    Log,
    /// A stretch of time.
    Time,
    /// A folder that should be listed.
    Folder,
}

impl Subject {
    /// The stable name, as in the serialised form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Log => "log",
            Self::Time => "time",
            Self::Folder => "folder",
        }
    }
}

/// A stretch of time, in microseconds since 1970 (UTC): `from` is in it, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its begin.
    pub from: i64,
    /// Its end.
    pub to: i64,
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", rfc3339(self.from), rfc3339(self.to))
    }
}

/// `2026-11-22T09:30:00Z`; the number itself where it is beyond the calendar.
pub(super) fn rfc3339(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || micros.to_string(),
        |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    )
}

/// Names a chain: CloudTrail keeps one per account, region and trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ChainId {
    /// The account that the logs are of.
    pub account: String,
    /// The region that the logs are of.
    pub region: String,
    /// The trail; empty where logs are there without any digest.
    pub trail: String,
    /// The region that the trail was created in.
    pub home_region: String,
    /// The folder of the account, with `AWSLogs/` and what is before it.
    pub base: String,
}

impl ChainId {
    /// The folder of its digests, without the final `/`.
    pub(crate) fn digests(&self) -> String {
        format!("{}{DIGESTS}{}", self.base, self.region)
    }

    /// The folder of its log files, without the final `/`.
    pub(crate) fn logs(&self) -> String {
        format!("{}{LOGS}{}", self.base, self.region)
    }
}

fn shared<S: Serializer>(chain: &Arc<ChainId>, serializer: S) -> Result<S::Ok, S::Error> {
    ChainId::serialize(chain, serializer)
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The chain it belongs to.
    #[serde(serialize_with = "shared")]
    pub chain: Arc<ChainId>,
    /// What was found.
    pub status: Status,
    /// Of what.
    pub subject: Subject,
    /// The object's bucket, where known.
    pub bucket: Option<String>,
    /// The object's key; of a stretch of time, the digest that begins after it.
    pub key: String,
    /// The digest that lists the log file or names the digest, where one does.
    pub digest: Option<String>,
    /// The stretch of time.
    pub span: Option<Span>,
    /// Why, for people; empty where valid.
    pub cause: String,
}

/// The sum of one chain, given after its last finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// The chain.
    #[serde(serialize_with = "shared")]
    pub chain: Arc<ChainId>,
    /// Digests proven, unproven or faulty.
    pub digests: u64,
    /// Log files with a status.
    pub logs: u64,
    /// Time for which all log files delivered are known and listed, oldest first.
    pub proven: Vec<Span>,
    /// Time between the first and the last digest that is not proven, oldest first.
    pub unproven: Vec<Span>,
    /// Time of digests that list log files which are missing or altered, oldest first.
    pub faulty: Vec<Span>,
    /// Time of digests that list log files of which nothing could be told, oldest first.
    pub unread: Vec<Span>,
}

/// What a verification yields, one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A digest, a log file or a stretch of time has a status.
    Finding(Finding),
    /// A chain is done.
    Chain(ChainReport),
}

/// The sum of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// All chains, sorted.
    pub chains: Vec<ChainReport>,
    /// How often each status was found.
    pub counts: BTreeMap<Status, u64>,
    /// The findings that are not `valid`, up to [`KEPT_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings beyond that number.
    pub dropped: u64,
}

impl Report {
    /// Takes one event in.
    pub fn add(&mut self, event: Event) {
        match event {
            Event::Chain(chain) => self.chains.push(chain),
            Event::Finding(finding) => {
                *self.counts.entry(finding.status).or_default() += 1;
                if finding.status == Status::Valid {
                } else if self.findings.len() < KEPT_FINDINGS {
                    self.findings.push(finding);
                } else {
                    self.dropped += 1;
                }
            }
        }
    }

    /// Takes all events in.
    pub async fn collect(events: impl Stream<Item = Event>) -> Self {
        let mut report = Self::default();
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            report.add(event);
        }
        report.chains.sort_by(|a, b| a.chain.cmp(&b.chain));
        report
    }

    /// What it all amounts to: the worst of the findings; without any valid digest, not proven.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let worst = self.counts.keys().map(|status| status.verdict()).max();
        match worst {
            Some(Verdict::Proven) if self.chains.iter().any(|chain| chain.digests > 0) => {
                Verdict::Proven
            }
            Some(Verdict::Tampered) => Verdict::Tampered,
            _ => Verdict::Incomplete,
        }
    }

    /// How often a status was found.
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        self.counts.get(&status).copied().unwrap_or_default()
    }
}
