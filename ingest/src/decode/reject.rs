//! What could not be taken, and why.

use std::fmt;

/// One value, or one stretch of bytes, that gave no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Ordinal of the value among all records and rejects of the object, from 0.
    pub position: u64,
    /// Byte offset of the value (of its outermost wrapper) in the inflated text.
    pub offset: u64,
    /// Why it was refused.
    pub reason: RejectReason,
    /// Which member or limit, with sizes; bounded and free of credentials.
    pub detail: String,
    /// The beginning of the refused text; bounded and free of credentials.
    pub text: String,
}

/// Why a value was refused. The names of [`RejectReason::as_str`] are stored and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RejectReason {
    /// The text or the gzip stream ends inside a value or before its closing bracket.
    Truncated,
    /// The gzip stream is damaged or is followed by bytes that are not gzip.
    CorruptGzip,
    /// The inflated size is out of proportion to the compressed size.
    DecompressionBomb,
    /// The object inflates to more than [`super::Limits::object_bytes`].
    ObjectTooLarge,
    /// One value is longer than [`super::Limits::record_bytes`].
    RecordTooLarge,
    /// One value is nested deeper than [`super::Limits::depth`].
    TooDeep,
    /// The text is not JSON.
    InvalidJson,
    /// The text is not UTF-8.
    InvalidUtf8,
    /// Sound JSON that is no `CloudTrail` record and holds none.
    NotCloudTrail,
    /// A `CloudTrail` digest file, which lists log files and holds no record.
    Digest,
    /// An S3 event notification, whose members are named like those of a record.
    S3Notification,
    /// An SNS message that announces log files or holds no JSON.
    SnsNotification,
    /// A `CloudWatch` Logs health check of the subscription.
    ControlMessage,
    /// An audit record of another cloud.
    OtherCloud,
    /// A zip, zstd, Parquet or other container that is not opened.
    UnsupportedArchive,
}

impl RejectReason {
    /// Every reason, in declaration order.
    pub const ALL: [Self; 15] = [
        Self::Truncated,
        Self::CorruptGzip,
        Self::DecompressionBomb,
        Self::ObjectTooLarge,
        Self::RecordTooLarge,
        Self::TooDeep,
        Self::InvalidJson,
        Self::InvalidUtf8,
        Self::NotCloudTrail,
        Self::Digest,
        Self::S3Notification,
        Self::SnsNotification,
        Self::ControlMessage,
        Self::OtherCloud,
        Self::UnsupportedArchive,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::CorruptGzip => "corrupt_gzip",
            Self::DecompressionBomb => "decompression_bomb",
            Self::ObjectTooLarge => "object_too_large",
            Self::RecordTooLarge => "record_too_large",
            Self::TooDeep => "too_deep",
            Self::InvalidJson => "invalid_json",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::NotCloudTrail => "not_cloudtrail",
            Self::Digest => "digest",
            Self::S3Notification => "s3_notification",
            Self::SnsNotification => "sns_notification",
            Self::ControlMessage => "control_message",
            Self::OtherCloud => "other_cloud",
            Self::UnsupportedArchive => "unsupported_archive",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
