//! Turns of statements: how many work at once, and how many wait for those who read their rows.
//!
//! A statement whose reader is slow gives its turn to others, and asks for it again once there is room for rows. It
//! still holds memory, so that only so many wait so; one more keeps its turn, and ends where somebody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Bounds;
use crate::error::{Error, Result};

/// Time after which a reader is slow.
const SLOW: Duration = Duration::from_secs(1);

/// The turns.
#[derive(Debug)]
pub(super) struct Turns {
    working: Arc<Semaphore>,
    /// Places for those that wait for their readers: as many as work.
    reading: Arc<Semaphore>,
    waiting: AtomicUsize,
    bounds: Bounds,
}

impl Turns {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            working: Arc::new(Semaphore::new(bounds.concurrent)),
            reading: Arc::new(Semaphore::new(bounds.concurrent)),
            waiting: AtomicUsize::new(0),
            bounds,
        }
    }

    /// Statements that work, or wait for their readers.
    pub(super) fn taken(&self) -> usize {
        let free = self.working.available_permits() + self.reading.available_permits();
        (2 * self.bounds.concurrent).saturating_sub(free)
    }

    /// Waits for a turn.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Turn> {
        if let Ok(working) = Arc::clone(&self.working).try_acquire_owned() {
            return Ok(self.turn(working));
        }
        let _waiting = Waiting::enter(&self.waiting, self.bounds.waiting).ok_or(Error::Busy)?;
        let working = Arc::clone(&self.working).acquire_owned();
        match tokio::time::timeout(self.bounds.patience, working).await {
            Ok(Ok(working)) => Ok(self.turn(working)),
            _ => Err(Error::Busy),
        }
    }

    fn turn(self: &Arc<Self>, working: OwnedSemaphorePermit) -> Turn {
        Turn {
            turns: Arc::clone(self),
            working: Some(working),
        }
    }
}

/// One that waits; leaves the count with its drop.
struct Waiting<'count>(&'count AtomicUsize);

impl<'count> Waiting<'count> {
    fn enter(count: &'count AtomicUsize, most: usize) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        (before < most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The turn of a statement; given back with its drop.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    /// None while others work in its place.
    working: Option<OwnedSemaphorePermit>,
}

impl Turn {
    /// Waits for a reader, and lets others work meanwhile if that takes long.
    ///
    /// # Errors
    /// [`Error::TooSlow`] where that cannot be, and somebody waits.
    pub(super) async fn while_waiting<T: Send>(
        &mut self,
        reader: impl Future<Output = T> + Send,
    ) -> Result<T> {
        tokio::pin!(reader);
        loop {
            if let Ok(done) = tokio::time::timeout(SLOW, &mut reader).await {
                return Ok(done);
            }
            if let Ok(reading) = Arc::clone(&self.turns.reading).try_acquire_owned() {
                self.working = None;
                let done = reader.as_mut().await;
                let working = Arc::clone(&self.turns.working).acquire_owned().await;
                self.working = Some(working.map_err(|_| Error::Busy)?);
                drop(reading);
                return Ok(done);
            }
            if self.turns.waiting.load(Ordering::Relaxed) > 0 {
                return Err(Error::TooSlow);
            }
        }
    }
}
