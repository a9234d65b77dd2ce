//! Requests at a steady pace, shared by all who ask the same service for the same account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Time between two requests: `LookupEvents` allows two a second per account and region.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>
pub const INTERVAL: Duration = Duration::from_millis(500);

/// The paces of all accounts and regions. One for a process: clones share them.
#[derive(Debug, Clone)]
pub struct Paces {
    interval: Duration,
    all: Arc<Mutex<HashMap<Place, Arc<Pace>>>>,
}

/// Account and region.
type Place = (String, String);

impl Default for Paces {
    fn default() -> Self {
        Self::every(INTERVAL)
    }
}

impl Paces {
    /// With another interval, for services that are not AWS.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            all: Arc::default(),
        }
    }

    /// The pace of an account in a region.
    pub(super) fn of(&self, account: &str, region: &str) -> Arc<Pace> {
        let mut all = lock(&self.all);
        let pace = all
            .entry((account.to_owned(), region.to_owned()))
            .or_insert_with(|| Arc::new(Pace::new(self.interval)));
        Arc::clone(pace)
    }
}

/// One pace.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// The next free turn.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Mutex::default(),
        }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        tokio::time::sleep_until(self.take(Instant::now())).await;
    }

    /// Takes the next turn.
    fn take(&self, now: Instant) -> Instant {
        let mut next = lock(&self.next);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.interval);
        turn
    }

    /// The turn after the last one that was taken.
    #[cfg(test)]
    pub(super) fn next(&self) -> Option<Instant> {
        *lock(&self.next)
    }

    /// Lets nobody take a turn for a while, as the service asked for fewer.
    pub(super) fn rest(&self, time: Duration) {
        self.rest_until(Instant::now() + time);
    }

    fn rest_until(&self, until: Instant) {
        let mut next = lock(&self.next);
        *next = Some(next.map_or(until, |next| next.max(until)));
    }
}

/// Nothing is left half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Paces;

    #[test]
    fn all_who_share_a_pace_come_one_by_one() {
        let paces = Paces::default();
        let start = Instant::now();
        let turns: Vec<Duration> = (0..5)
            .map(|_| paces.clone().of("111122223333", "eu-west-1").take(start) - start)
            .collect();
        assert_eq!(
            turns,
            [0, 500, 1_000, 1_500, 2_000].map(Duration::from_millis)
        );
    }

    #[test]
    fn accounts_and_regions_do_not_wait_for_each_other() {
        let paces = Paces::default();
        let start = Instant::now();
        for (account, region) in [
            ("111122223333", "eu-west-1"),
            ("111122223333", "us-east-1"),
            ("444455556666", "eu-west-1"),
        ] {
            assert_eq!(paces.of(account, region).take(start), start);
        }
    }

    #[test]
    fn a_rest_holds_for_all_and_time_not_used_is_not_saved_up() {
        let paces = Paces::default();
        let pace = paces.of("111122223333", "eu-west-1");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(pace.take(start), start);
        pace.rest_until(at(3));
        assert_eq!(pace.take(start), at(3));
        assert_eq!(pace.take(at(63)), at(63));
        assert_eq!(pace.take(at(63)), at(63) + Duration::from_millis(500));
    }
}
