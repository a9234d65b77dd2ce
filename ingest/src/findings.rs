//! Keeps what digests say: of log files for who reads them next, and in the table `digest_findings` what
//! `ingested_objects` does not say.
//!
//! An object is said to be what its newest row says, in whichever table; what was tampered with stays so until it is
//! proven (`order`). What digests proved stays proven until something speaks against it: that a key or a digest
//! cannot be reached today undoes nothing.

mod held;
mod order;
mod said;
mod timeline;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::digest::{ChainId, ChainReport, Event, Finding, Options, Span, Status, Subject, Vault};
use crate::error::Result;
use crate::store::Store;

pub use held::{DigestStatus, MOST_HELD, MOST_TAMPERED};
use timeline::Timeline;
use write::Batch;

/// Findings looked up and written at once, some 500 bytes each.
const BATCH_FINDINGS: usize = 20_000;

/// Time that no digest covers yet grows with the clock: it is kept by the hour, else each run would add a row.
const HOUR: i64 = 3_600 * 1_000_000;

/// One thing found, by the name that its object has in the tables.
#[derive(Debug, Clone)]
struct Found {
    chain: Arc<ChainId>,
    subject: Subject,
    status: Status,
    /// Name of a log file, digest or folder; of time, the folder of the chain's digests.
    object: String,
    span: Option<Span>,
    detail: String,
}

/// A stretch of a chain's time that is proven (`valid`) or not (`gap`).
#[derive(Debug)]
struct Painted {
    chain: Arc<ChainId>,
    /// The folder of the chain's digests.
    folder: Arc<str>,
    span: Span,
    status: Status,
    layer: Layer,
}

/// What a stretch of time does to what was known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// It takes its place.
    Over,
    /// It leaves that, and counts where nothing was known.
    Under,
}

/// Takes what a verification finds.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    vault: Arc<dyn Vault>,
    bucket: Option<String>,
    /// End of what is verified.
    until: Option<i64>,
    source: String,
    clock: fn() -> i64,
    statuses: DigestStatus,
    batch: Batch,
    /// Folders of the accounts and regions that were verified to their end.
    verified: BTreeSet<String>,
    /// Folders that could not be listed.
    unlisted: BTreeSet<String>,
}

impl Recorder {
    /// Keeps findings of `source` (its id) in a store. `vault` and `options` are those of the verification, `clock`
    /// gives the time in microseconds since the epoch.
    #[must_use]
    pub fn new(
        store: Store,
        vault: Arc<dyn Vault>,
        options: &Options,
        source: &str,
        clock: fn() -> i64,
    ) -> Self {
        Self {
            store,
            vault,
            bucket: options.bucket.clone(),
            until: options.to,
            source: source.to_owned(),
            clock,
            statuses: DigestStatus::default(),
            batch: Batch::default(),
            verified: BTreeSet::new(),
            unlisted: BTreeSet::new(),
        }
    }

    /// Takes one event in, and writes when enough are held.
    ///
    /// # Errors
    /// [`Error::Exhausted`](crate::Error::Exhausted) where the store fails again and again.
    pub async fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Finding(finding) => self.finding(finding),
            Event::Chain(report) => self.chain(&report),
        }
        if self.batch.len() >= BATCH_FINDINGS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes what is left, and gives the statuses of log files. To be called too where the verification ended early.
    ///
    /// # Errors
    /// As [`Recorder::take`].
    pub async fn finish(mut self) -> Result<DigestStatus> {
        self.flush().await?;
        if !self.verified.is_empty() {
            self.mend().await?;
            self.flush().await?;
        }
        Ok(self.statuses)
    }

    async fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        write::write(&self.store, &self.source, &batch, self.clock).await
    }

    fn finding(&mut self, finding: Finding) {
        if finding.subject == Subject::Time {
            if let Some(mut span) = finding.span {
                if self.until == Some(span.to) {
                    span.to -= span.to.rem_euclid(HOUR);
                }
                let folder = self.folder(&finding.chain);
                self.paint(&finding.chain, &folder, span, Status::Gap, Layer::Under);
            }
            return;
        }
        let key = finding.key.trim_end_matches('/');
        let name = self.vault.name(finding.bucket.as_deref(), key);
        let object = name.trim_end_matches('/').to_owned();
        match finding.subject {
            // Another finding about it weighs more.
            Subject::Log if !self.statuses.note(&object, finding.status) => return,
            Subject::Folder => {
                self.unlisted.insert(object.clone());
            }
            _ => {}
        }
        self.batch.found.push(Found {
            chain: finding.chain,
            subject: finding.subject,
            status: finding.status,
            object,
            span: None,
            detail: finding.cause,
        });
    }

    /// Time that digests prove is proven where every log file that they list is valid. What was proven before is not any
    /// more where one of them is missing or altered.
    fn chain(&mut self, report: &ChainReport) {
        let (chain, folder) = (&report.chain, self.folder(&report.chain));
        let mut now = Timeline::default();
        for (spans, status) in [
            (&report.proven, Status::Valid),
            (&report.unread, Status::Gap),
        ] {
            for span in spans {
                now.paint(*span, status);
            }
        }
        for (span, status) in now.stretches() {
            let layer = match status {
                Status::Valid => Layer::Over,
                _ => Layer::Under,
            };
            self.paint(chain, &folder, *span, *status, layer);
        }
        for (spans, layer) in [
            (&report.unproven, Layer::Under),
            (&report.faulty, Layer::Over),
        ] {
            for span in spans {
                self.paint(chain, &folder, *span, Status::Gap, layer);
            }
        }
        let logs = self
            .vault
            .name(self.bucket.as_deref(), &report.chain.logs());
        self.verified.extend([folder.to_string(), logs]);
    }

    fn folder(&self, chain: &ChainId) -> Arc<str> {
        let name = self.vault.name(self.bucket.as_deref(), &chain.digests());
        Arc::from(name)
    }

    fn paint(
        &mut self,
        chain: &Arc<ChainId>,
        folder: &Arc<str>,
        span: Span,
        status: Status,
        layer: Layer,
    ) {
        self.batch.painted.push(Painted {
            chain: Arc::clone(chain),
            folder: Arc::clone(folder),
            span,
            status,
            layer,
        });
    }

    /// Tells of folders that could not be listed by an earlier run, and could by this one.
    async fn mend(&mut self) -> Result<()> {
        let chain = Arc::new(ChainId {
            account: String::new(),
            region: String::new(),
            trail: String::new(),
            home_region: String::new(),
            base: String::new(),
        });
        let mut retries = write::retries();
        let unlisted = loop {
            match said::unlisted(&self.store).await {
                Ok(unlisted) => break unlisted,
                Err(error) => retries.wait(error, write::tell).await?,
            }
        };
        for object in unlisted {
            let is_above = |folder: &String| is_in(folder, &object) || is_in(&object, folder);
            if !self.unlisted.contains(&object) && self.verified.iter().any(is_above) {
                self.batch.found.push(Found {
                    chain: Arc::clone(&chain),
                    subject: Subject::Folder,
                    status: Status::Valid,
                    object,
                    span: None,
                    detail: String::new(),
                });
            }
        }
        Ok(())
    }
}

/// True for a folder itself, and for what lies in it.
fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
