//! Serves a router on a socket, by HTTP/1.1 and HTTP/2, with or without TLS.
//!
//! hyper-util is used directly: axum-server has no bound on connections, handshakes, or clients
//! that do not read.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tracing::{debug, error, warn};

use super::connection::{Activity, Noted, Patience, Verdict, Watched};
use super::refusal::Worded;

/// How often HTTP/2 clients are asked whether they are there, and how long they may think. A
/// client that never ends its headers cannot answer either.
const PING: Duration = Duration::from_secs(20);

/// Streams that a client opened and reset before they were looked at, and those that it made the
/// server reset: beyond, the connection is closed ("rapid reset").
const RESET_BY_CLIENT: usize = 20;
const RESET_BY_SERVER: usize = 64;

/// Bytes of answers kept for each HTTP/2 stream, beyond what the client is ready to take.
const SEND_BUFFER: usize = 64 * 1024;

/// Bytes that an HTTP/2 client may send ahead of the handlers that read them, for all its streams:
/// connections times this is what unread bodies may cost.
const RECEIVE_WINDOW: u32 = 256 * 1024;

/// How long to wait when the system has no more sockets or memory for us.
const BREATH: Duration = Duration::from_millis(200);

/// hyper takes no smaller buffer.
const LEAST_HEAD: usize = 8 * 1024;

/// Bounds of a listener and its connections.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Connections at once. Further ones wait in the system's queue: each of ours ends or makes
    /// progress within the times below, so that one becomes free, while a connection closed at
    /// once would be an error to a client that a moment's waiting had served.
    pub connections: usize,
    /// Time for the head of a request, from its first byte; for the first one from the
    /// beginning of the connection.
    pub head_time: Duration,
    /// Time that a connection may stay open between requests.
    pub idle_time: Duration,
    /// Time in which a client has to take 64 KiB of an answer.
    pub stall_time: Duration,
    /// Time for the TLS handshake.
    pub handshake_time: Duration,
    /// Time that requests in flight get when the server stops.
    pub drain: Duration,
    /// Bytes of a request's head; at least 8 KiB. Longer ones of HTTP/1 are answered 431 here; of HTTP/2 twice as many
    /// come through, so that those who are a little over are told by the router.
    pub head_bytes: usize,
    /// Headers of a request of HTTP/1. More are answered 431 here.
    pub headers: usize,
    /// Requests at once on one connection of HTTP/2.
    pub streams: u32,
    /// Offers TLS, and nothing else.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            connections: 512,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_mins(1),
            stall_time: Duration::from_mins(1),
            handshake_time: Duration::from_secs(10),
            drain: Duration::from_secs(20),
            head_bytes: 32 * 1024,
            headers: 100,
            streams: 64,
            tls: None,
        }
    }
}

/// Serves until `stop` is ready. Then no connection is taken any more, requests in flight are
/// finished as far as the time to drain allows, and all else is closed. Returns how many
/// requests were cut off.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ListenOptions,
    stop: impl Future<Output = ()> + Send,
) -> usize {
    let drain = options.drain;
    let (stopping, stopped) = watch::channel(false);
    let server = Arc::new(Server::new(router, options, stopped));
    let mut connections = JoinSet::new();
    tokio::select! {
        () = stop => {}
        () = accept(&listener, &server, &mut connections) => {}
    }
    // Before all else, so that clients go to another server at once.
    drop(listener);
    stopping.send_replace(true);
    let deadline = Instant::now() + drain;
    while let Ok(Some(done)) = timeout_at(deadline, connections.join_next()).await {
        tell_panic(done);
    }
    let cut = server.in_flight.load(Ordering::Relaxed);
    if cut > 0 {
        warn!(requests = cut, "requests cut off at the end");
    }
    connections.shutdown().await;
    cut
}

/// Takes connections, forever.
async fn accept(listener: &TcpListener, server: &Arc<Server>, connections: &mut JoinSet<()>) {
    let slots = Arc::new(Semaphore::new(server.connections));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_client(&error) => continue,
            Err(error) => {
                warn!(%error, "cannot take a connection");
                sleep(BREATH).await;
                continue;
            }
        };
        let server = Arc::clone(server);
        connections.spawn(async move {
            server.connection(stream, peer).await;
            drop(slot);
        });
        while let Some(done) = connections.try_join_next() {
            tell_panic(done);
        }
    }
}

