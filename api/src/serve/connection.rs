//! What a connection does, and how long it may do nothing.
//!
//! hyper bounds neither how long a client may take to read an answer, nor, over HTTP/2, how long
//! it may stay without a request; and it counts the pause between two requests of HTTP/1 as time
//! of the second one's head. Hence connections keep record of when they last got on.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The most bytes handed to a connection at once, so that its progress shows in small steps, and
/// little of an answer nobody reads is left in its buffers.
const CHUNK: usize = 64 * 1024;

/// How long a connection may stay without progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the head of a request, from its first byte; for the first one from the beginning.
    pub(crate) head: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
    /// With part of an answer that the client does not take.
    pub(crate) stall: Duration,
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing before this time.
    Wait(Instant),
    /// It was idle for long: no more requests, then close.
    Close,
    /// It waits in vain for the client: drop it.
    Cut(&'static str),
}

/// The record of a connection.
#[derive(Debug)]
pub(crate) struct Activity {
    patience: Patience,
    /// Requests in flight of all connections.
    total: Arc<AtomicUsize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// Since when no request is in flight.
    idle: Instant,
    /// Since when a request's head is awaited.
    head: Option<Instant>,
    /// Whether it is HTTP/2, once that is known. Its bytes between requests are no head: it has pings, to which it bounds
    /// the answer.
    http2: Option<bool>,
    /// Some of a head has come.
    begun: bool,
    /// It was given up to wait for the rest of it.
    late: bool,
    /// Who is to hear so.
    reader: Option<Waker>,
    /// Since when the connection should be closing.
    closing: Option<Instant>,
    /// No request is in hand, and all that was answered is out.
    between: bool,
    /// Parts handed out since when, for which nobody came back, by number of the request.
    unread: HashMap<u64, Instant>,
    next: u64,
}

impl Activity {
    pub(crate) fn new(patience: Patience, total: Arc<AtomicUsize>) -> Arc<Self> {
        let now = now();
        let state = State {
            in_flight: 0,
            idle: now,
            head: Some(now),
            http2: None,
            begun: false,
            late: false,
            reader: None,
            closing: None,
            between: true,
            unread: HashMap::new(),
            next: 0,
        };
        Arc::new(Self {
            patience,
            total,
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes bytes that came from the client.
    fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        let http2 = *state.http2.get_or_insert(bytes.starts_with(b"PRI"));
        if state.in_flight == 0 && !http2 {
            state.head.get_or_insert_with(now);
            state.begun = true;
        }
    }

    /// Notes a request, until what is returned is dropped.
    pub(crate) fn request(self: &Arc<Self>, http2: bool) -> InFlight {
        let mut state = self.state();
        state.in_flight += 1;
        (state.between, state.begun, state.late) = (false, false, false);
        state.head = None;
        state.http2 = Some(http2);
        state.next += 1;
        let number = state.next;
        drop(state);
        self.total.fetch_add(1, Ordering::Relaxed);
        InFlight {
            activity: Arc::clone(self),
            number,
        }
    }

    /// Notes that the connection was asked to close.
    pub(crate) fn closing(&self) {
        self.state().closing.get_or_insert_with(now);
    }

    /// Notes that all that was to be written is out.
    pub(crate) fn flushed(&self) {
        let mut state = self.state();
        state.between = state.in_flight == 0;
    }

    /// Whether no request is in hand and all that was answered is out: what HTTP/1 writes then answers none.
    pub(crate) fn is_between_requests(&self) -> bool {
        self.state().between
    }

    /// Gives up a request whose head has begun to come, if there is one: its client is told so before the connection ends.
    pub(crate) fn give_up(&self) -> bool {
        let mut state = self.state();
        if state.late || !state.begun || !state.between {
            return false;
        }
        state.late = true;
        state.head = None;
        state.closing.get_or_insert_with(now);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
        true
    }

    /// Whether a request was given up; `reader` is woken when one is.
    pub(crate) fn is_given_up(&self, reader: &Waker) -> bool {
        let mut state = self.state();
        if !state.late {
            state.reader = Some(reader.clone());
        }
        state.late
    }

    /// What is to be done now. No time to wait is longer than the shortest patience, hence none
    /// is missed that begins meanwhile.
    pub(crate) fn judge(&self) -> Verdict {
        let now = now();
        let state = self.state();
        let Patience { head, idle, stall } = self.patience;
        let mut next = now + head.min(idle).min(stall);
        if let Some(since) = state.unread.values().min() {
            if *since + stall <= now {
                return Verdict::Cut("the client does not read");
            }
            next = next.min(*since + stall);
        }
        if state.in_flight > 0 {
            return Verdict::Wait(next);
        }
        if let Some(since) = state.head {
            if since + head <= now {
                return Verdict::Cut("no request came");
            }
            next = next.min(since + head);
        }
        let (until, verdict) = match state.closing {
            Some(since) => (since + stall, Verdict::Cut("it does not close")),
            None => (state.idle + idle, Verdict::Close),
        };
        if until <= now {
            return verdict;
        }
        Verdict::Wait(next.min(until))
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct InFlight {
    activity: Arc<Activity>,
    number: u64,
}

impl InFlight {
    /// Lets the response's body keep the request in flight.
    pub(crate) fn keep(self, body: Body) -> Watched {
        Watched {
            body,
            rest: None,
            request: self,
        }
    }

    fn asked(&self) {
        self.activity.state().unread.remove(&self.number);
    }

    fn handed(&self) {
        let mut state = self.activity.state();
        state.unread.insert(self.number, now());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.unread.remove(&self.number);
        state.in_flight -= 1;
        state.idle = now();
        drop(state);
        self.activity.total.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response's body. Connections ask for a part only when they have room for it, hence whoever
/// took one and does not come back waits for the client.
#[derive(Debug)]
pub(crate) struct Watched {
    body: Body,
    rest: Option<Bytes>,
    request: InFlight,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.request.asked();
        let frame = match this.rest.take() {
            Some(rest) => Frame::data(rest),
            None => match std::task::ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            },
        };
        this.request.handed();
        let frame = match frame.into_data() {
            Ok(mut data) if data.len() > CHUNK => {
                this.rest = Some(data.split_off(CHUNK));
                Frame::data(data)
            }
            Ok(data) => Frame::data(data),
            Err(trailers) => trailers,
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.as_ref().map_or(0, Bytes::len) as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

/// A stream that notes when the client sends.
#[derive(Debug)]
pub(crate) struct Noted<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Noted<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = buffer.filled();
        if bytes.len() > before {
            self.activity.received(&bytes[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(not(test))]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
use tests::now;

#[cfg(test)]
mod tests;
