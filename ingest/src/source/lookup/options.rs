//! Bounds of a lookup.

use std::time::Duration;

use super::pace::Paces;

/// Bounds of a lookup.
#[derive(Debug, Clone)]
pub struct Options {
    /// Earliest event, µs since the epoch; taken down to the border of a window. Without it,
    /// [`Self::default_days`] before now.
    pub from: Option<i64>,
    /// Latest event, µs since the epoch; taken up to the border of a window. Without it, now.
    pub to: Option<i64>,
    /// Days looked up without [`Self::from`].
    pub default_days: u32,
    /// Length of a window, which is read as one object: whole seconds that divide a day.
    pub window: Duration,
    /// Age of a window's end after which it is taken to be complete and is not read again. Events are
    /// said to show within 15 minutes of the call; the rest is margin.
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html>
    pub settled_after: Duration,
    /// Attempts in a row for each page.
    pub attempts: u32,
    /// First wait after a failed attempt; it doubles with each.
    pub pause: Duration,
    /// Times that a window is begun again because its page token is not taken any more.
    pub restarts: u32,
    /// The paces of all lookups of the process.
    pub paces: Paces,
    /// Gives the time, in microseconds since the epoch.
    pub clock: fn() -> i64,
    /// Gives random bits.
    pub random: fn() -> u64,
}

impl Options {
    /// Defaults, with the time from `clock` and random bits from `random`.
    #[must_use]
    pub fn new(clock: fn() -> i64, random: fn() -> u64) -> Self {
        Self {
            from: None,
            to: None,
            default_days: 7,
            window: Duration::from_hours(1),
            settled_after: Duration::from_hours(2),
            attempts: 10,
            pause: Duration::from_millis(500),
            restarts: 3,
            paces: Paces::default(),
            clock,
            random,
        }
    }
}