/// Whether only this connection failed, before it was taken.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Panics of handlers are caught; this is about bodies that panic while they stream.
fn tell_panic(done: Result<(), tokio::task::JoinError>) {
    if done.is_err_and(|error| error.is_panic()) {
        error!("a connection was lost by a panic");
    }
}

/// What connections share.
struct Server {
    router: Router,
    http: Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    connections: usize,
    patience: Patience,
    handshake: Duration,
    in_flight: Arc<AtomicUsize>,
    stopped: watch::Receiver<bool>,
}

impl Server {
    fn new(router: Router, options: ListenOptions, stopped: watch::Receiver<bool>) -> Self {
        Self {
            router,
            http: protocols(&options),
            tls: options.tls.map(TlsAcceptor::from),
            connections: options.connections.clamp(1, Semaphore::MAX_PERMITS),
            patience: Patience {
                head: options.head_time,
                idle: options.idle_time,
                stall: options.stall_time,
            },
            handshake: options.handshake_time,
            in_flight: Arc::default(),
            stopped,
        }
    }

    /// Serves a connection to its end.
    async fn connection(&self, stream: TcpStream, peer: SocketAddr) {
        // Answers are written as a whole; waiting for more only delays their ends.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set up a connection");
        }
        let Some(tls) = &self.tls else {
            return self.http(stream, peer).await;
        };
        let mut stopped = self.stopped.clone();
        let shaken = tokio::select! {
            shaken = timeout(self.handshake, tls.accept(stream)) => shaken,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.http(stream, peer).await,
            Ok(Err(error)) => debug!(%error, "no TLS handshake"),
            Err(_) => debug!("no TLS handshake in time"),
        }
    }

    /// Speaks HTTP, watching that the connection gets on.
    async fn http<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Activity::new(self.patience, Arc::clone(&self.in_flight));
        let noted = Noted::new(stream, Arc::clone(&activity));
        let worded = Worded::new(noted, Arc::clone(&activity), self.tls.is_some());
        let stream = TokioIo::new(worded);
        let noting = Arc::clone(&activity);
        let service = service_fn(|request| answer(&self.router, &noting, peer, request));
        let mut connection = pin!(self.http.serve_connection(stream, service));
        let mut stopped = self.stopped.clone();
        let mut closing = false;
        loop {
            let wait = match activity.judge() {
                Verdict::Wait(until) => until,
                Verdict::Close => {
                    connection.as_mut().graceful_shutdown();
                    activity.closing();
                    continue;
                }
                // Who has begun a request is told that it took too long.
                Verdict::Cut(_) if activity.give_up() => continue,
                Verdict::Cut(why) => {
                    debug!(why, "cut a connection");
                    return;
                }
            };
            tokio::select! {
                done = connection.as_mut() => {
                    if let Err(error) = done {
                        debug!(error, "a connection ended early");
                    }
                    return;
                }
                () = sleep_until(wait) => {}
                _ = stopped.wait_for(|stopped| *stopped), if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    activity.closing();
                }
            }
        }
    }
}

/// Sets the bounds of both protocols.
fn protocols(options: &ListenOptions) -> Builder<TokioExecutor> {
    let head_bytes = options.head_bytes.max(LEAST_HEAD);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // The timeout for heads would count the pause between requests: see `connection`.
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(head_bytes)
        .max_headers(options.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(head_bytes.saturating_mul(2)).unwrap_or(u32::MAX))
        .initial_stream_window_size(RECEIVE_WINDOW)
        .initial_connection_window_size(RECEIVE_WINDOW)
        .max_concurrent_streams(options.streams)
        .max_pending_accept_reset_streams(RESET_BY_CLIENT)
        .max_local_error_reset_streams(RESET_BY_SERVER)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// Has a request answered by the router.
fn answer(
    router: &Router,
    activity: &Arc<Activity>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Watched>, Infallible>> + Send + 'static {
    let in_flight = activity.request(request.version() == Version::HTTP_2);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let router = router.clone();
    async move {
        let response = router.oneshot(request).await?;
        Ok(response.map(|body| in_flight.keep(body)))
    }
}

#[cfg(test)]
mod tests;
