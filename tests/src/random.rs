//! Seeded random numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// A `SplitMix64` generator that tasks can share. The numbers depend on the seed alone; which task
/// draws which number depends on the scheduler as well.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    /// Starts a sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let random = Self(AtomicU64::new(seed));
        // Neighbouring seeds must not give neighbouring sequences.
        let start = random.next();
        Self(AtomicU64::new(start))
    }

    /// Gives the next number.
    pub fn next(&self) -> u64 {
        let mut z = self
            .0
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed)
            .wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Gives a number below `bound`, which must not be 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True `percent` times of a hundred.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
