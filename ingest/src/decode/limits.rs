//! What one object may cost before the decoder refuses the rest of it.

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Bytes asked of the inflater at a time; the window holds one such chunk beyond the value in hand.
/// Small under the fuzzer, whose inputs would never leave the first chunk otherwise.
pub(super) const CHUNK: usize = if cfg!(fuzzing) { 64 } else { 256 * KIB };

/// Inflated bytes below which no inflate ratio is suspicious: a small object of equal records
/// compresses extremely well and costs nothing. Small under the fuzzer, as [`CHUNK`].
pub(super) const RATIO_GRACE: u64 = if cfg!(fuzzing) { 1 << 10 } else { 64 << 20 };

/// Upper bound of [`Limits::depth`] whatever the caller asks for: redaction and the derived id
/// recurse over the nesting, and most JSON readers stop at 128.
pub(super) const DEPTH_CEILING: usize = 256;

/// Nesting that is still followed, to find the end of a value that is refused for its depth.
pub(super) const DEPTH_FOLLOWED: usize = 1 << 20;

/// Bytes of one JSON number; more is not a number any service writes.
pub(super) const NUMBER_BYTES: usize = 512;

/// Wrappers inside wrappers that are opened (array, delivery envelope, message, event, record).
pub(super) const WRAPPER_LEVELS: usize = 8;

/// JSON texts inside JSON strings that are searched for credentials.
pub(super) const NESTED_TEXTS: usize = 4;

/// Bytes of a [`super::Reject::detail`].
pub(super) const DETAIL_BYTES: usize = 512;

/// Bytes that may be looked at a second time to find a record which a broken neighbour swallowed,
/// on top of [`RESCAN_SHARE`] times the bytes read so far.
pub(super) const RESCAN_BYTES: u64 = 64 << 20;

/// See [`RESCAN_BYTES`]; a constant factor keeps damaged objects linear.
pub(super) const RESCAN_SHARE: u64 = 2;

/// Limits of one [`super::decode`] call. All sizes are bytes of inflated text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest record, and longest wrapped document that is opened as a whole. `CloudTrail` caps an
    /// event at 256 KB (1 MB in Lake), so 16 MiB is generous.
    pub record_bytes: usize,
    /// Inflated bytes of one object.
    pub object_bytes: u64,
    /// Inflated to compressed bytes, looked at beyond the first 64 MiB; more is a decompression bomb. Records of
    /// a trail inflate 10 to 20 times, and whoever puts one repeated text into records of 256 KB has them inflate
    /// 400 to 850 times: none of these may be cut off. DEFLATE can no more than 1,032 times.
    pub ratio: u64,
    /// Nesting of one record; at most 256 is honoured.
    pub depth: usize,
    /// Bytes of the refused text that a [`super::Reject`] keeps.
    pub reject_text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 16 * MIB,
            object_bytes: 16 << 30,
            ratio: 1_000,
            depth: 128,
            reject_text: 4 * KIB,
        }
    }
}
