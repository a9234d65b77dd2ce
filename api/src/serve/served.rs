//! The snapshot in service: what every answer reads, until a newer one is ready to take its place.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use podtrail_query::{Engine, Error, Session, Snapshot};

use super::observed::{self, Newest};
use super::pgwire::Snapshots;

/// A session and how fresh it is.
#[derive(Debug, Clone)]
pub struct InService {
    /// The session.
    pub session: Arc<Session>,
    /// When its snapshot was pinned.
    pub pinned_at: DateTime<Utc>,
    /// When the store was last seen to hold nothing newer.
    pub checked_at: DateTime<Utc>,
    /// Since when the store cannot be read; the session is the last good one then.
    pub stale_since: Option<DateTime<Utc>>,
    /// Whether what sessions keep has been computed.
    pub warm: bool,
    /// Its newest event.
    pub newest: Newest,
}

impl InService {
    /// Gives the versions of the tables.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        self.session.snapshot()
    }
}

/// Holds the snapshot in service and keeps it new.
#[derive(Debug)]
pub struct Served {
    engine: Engine,
    clock: fn() -> DateTime<Utc>,
    now: RwLock<InService>,
}

impl Served {
    /// Opens the first session.
    ///
    /// # Errors
    /// As [`Engine::session`].
    pub async fn open(engine: Engine, clock: fn() -> DateTime<Utc>) -> Result<Self, Error> {
        let session = Arc::new(engine.session().await?);
        let now = clock();
        Ok(Self {
            engine,
            clock,
            now: RwLock::new(InService {
                session,
                pinned_at: now,
                checked_at: now,
                stale_since: None,
                warm: false,
                newest: Newest::default(),
            }),
        })
    }

    /// Gives the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Gives what is in service now.
    #[must_use]
    pub fn now(&self) -> InService {
        self.now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut InService)) {
        change(&mut self.now.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Looks for newer versions and takes them into service, computed and ready. Where the store cannot be read,
    /// what is in service stays.
    ///
    /// # Errors
    /// Why the store cannot be read.
    pub async fn refresh(&self) -> Result<(), Error> {
        let result = self.newer().await;
        let now = (self.clock)();
        match result {
            Ok(None) => self.change(|state| {
                state.checked_at = now;
                state.stale_since = None;
            }),
            Ok(Some((session, newest))) => self.change(|state| {
                *state = InService {
                    session,
                    pinned_at: now,
                    checked_at: now,
                    stale_since: None,
                    warm: true,
                    newest,
                };
            }),
            Err(error) => {
                self.change(|state| {
                    state.stale_since.get_or_insert(now);
                });
                return Err(error);
            }
        }
        Ok(())
    }

    async fn newer(&self) -> Result<Option<(Arc<Session>, Newest)>, Error> {
        let current = self.now();
        if self.engine.newest(current.snapshot()).await? == *current.snapshot() {
            if !current.warm {
                let newest = ready(&current.session).await?;
                self.change(|state| {
                    state.warm = true;
                    state.newest = newest;
                });
            }
            return Ok(None);
        }
        let session = self.engine.session().await?;
        let newest = ready(&session).await?;
        Ok(Some((Arc::new(session), newest)))
    }

    /// Refreshes for ever, at this interval. One look never overlaps another.
    pub async fn keep_new(self: Arc<Self>, every: Duration) {
        let mut failing = false;
        loop {
            match self.refresh().await {
                Ok(()) if failing => {
                    tracing::info!("the store can be read again");
                    failing = false;
                }
                Ok(()) => {}
                Err(error) if failing => tracing::debug!(%error, "the store cannot be read"),
                Err(error) => {
                    tracing::warn!(%error, "the store cannot be read: serving the last good snapshot");
                    failing = true;
                }
            }
            tokio::time::sleep(every).await;
        }
    }
}

impl Snapshots for Served {
    fn current(&self) -> Arc<Session> {
        self.now().session
    }
}

/// Computes what a session keeps, and tells what it holds.
async fn ready(session: &Session) -> Result<Newest, Error> {
    session.warm().await?;
    observed::snapshot(session).await
}
