//! Where collected documents and warnings go.

use std::fmt;

use tokio::sync::mpsc;

use crate::collect::Document;

/// What a collector finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Documents to be imported together, in this order.
    Documents(Vec<Document>),
    /// Something that could not be read.
    Warning(Warning),
}

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The caller lacks a permission.
    Denied,
    /// The service refused the credentials themselves.
    Credentials,
    /// The service is out of reach or failed again and again.
    Unavailable,
    /// The service said something that is not understood.
    Malformed,
}

/// A call that told nothing and should have. The rest was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What was asked: `eks:DescribeCluster`, `kubernetes pods`.
    pub call: String,
    /// Where: account, region, cluster, name of the object.
    pub place: String,
    /// Why it failed.
    pub reason: Reason,
    /// What the service said, bounded and in one line.
    pub detail: String,
    /// What to do; empty where nothing can be done.
    pub advice: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.call, self.place, self.detail)?;
        if !self.advice.is_empty() {
            write!(out, "; {}", self.advice)?;
        }
        Ok(())
    }
}

/// The receiver is gone: nobody wants the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes what is collected")]
pub struct Closed;

/// Takes what collectors find. Waits while the receiver is busy, so that memory is bounded by the
/// capacity of its channel.
#[derive(Debug, Clone)]
pub struct Output(mpsc::Sender<Found>);

impl Output {
    /// Sends into a channel.
    #[must_use]
    pub const fn new(sender: mpsc::Sender<Found>) -> Self {
        Self(sender)
    }

    pub(crate) async fn document(&self, document: Document) -> Result<(), Closed> {
        self.documents(vec![document]).await
    }

    pub(crate) async fn documents(&self, documents: Vec<Document>) -> Result<(), Closed> {
        self.send(Found::Documents(documents)).await
    }

    pub(crate) async fn warning(&self, warning: Warning) -> Result<(), Closed> {
        tracing::debug!(%warning, "not read");
        self.send(Found::Warning(warning)).await
    }

    /// Waits until the receiver is gone.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    async fn send(&self, found: Found) -> Result<(), Closed> {
        self.0.send(found).await.map_err(|_| Closed)
    }
}

/// Bytes of a service's own words that are kept.
const DETAIL_BYTES: usize = 300;

/// An error and its causes as one bounded line.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    line(&crate::aws::causes(error))
}

/// A service's own words as one bounded line.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.len() + word.len() >= DETAIL_BYTES {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|char| !char.is_control()));
    }
    out
}
