//! What hyper refuses by itself, told in the form of all other errors.
//!
//! A head that is malformed or too large never becomes a request: hyper answers it with a status and no body, below the
//! layers that give an answer its form and its id. Its answer is known by when it comes, as no request is in hand then
//! and all that was answered is out, and another is written in its place. A head that does not come in time it would
//! not answer at all.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use chrono::Utc;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Activity;
use super::layers::secure;
use super::observe::{REQUEST_ID, refused};
use super::problem::{PROBLEM_JSON, Problem};

/// A stream that words what hyper refuses by itself.
#[derive(Debug)]
pub(crate) struct Worded<S> {
    stream: S,
    activity: Arc<Activity>,
    tls: bool,
    /// What is still to be written in the place of hyper's answer.
    ours: Bytes,
    /// It was told that a request took too long.
    told: bool,
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    /// Words what is refused on a connection; `tls` says whether it is encrypted.
    pub(crate) fn new(stream: S, activity: Arc<Activity>, tls: bool) -> Self {
        Self {
            stream,
            activity,
            tls,
            ours: Bytes::new(),
            told: false,
        }
    }

    /// Takes the place of an answer of hyper's own. Gives whether it was one.
    fn replace(&mut self, bytes: &[u8]) -> bool {
        let own = status_of(bytes).filter(|_| self.activity.is_between_requests());
        if let Some(status) = own {
            self.ours = answer(status, self.tls);
        }
        own.is_some()
    }

    /// Writes what is left of ours.
    fn poll_ours(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.ours.has_remaining() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, &self.ours))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.ours.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_ready() || !self.activity.is_given_up(context.waker()) {
            return polled;
        }
        if !self.told {
            self.told = true;
            self.ours = answer(StatusCode::REQUEST_TIMEOUT, self.tls);
        }
        ready!(self.poll_ours(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        // For hyper the client is at its end.
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_ours(context))?;
        if self.replace(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ours(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ours(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_ours(context))?;
        let first = parts.iter().find(|part| !part.is_empty());
        if first.is_some_and(|part| self.replace(part)) {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The status of an answer of HTTP/1 that begins so, if it tells that the client did wrong.
fn status_of(bytes: &[u8]) -> Option<StatusCode> {
    // "HTTP/1.1 431 ..."
    let status = bytes.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let status = StatusCode::from_bytes(status).ok()?;
    status.is_client_error().then_some(status)
}

/// Notes what was refused, and gives the answer, after which the connection is closed.
fn answer(status: StatusCode, tls: bool) -> Bytes {
    let id = refused(status);
    let document = Problem::of(status).document(id.as_str());
    let date = Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(DATE, date);
    }
    headers.insert(REQUEST_ID, id.into_value());
    secure(&mut headers, tls);
    let mut answer = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in &headers {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(&document);
    answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_to_what_is_wrong_with_a_request_are_replaced() {
        for (bytes, wanted) in [
            (
                "HTTP/1.1 431 Request Header Fields Too Large\r\n",
                Some(431),
            ),
            ("HTTP/1.0 400 Bad Request\r\n", Some(400)),
            ("HTTP/1.1 100 Continue\r\n", None),
            ("HTTP/1.1 200 OK\r\n", None),
            ("HTTP/1.1 4", None),
            ("HTTP/2 431\r\n", None),
            ("", None),
        ] {
            let status = status_of(bytes.as_bytes());
            assert_eq!(status.map(|status| status.as_u16()), wanted, "{bytes}");
        }
    }
}
