//! The bytes of a connection: encrypted or not, bounded, and watched while a statement runs.
//!
//! A statement under way keeps its connection from reading. The line can be read ahead meanwhile, so that a client
//! that leaves is noticed and its statement ends.

use std::future::poll_fn;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::TlsAcceptor;

/// Bytes that are read ahead while a statement runs.
const MOST_AHEAD: usize = 64 << 10;
/// Bytes read at once.
const CHUNK: usize = 8 << 10;
/// Rounds of negotiation about encryption: one for TLS, one for GSSAPI, and one to spare.
const ROUNDS: usize = 3;
/// Codes of <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const GSSAPI_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
/// First byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 22;
/// Name of the protocol within TLS.
const ALPN: &[u8] = b"postgresql";

/// Bounds of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineBounds {
    /// Bytes of a message.
    pub(super) message_bytes: usize,
    /// How long a client may take no byte of what is sent to it.
    pub(super) stall: Duration,
}

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// One end of a connection. Clones are the same end.
#[derive(Clone)]
pub(super) struct Line(Arc<Mutex<Inner>>);

struct Inner {
    bytes: Box<dyn Bytes>,
    /// Read and not yet taken.
    ahead: BytesMut,
    messages: Messages,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Line {
    /// Agrees on encryption. Gives none where the client left, or wants what cannot be had.
    ///
    /// # Errors
    /// Where the connection fails, or the handshake.
    pub(super) async fn open(
        mut stream: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        bounds: LineBounds,
    ) -> Result<Option<(Self, bool)>> {
        stream.set_nodelay(true)?;
        for _ in 0..ROUNDS {
            let mut first = [0];
            if stream.peek(&mut first).await? == 0 {
                return Ok(None);
            }
            if first[0] == TLS_HANDSHAKE {
                let Some(tls) = tls else { return Ok(None) };
                return Ok(Some((Self::encrypted(stream, &tls, bounds).await?, true)));
            }
            // Exactly the request is read: bytes that follow it unencrypted never pass for encrypted ones.
            let mut request = [0; 8];
            stream.read_exact(&mut request).await?;
            match (request, &tls) {
                (TLS_REQUEST, Some(tls)) => {
                    stream.write_all(b"S").await?;
                    return Ok(Some((Self::encrypted(stream, tls, bounds).await?, true)));
                }
                (TLS_REQUEST | GSSAPI_REQUEST, _) => stream.write_all(b"N").await?,
                _ => {
                    return Ok(Some((
                        Self::new(Box::new(stream), &request, bounds)?,
                        false,
                    )));
                }
            }
        }
        Ok(None)
    }

    async fn encrypted(stream: TcpStream, tls: &ServerConfig, bounds: LineBounds) -> Result<Self> {
        let mut tls = tls.clone();
        // What is configured may be HTTP's, which no PostgreSQL client asks for.
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let stream = TlsAcceptor::from(Arc::new(tls)).accept(stream).await?;
        Self::new(Box::new(stream), &[], bounds)
    }

    fn new(bytes: Box<dyn Bytes>, read: &[u8], bounds: LineBounds) -> Result<Self> {
        let mut messages = Messages::new(bounds.message_bytes);
        messages.pass(read)?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            bytes,
            ahead: BytesMut::from(read),
            messages,
            stall: bounds.stall,
            stalled: None,
        }))))
    }

    /// Waits until the client leaves, and keeps what it sends meanwhile.
    pub(super) async fn closed(&self) {
        poll_fn(|context| self.inner().poll_closed(context)).await;
    }

    // The ends of a line are polled by one task, in turn.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut chunk = [0; CHUNK];
        while self.ahead.len() < MOST_AHEAD {
            let mut read = ReadBuf::new(&mut chunk);
            match ready!(Pin::new(&mut self.bytes).poll_read(context, &mut read)) {
                Ok(()) if read.filled().is_empty() => return Poll::Ready(()),
                Ok(()) if self.messages.pass(read.filled()).is_ok() => {
                    self.ahead.extend_from_slice(read.filled());
                }
                _ => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    fn poll_read(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.ahead.has_remaining() {
            let count = self.ahead.len().min(into.remaining());
            into.put_slice(&self.ahead.split_to(count));
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut self.bytes).poll_read(context, into))?;
        Poll::Ready(self.messages.pass(&into.filled()[before..]))
    }

    /// Fails what has waited for the client too long.
    fn unless_stalled<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let stall = self.stall;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(Error::new(
            ErrorKind::TimedOut,
            "the client takes nothing of what is sent to it",
        )))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        self.inner().poll_read(context, into)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<Result<usize>> {
        let mut inner = self.inner();
        let result = Pin::new(&mut inner.bytes).poll_write(context, from);
        inner.unless_stalled(context, result)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let mut inner = self.inner();
        let result = Pin::new(&mut inner.bytes).poll_flush(context);
        inner.unless_stalled(context, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let mut inner = self.inner();
        let result = Pin::new(&mut inner.bytes).poll_shutdown(context);
        inner.unless_stalled(context, result)
    }
}

/// Follows where messages begin, so that one that is too long is refused before it fills the memory.
#[derive(Debug)]
struct Messages {
    most: usize,
    /// The header under way: a type, but for the first message, and a length that counts itself.
    header: [u8; 5],
    known: usize,
    /// Bytes of the message that are still to come.
    rest: usize,
}

impl Messages {
    fn new(most: usize) -> Self {
        Self {
            most,
            header: [0; 5],
            known: 1,
            rest: 0,
        }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some((first, others)) = bytes.split_first() {
            if self.rest > 0 {
                let count = self.rest.min(bytes.len());
                self.rest -= count;
                bytes = &bytes[count..];
                continue;
            }
            self.header[self.known] = *first;
            self.known += 1;
            bytes = others;
            if self.known < self.header.len() {
                continue;
            }
            self.known = 0;
            let [_, length @ ..] = self.header;
            let length = u32::from_be_bytes(length) as usize;
            if length < 4 || length > self.most {
                return Err(Error::new(
                    ErrorKind::InvalidData,
                    format!("a message may have at most {} bytes", self.most),
                ));
            }
            self.rest = length - 4;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
