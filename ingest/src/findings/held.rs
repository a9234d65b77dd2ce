//! Statuses of log files, held in memory for who reads these files next.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::digest::{Status, Verdict};
use crate::hash::half;

/// Log files whose status is held: 20 bytes each, and as much again while the map grows, some 60 MB.
pub const MOST_HELD: usize = 1_800_000;

/// What the digests say of log files, by their names.
#[derive(Debug, Default)]
pub struct DigestStatus {
    statuses: HashMap<[u8; 16], Status>,
    left_out: u64,
}

impl DigestStatus {
    /// Notes what is said of a log file. Of two findings about one file, altered stands before valid, and valid before not
    /// proven; false where another stands.
    pub fn note(&mut self, name: &str, status: Status) -> bool {
        let is_full = self.statuses.len() >= MOST_HELD;
        match self.statuses.entry(half(name)) {
            Entry::Occupied(mut known) => {
                let stands = weight(status) >= weight(*known.get());
                if stands {
                    known.insert(status);
                }
                stands
            }
            Entry::Vacant(_) if is_full => {
                self.left_out += 1;
                true
            }
            Entry::Vacant(place) => {
                place.insert(status);
                true
            }
        }
    }

    /// The status of a log file; one that nothing was said of is not proven.
    #[must_use]
    pub fn of(&self, name: &str) -> Status {
        let known = self.statuses.get(&half(name));
        known.copied().unwrap_or(Status::Unproven)
    }

    /// Log files beyond [`MOST_HELD`]: they count as not proven until they are verified again.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// How much a status counts among several of one object.
pub(super) fn weight(status: Status) -> u8 {
    match status.verdict() {
        Verdict::Tampered => 2,
        Verdict::Proven => 1,
        Verdict::Incomplete => 0,
    }
}
