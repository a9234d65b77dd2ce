//! What one file may cost.

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Inflated bytes of one file; the rest is refused.
pub(super) const FILE_BYTES: u64 = 64 << 30;

/// Bytes of one document without lists, or of one list element. A Kubernetes object has at most
/// 1.5 MiB (the request limit of etcd); a reservation holds at most 1000 instances of about 6 KiB.
pub(super) const ELEMENT_BYTES: usize = 16 * MIB;

/// Bytes inflated at a time, at most.
pub(super) const CHUNK: usize = 256 * KIB;

/// Bytes of a member name of a document.
pub(super) const NAME_BYTES: usize = 4 * KIB;

/// Nesting whose brackets are checked against each other; `serde_json` refuses more than 128.
pub(super) const BRACKETS: usize = 256;

/// Bytes that may be looked at a second time to find the element behind a broken one, on top of
/// [`RESCAN_SHARE`] times the bytes read so far. A constant factor keeps damaged files linear.
pub(super) const RESCAN_BYTES: u64 = 64 << 20;

/// See [`RESCAN_BYTES`].
pub(super) const RESCAN_SHARE: u64 = 2;

/// Bytes of [`super::Reject::text`].
pub(super) const REJECT_TEXT: usize = 4 * KIB;

/// Bytes of [`super::Reject::detail`].
pub(super) const REJECT_DETAIL: usize = 512;

/// Bytes of one text that is kept; longer ones count as not known.
pub(super) const TEXT_BYTES: usize = 4 * KIB;

/// Entries of one list that are kept.
pub(super) const LIST_ENTRIES: usize = 1000;

/// Bytes of a trust policy; IAM allows 8192 characters at most.
pub(super) const POLICY_BYTES: usize = 64 * KIB;

/// Different names in [`super::Summary::skipped`].
pub(super) const SKIPPED_NAMES: usize = 256;

/// Rejects of one file that are handed over; the rest is only counted.
pub(super) const FILE_REJECTS: u64 = 1000;

/// Node identities remembered within one audit log, to tell when one changes. EKS supports clusters of
/// up to 100 000 nodes.
pub(super) const NODE_SESSIONS: usize = 200_000;

/// Files of one import.
pub(super) const FILES: usize = 1_000_000;

/// Folders inside folders.
pub(super) const FOLDER_DEPTH: usize = 64;

/// Inflated bytes of a file in which a describe-cluster output is looked for before the import.
pub(super) const CLUSTER_BYTES: u64 = 256 << 10;
