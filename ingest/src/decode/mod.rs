//! `CloudTrail` objects in, typed and redacted records out.
//!
//! Bytes of any delivery shape (gzip or plain, log file, array, lines, `lookup-events` output,
//! subscription, event bus) are split into JSON values, the records are taken out of their wrappers,
//! and each is parsed on its own. Bad content is never an error: it is a [`Reject`], and it does not
//! cost its neighbours. Memory is bounded by the limits and not by the object.

mod canonical;
mod envelope;
mod identity;
mod inflate;
mod issued;
mod json;
mod limits;
mod record;
mod redact;
mod reject;
mod resync;
mod scrub;
mod split;
mod time;
mod unwrap;

use std::io::{self, Read};

pub(crate) use issued::cluster_hint;
pub use limits::Limits;
pub use record::{Record, Text};
#[cfg(feature = "aws")]
pub(crate) use redact::{clean, truncate};
pub use reject::{Reject, RejectReason};

/// Takes what [`decode`] finds, in the order of the object.
pub trait Sink {
    /// Why the sink stops the decoding.
    type Error;

    /// Takes one record. Its text is only borrowed for the call.
    fn record(&mut self, record: &Record<'_>) -> Result<(), Self::Error>;

    /// Takes one refused value.
    fn reject(&mut self, reject: Reject) -> Result<(), Self::Error>;
}

/// Why decoding stopped. Never because of the content.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError<E> {
    /// The object's reader failed.
    #[error("cannot read the object")]
    Read(#[from] io::Error),
    /// The sink failed.
    #[error("cannot hand over a record")]
    Sink(E),
}

/// What an object turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// At least one record.
    CloudTrail,
    /// Neither records nor rejects.
    Empty,
    /// A `CloudTrail` digest file.
    Digest,
    /// S3 event notifications.
    S3Notification,
    /// An SNS announcement of log files.
    SnsNotification,
    /// A `CloudWatch` Logs health check.
    ControlMessage,
    /// Audit records of another cloud.
    OtherCloud,
    /// Other JSON.
    NotCloudTrail,
    /// Damaged, truncated or not JSON, and without a single record.
    Unreadable,
}

impl ObjectKind {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudTrail => "cloudtrail",
            Self::Empty => "empty",
            Self::Digest => "digest",
            Self::S3Notification => "s3_notification",
            Self::SnsNotification => "sns_notification",
            Self::ControlMessage => "control_message",
            Self::OtherCloud => "other_cloud",
            Self::NotCloudTrail => "not_cloudtrail",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Summary of one decoded object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Records handed over.
    pub records: u64,
    /// Rejects handed over.
    pub rejected: u64,
    /// Bytes read from the object.
    pub bytes_in: u64,
    /// Bytes of text they held.
    pub bytes_inflated: u64,
    /// What the object is, by its records or else by its first reject.
    pub kind: ObjectKind,
}

/// Decodes one object.
///
/// # Errors
/// [`DecodeError::Read`] if `input` fails, [`DecodeError::Sink`] if `sink` does.
pub fn decode<S: Sink>(
    input: impl Read,
    limits: &Limits,
    sink: &mut S,
) -> Result<Outcome, DecodeError<S::Error>> {
    envelope::Reader::new(input, limits, sink).run()
}

#[cfg(test)]
mod tests;
