//! Statuses of log files, held in memory for who reads these files next.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::order::weight;
use crate::digest::{Status, Verdict};
use crate::hash::half;

/// Log files whose status is held: 20 bytes each, and as much again while the map grows, some 60 MB.
pub const MOST_HELD: usize = 1_800_000;

/// Log files beside those, of which it is held that they were tampered with: some 15 MB.
pub const MOST_TAMPERED: usize = 450_000;

/// What the digests say of log files, by their names.
///
/// What was tampered with is held apart, so that no number of other files makes it forgotten. Beyond
/// [`MOST_TAMPERED`] it is not held either, and no further file is said to be proven: it could be one of them. But the
/// table `digest_findings` has it, and that the file is then read as not proven does not take its place there.
#[derive(Debug)]
pub struct DigestStatus {
    /// Proven or not known.
    others: HashMap<[u8; 16], Status>,
    tampered: HashMap<[u8; 16], Status>,
    most_others: usize,
    most_tampered: usize,
    left_out: u64,
}

impl Default for DigestStatus {
    fn default() -> Self {
        Self::within(MOST_HELD, MOST_TAMPERED)
    }
}

impl DigestStatus {
    fn within(most_others: usize, most_tampered: usize) -> Self {
        Self {
            others: HashMap::new(),
            tampered: HashMap::new(),
            most_others,
            most_tampered,
            left_out: 0,
        }
    }

    /// Notes what is said of a log file. Of two findings about one file the worse stands; false where another stands.
    pub fn note(&mut self, name: &str, status: Status) -> bool {
        let name = half(name);
        let is_tampered = status.verdict() == Verdict::Tampered;
        let (statuses, most) = if is_tampered {
            self.others.remove(&name);
            (&mut self.tampered, self.most_tampered)
        } else if self.tampered.contains_key(&name) {
            return false;
        } else if self.tampered.len() >= self.most_tampered {
            self.left_out += 1;
            return false;
        } else {
            (&mut self.others, self.most_others)
        };
        let is_full = statuses.len() >= most;
        match statuses.entry(name) {
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
        let name = half(name);
        let known = self.tampered.get(&name).or_else(|| self.others.get(&name));
        known.copied().unwrap_or(Status::Unproven)
    }

    /// Log files that are not held, beyond [`MOST_HELD`] or [`MOST_TAMPERED`]: they are read as not proven.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Status::{LogAltered, LogMissing, Unproven, Unreadable, Valid};

    #[test]
    fn no_number_of_other_files_makes_forget_what_was_tampered_with() {
        let mut known = DigestStatus::within(2, 3);
        for (name, status, stands) in [
            ("a", Valid, true),
            ("b", Unreadable, true),
            // Not held any more.
            ("c", Valid, true),
            ("d", LogAltered, true),
            ("d", Valid, false),
            ("d", Unproven, false),
            ("b", LogMissing, true),
            // In the place that b left.
            ("e", Valid, true),
            ("e", Unproven, false),
            ("f", LogAltered, true),
            // Beyond the bound.
            ("g", LogAltered, true),
            ("h", Valid, false),
        ] {
            assert_eq!(known.note(name, status), stands, "{name} {status}");
        }
        for (name, status) in [
            ("a", Valid),
            ("b", LogMissing),
            ("c", Unproven),
            ("d", LogAltered),
            ("e", Valid),
            ("f", LogAltered),
            ("g", Unproven),
            ("h", Unproven),
        ] {
            assert_eq!(known.of(name), status, "{name}");
        }
        assert_eq!(known.left_out(), 3);
    }
}
