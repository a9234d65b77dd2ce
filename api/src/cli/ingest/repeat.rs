//! Runs that follow each other: when the next one begins.

use chrono::{DateTime, Duration, Utc};
use podtrail_ingest::Stop;

/// Pause between two runs that follow a source.
pub(super) const FOLLOW_PAUSE: Duration = Duration::seconds(30);

/// The part of an interval by which a run may begin late, so that many installations do not ask at once.
const JITTER: f64 = 0.1;

/// When runs begin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Repeat {
    /// One run.
    Once,
    /// So long after the last one ended.
    Follow,
    /// At this interval, some of it later; one that took longer is followed at once.
    Every(Duration),
}

impl Repeat {
    /// Begin of the next run.
    pub(super) fn next(
        self,
        began: DateTime<Utc>,
        ended: DateTime<Utc>,
        random: u64,
    ) -> Option<DateTime<Utc>> {
        match self {
            Self::Once => None,
            Self::Follow => Some(ended + FOLLOW_PAUSE),
            Self::Every(interval) => {
                #[allow(clippy::cast_precision_loss)] // a share
                let share = random as f64 / u64::MAX as f64;
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
                let late = (interval.num_milliseconds() as f64 * JITTER * share) as i64;
                let next = began + interval + Duration::milliseconds(late);
                Some(next.max(ended))
            }
        }
    }
}

/// Waits for a time, or until asked to stop. True where the time came.
pub(super) async fn until(time: DateTime<Utc>, stop: &Stop) -> bool {
    let wait = (time - Utc::now()).to_std().unwrap_or_default();
    tokio::select! {
        () = stop.asked() => false,
        () = tokio::time::sleep(wait) => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn runs_do_not_overlap_and_begin_a_little_late() {
        let began = DateTime::UNIX_EPOCH;
        let after = |seconds| began + Duration::seconds(seconds);
        let every = Repeat::Every(Duration::minutes(5));
        for (repeat, ended, random, next) in [
            (Repeat::Follow, 100, 0, Some(130)),
            (every, 10, 0, Some(300)),
            (every, 10, u64::MAX, Some(330)),
            (every, 900, 0, Some(900)),
            (Repeat::Once, 10, 0, None),
        ] {
            assert_eq!(repeat.next(began, after(ended), random), next.map(after));
        }
    }
}
