//! Response bodies that hold on to something until they are sent or given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

/// What a body holds until its end, and may tell of its way there.
pub(super) trait Guard: Unpin {
    /// So many bytes were handed on.
    fn sent(&mut self, _bytes: usize) {}

    /// The end was reached without an error.
    fn complete(&mut self) {}

    /// Runs around the production of each part.
    fn within<T>(&mut self, produce: impl FnOnce() -> T) -> T {
        produce()
    }
}

impl Guard for OwnedSemaphorePermit {}

/// A body with a guard, which is dropped at the end of the body or together with it.
///
/// A permit that a middleware holds is released with the response's head, while the work for a
/// streamed answer only begins there.
#[derive(Debug)]
pub(super) struct Guarded<G> {
    body: Body,
    guard: Option<G>,
}

impl<G: Guard + Send + 'static> Guarded<G> {
    /// Lets the body keep the guard.
    pub(super) fn wrap(body: Body, mut guard: G) -> Body {
        // Empty bodies are never polled.
        if body.is_end_stream() {
            guard.complete();
            return body;
        }
        let guard = Some(guard);
        Body::new(Self { body, guard })
    }
}

impl<G: Guard> HttpBody for Guarded<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, guard } = self.get_mut();
        let mut produce = || Pin::new(&mut *body).poll_frame(context);
        let polled = match guard {
            Some(guard) => guard.within(produce),
            None => produce(),
        };
        let Poll::Ready(next) = &polled else {
            return polled;
        };
        if let (Some(guard), Some(Ok(frame))) = (guard.as_mut(), next) {
            guard.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        // Nobody polls again for the end of a body which tells that it is at its end.
        let failed = matches!(next, Some(Err(_)));
        let ended = next.is_none() || failed || body.is_end_stream();
        if ended
            && let Some(mut guard) = guard.take()
            && !failed
        {
            guard.complete();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
