//! Puts what a walk finds into words.

use std::sync::Arc;

use super::chain::Chain;
use super::lane::{Walk, day_of, last_day};
use super::layout::months;
use super::parse::DigestFile;
use super::proof::{Expected, Judged, Place};
use super::report::{ChainId, Event, Finding, Span, Status, Subject};

/// How long the newest digest may be overdue before the time after it counts as a gap: digests
/// cover an hour and are delivered within the one after.
const DIGEST_OVERDUE: i64 = 3 * 3_600 * 1_000_000;

impl Walk {
    /// Tells of the time before the first and after the last digest.
    pub(super) async fn edges(&mut self, chain: &Chain) {
        let (Some(extent), Some(oldest)) = (chain.extent(), &chain.oldest) else {
            return;
        };
        let options = &self.run.options;
        let before = options.from.map(|from| Span {
            from,
            to: oldest.start,
        });
        let after = options.to.map(|to| Span {
            from: extent.to,
            to,
        });
        let before = before.filter(|span| span.from < span.to && !chain.explained);
        let after = after.filter(|span| span.to.saturating_sub(span.from) > DIGEST_OVERDUE);
        if let Some(span) = before.filter(|_| !chain.continued) {
            self.gap(&chain.id, Some(span), &oldest.key, "the chain begins here")
                .await;
        }
        if let Some(span) = after {
            let cause = "no proven digest is newer: logging or log file validation was stopped, \
                         the trail was deleted or moved, or its newest digests were deleted";
            self.gap(&chain.id, Some(span), "", cause).await;
        }
    }

    /// Tells of logs where there is no digest at all.
    pub(super) async fn without_digests(&mut self) {
        let options = &self.run.options;
        let folder = self.lane.logs();
        let (from, to) = (options.from.and_then(day_of), options.to.and_then(last_day));
        let span = options.from.zip(options.to);
        let span = span.map(|(from, to)| Span { from, to });
        match months(&*self.run.vault, self.run.bucket(), &folder, from, to).await {
            Ok(months) if months.is_empty() => {}
            Ok(_) => {
                let cause = "there are log files and no digests: log file validation is off, or \
                             the digests were deleted";
                let id = self.no_chain();
                self.gap(&id, span, &folder, cause).await;
            }
            Err(error) => self.unreadable(&folder, &error.to_string()).await,
        }
    }

    fn no_chain(&self) -> Arc<ChainId> {
        Arc::new(ChainId {
            account: self.lane.account.clone(),
            region: self.lane.region.clone(),
            trail: String::new(),
            home_region: String::new(),
            base: self.lane.base.clone(),
        })
    }

    pub(super) async fn gap(
        &mut self,
        chain: &Arc<ChainId>,
        span: Option<Span>,
        key: &str,
        cause: &str,
    ) {
        let cause = match span {
            Some(span) => format!("no digest covers {span}: {cause}"),
            None => cause.to_owned(),
        };
        let finding = Finding {
            chain: Arc::clone(chain),
            status: Status::Gap,
            subject: Subject::Time,
            bucket: self.run.options.bucket.clone(),
            key: key.to_owned(),
            digest: None,
            span,
            cause,
        };
        self.found(finding).await;
    }

    pub(super) async fn unreadable(&mut self, folder: &str, cause: &str) {
        self.listed_all = false;
        for chain in self.chains.values_mut() {
            chain.explained = true;
        }
        let finding = Finding {
            chain: self.no_chain(),
            status: Status::Unreadable,
            subject: Subject::Folder,
            bucket: self.run.options.bucket.clone(),
            key: folder.to_owned(),
            digest: None,
            span: None,
            cause: cause.to_owned(),
        };
        self.found(finding).await;
    }

    pub(super) async fn found_digest(
        &mut self,
        chain: &mut Chain,
        place: Place<'_>,
        judged: &Judged,
        expected: Option<&Expected>,
    ) {
        chain.digests += 1;
        let finding = Finding {
            chain: Arc::clone(&chain.id),
            status: judged.status,
            subject: Subject::Digest,
            bucket: bucket_of(place, judged.file.as_ref()),
            key: place.key.to_owned(),
            digest: expected.map(|expected| expected.by.clone()),
            span: None,
            cause: judged.cause.clone(),
        };
        self.found(finding).await;
    }

    pub(super) async fn found(&mut self, finding: Finding) {
        if finding.subject == Subject::Log {
            *self.logs.entry(Arc::clone(&finding.chain)).or_default() += 1;
        }
        self.run.emit(Event::Finding(finding)).await;
    }
}

fn bucket_of(place: Place<'_>, file: Option<&DigestFile>) -> Option<String> {
    place
        .bucket
        .map(str::to_owned)
        .or_else(|| file.map(|file| file.bucket.clone()))
}
