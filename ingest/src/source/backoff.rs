//! How long to wait before a request is made again.

use std::time::Duration;

/// Doubling waits with jitter, so that those who failed together do not come again together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// Middle of the first wait.
    pub(super) pause: Duration,
    /// No wait is longer.
    pub(super) longest: Duration,
    /// Gives random bits.
    pub(super) random: fn() -> u64,
}

impl Backoff {
    /// The wait after so many failures in a row: between half and all of what doubling gives.
    pub(super) fn wait(&self, failed: u32) -> Duration {
        let doubled = self.pause.saturating_mul(1 << failed.min(16));
        let most = doubled.min(self.longest);
        // 0 up to 1, by thousandths.
        let share = u32::try_from((self.random)() % 1_001).unwrap_or(0);
        most / 2 + (most / 2) * share / 1_000
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn waits_double_within_jitter_up_to_the_longest() {
        let backoff = |random| Backoff {
            pause: Duration::from_millis(100),
            longest: Duration::from_millis(700),
            random,
        };
        let least = backoff(|| 0);
        let most = backoff(|| 1_000);
        let waits = |backoff: Backoff| -> Vec<u128> {
            [0, 1, 2, 3, u32::MAX]
                .map(|failed| backoff.wait(failed).as_millis())
                .to_vec()
        };
        assert_eq!(waits(least), [50, 100, 200, 350, 350]);
        assert_eq!(waits(most), [100, 200, 400, 700, 700]);
    }
}
