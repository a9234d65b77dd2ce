//! The PostgreSQL wire protocol: psql, drivers and BI tools read podtrail's tables with what they have.
//!
//! Every statement is planned over the snapshot in service and run by the [`Executor`], within its bounds. What
//! clients `SET` stays with their connection.

mod cancel;
mod catalog;
mod connection;
mod conversation;
mod error;
mod functions;
mod lacking;
mod line;
mod parameters;
mod rows;
mod settings;
mod statement;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use podtrail_query::{Executor, Session};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use cancel::Cancels;
use catalog::Catalog;
use connection::Connection;
use statement::Sorter;

/// Connections beyond the most that are told so, and may cancel statements of others.
const SURPLUS: usize = 16;
/// How long to wait after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Gives the newest snapshot in service.
pub trait Snapshots: Send + Sync + 'static {
    /// Gives it.
    fn current(&self) -> Arc<Session>;
}

/// Checks passwords: when a client comes, and again before each of its statements.
#[async_trait]
pub trait PasswordCheck: Send + Sync + 'static {
    /// Gives the name of who has the password.
    ///
    /// # Errors
    /// Why they are not let in: that is logged for debugging, never answered.
    async fn check(&self, password: &str) -> Result<String, Refused>;
}

/// Why a password lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is none, or not any more.
    #[error("{0}")]
    Denied(String),
    /// It can neither be accepted nor refused now.
    #[error("{0}")]
    Unavailable(String),
}

/// Gives the TLS configuration of now.
pub type CurrentTls = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// How PostgreSQL clients are served.
#[derive(Clone)]
pub struct PgOptions {
    /// Runs the statements.
    pub executor: Executor,
    /// What they read.
    pub snapshots: Arc<dyn Snapshots>,
    /// Checks passwords; without it, clients on this machine are let in, and no others.
    pub auth: Option<Arc<dyn PasswordCheck>>,
    /// Who asks, where no password is checked.
    pub trusted: String,
    /// Encrypts connections. Passwords from other machines are taken over encrypted ones alone.
    pub tls: Option<CurrentTls>,
    /// Connections at once.
    pub max_connections: usize,
    /// How long a connection may take to say who it is.
    pub handshake_timeout: Duration,
    /// How long a connection may say nothing, or take nothing of what is sent to it.
    pub idle_timeout: Duration,
    /// How long statements may go on when the service stops.
    pub drain: Duration,
}

impl PgOptions {
    /// Options with 100 connections, 10 s to say who one is, 10 minutes to be idle, 10 s to drain, and neither
    /// passwords nor encryption.
    #[must_use]
    pub fn new(executor: Executor, snapshots: Arc<dyn Snapshots>) -> Self {
        Self {
            executor,
            snapshots,
            auth: None,
            trusted: "anonymous".to_owned(),
            tls: None,
            max_connections: 100,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(10),
            drain: Duration::from_secs(10),
        }
    }
}

impl std::fmt::Debug for PgOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PgOptions")
            .field("max_connections", &self.max_connections)
            .field("password", &self.auth.is_some())
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// What the connections share.
struct Service {
    executor: Executor,
    snapshots: Arc<dyn Snapshots>,
    catalog: Catalog,
    sorter: Sorter,
    cancels: Arc<Cancels>,
    auth: Option<Arc<dyn PasswordCheck>>,
    trusted: String,
    tls: Option<CurrentTls>,
    handshake_timeout: Duration,
    idle_timeout: Duration,
}

/// Serves PostgreSQL clients until `stop`; then statements under way may end, for as long as the options say.
///
/// # Errors
/// Where PostgreSQL's catalog cannot be made.
pub async fn serve(
    listener: TcpListener,
    options: PgOptions,
    stop: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let catalog = Catalog::new(&options.snapshots).context("make PostgreSQL's catalog")?;
    let service = Arc::new(Service {
        executor: options.executor,
        snapshots: options.snapshots,
        catalog,
        sorter: Sorter::new(),
        cancels: Arc::default(),
        auth: options.auth,
        trusted: options.trusted,
        tls: options.tls,
        handshake_timeout: options.handshake_timeout,
        idle_timeout: options.idle_timeout,
    });
    let (stopping, stopped) = watch::channel(false);
    let mut door = Door {
        service,
        places: Arc::new(Semaphore::new(options.max_connections)),
        surplus: Arc::new(Semaphore::new(SURPLUS)),
        stopped,
        connections: JoinSet::new(),
    };
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => door.enter(stream, peer),
            Err(failure) => {
                tracing::warn!(error = %failure, "cannot take a PostgreSQL connection");
                // Most likely there are no file handles left: others need time to give theirs back.
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    // Nobody listens where there is no connection.
    let _ = stopping.send(true);
    door.drain(options.drain).await;
    Ok(())
}

/// Lets connections in, as many as there may be.
struct Door {
    service: Arc<Service>,
    places: Arc<Semaphore>,
    surplus: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
    connections: JoinSet<()>,
}

impl Door {
    fn enter(&mut self, stream: TcpStream, peer: SocketAddr) {
        while self.connections.try_join_next().is_some() {}
        let place = Arc::clone(&self.places).try_acquire_owned();
        let surplus = place.is_err();
        let Ok(place) = place.or_else(|_| Arc::clone(&self.surplus).try_acquire_owned()) else {
            tracing::debug!(%peer, "a PostgreSQL connection was dropped: there are too many");
            return;
        };
        let connection = Connection {
            service: Arc::clone(&self.service),
            peer,
            surplus,
            stop: self.stopped.clone(),
        };
        self.connections.spawn(async move {
            let _place = place;
            if let Err(failure) = Box::pin(connection.serve(stream)).await {
                tracing::debug!(%peer, error = %failure, "a PostgreSQL connection failed");
            }
        });
    }

    async fn drain(mut self, patience: Duration) {
        let all = async { while self.connections.join_next().await.is_some() {} };
        if timeout(patience, all).await.is_err() {
            tracing::warn!(
                connections = self.connections.len(),
                "PostgreSQL statements were cut off: they took longer than the service waits"
            );
            self.connections.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests;
