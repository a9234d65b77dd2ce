//! What is known of one chain while it is walked from its newest digest to its oldest.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::layout::DigestName;
use super::proof::{Expected, Weight};
use super::report::{ChainId, ChainReport, Span};

/// Unproven stretches kept for a chain's report; the findings name each.
const KEPT_SPANS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Chain {
    pub(super) id: Arc<ChainId>,
    /// The newest digest's, as that of an ordinary digest.
    pub(super) name: DigestName,
    /// What the digest last seen says of the one before it.
    pub(super) expected: Option<Expected>,
    /// The oldest digest proven so far.
    pub(super) oldest: Option<Oldest>,
    /// A finding tells already why the time before `oldest` is not proven.
    pub(super) explained: bool,
    /// The chain goes on in folders that are verified by themselves.
    pub(super) continued: bool,
    /// End of the digest last seen, which the next must be older than.
    pub(super) last_end: i64,
    pub(super) digests: u64,
    /// Newest first, none touching another.
    proven: Vec<Span>,
    /// Newest first.
    holes: Vec<Span>,
}

#[derive(Debug)]
pub(super) struct Oldest {
    pub(super) start: i64,
    pub(super) key: String,
    /// It has no previous digest.
    pub(super) starting: bool,
}

/// How a digest from the listing stands to what its successor said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It may be taken as the next of the chain.
    Next,
    /// The one before it in the chain is to be looked for first.
    Later,
    /// The chain passes it by.
    PassedBy,
}

impl Chain {
    pub(super) fn new(name: &DigestName) -> Self {
        Self {
            id: Arc::new(ChainId {
                account: name.lane.account.clone(),
                region: name.lane.region.clone(),
                trail: name.trail.clone(),
                home_region: name.home_region.clone(),
                base: name.lane.base.clone(),
            }),
            name: DigestName {
                backfill: false,
                ..name.clone()
            },
            expected: None,
            oldest: None,
            explained: false,
            continued: false,
            last_end: i64::MAX,
            digests: 0,
            proven: Vec::new(),
            holes: Vec::new(),
        }
    }

    /// Compares a digest from the listing with the one that is expected. The word of a digest that
    /// is known to be bad counts for nothing here, and that of an unproven one accuses nobody.
    pub(super) fn fit(&self, bucket: Option<&str>, name: &DigestName, key: &str) -> Fit {
        let Some(expected) = &self.expected else {
            return Fit::Next;
        };
        if expected.weight == Weight::Suspect || expected.is_at(bucket, key) {
            return Fit::Next;
        }
        let here = bucket.is_none_or(|bucket| bucket == expected.bucket);
        let in_lane = expected
            .name
            .as_ref()
            .filter(|expected| here && expected.lane == name.lane);
        match in_lane {
            Some(expected) if expected.end > name.end => Fit::Later,
            None => Fit::Later,
            Some(_) if expected.weight == Weight::Proven => Fit::PassedBy,
            Some(_) => Fit::Next,
        }
    }

    /// Takes what is expected, unless only a bad digest says so.
    pub(super) fn take_expected(&mut self) -> Option<Expected> {
        self.expected
            .take()
            .filter(|expected| expected.weight > Weight::Suspect)
    }

    /// Adds the time of a proven digest, older than all before. Yields the time between it and the
    /// next newer one where no finding has told of it.
    pub(super) fn cover(
        &mut self,
        time: Span,
        starting: bool,
        key: &str,
    ) -> Option<(Span, Oldest)> {
        let newer = self.oldest.take();
        let start = newer
            .as_ref()
            .map_or(time.from, |newer| newer.start.min(time.from));
        self.oldest = Some(Oldest {
            start,
            key: key.to_owned(),
            starting,
        });
        let room = self.proven.len() < KEPT_SPANS;
        match self.proven.last_mut() {
            Some(last) if last.from <= time.to => last.from = last.from.min(time.from),
            _ if room => self.proven.push(time),
            _ => {}
        }
        let explained = std::mem::take(&mut self.explained);
        let newer = newer.filter(|newer| time.to < newer.start)?;
        let hole = Span {
            from: time.to,
            to: newer.start,
        };
        if self.holes.len() < KEPT_SPANS {
            self.holes.push(hole);
        }
        (!explained).then_some((hole, newer))
    }

    /// Tells whether all of the time is proven without a break.
    pub(super) fn proves(&self, from: i64, to: i64) -> bool {
        self.proven
            .iter()
            .any(|span| span.from <= from && to <= span.to)
    }

    /// Tells whether the chain lacks a digest for some of the time, or may turn out to.
    pub(super) fn lacks(&self, from: i64, to: i64) -> bool {
        let open = self.explained || self.expected.is_some();
        let oldest = self.oldest.as_ref();
        let before = oldest.is_none_or(|oldest| from < oldest.start);
        let mut holes = self.holes.iter();
        (open && before) || holes.any(|hole| hole.from < to && from < hole.to)
    }

    /// First and last moment that is proven.
    pub(super) fn extent(&self) -> Option<Span> {
        Some(Span {
            from: self.proven.last()?.from,
            to: self.proven.first()?.to,
        })
    }

    /// Sums the chain up for the window.
    pub(super) fn report(
        self,
        logs: u64,
        doubts: Doubts,
        from: Option<i64>,
        to: Option<i64>,
    ) -> ChainReport {
        let clip = |spans: Vec<Span>| {
            let clipped = spans.into_iter().rev().map(|span| Span {
                from: from.map_or(span.from, |from| span.from.max(from)),
                to: to.map_or(span.to, |to| span.to.min(to)),
            });
            clipped.filter(|span| span.from < span.to).collect()
        };
        ChainReport {
            chain: self.id,
            digests: self.digests,
            logs,
            proven: clip(self.proven),
            unproven: clip(self.holes),
            faulty: clip(doubts.faulty.newest_first()),
            unread: clip(doubts.unread.newest_first()),
        }
    }
}

/// Time of digests that list log files which are not valid.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Missing or altered.
    pub(super) faulty: Spans,
    /// Neither that nor valid.
    pub(super) unread: Spans,
}

/// Time of digests, each once.
#[derive(Debug, Default)]
pub(super) struct Spans(BTreeSet<(i64, i64)>);

impl Spans {
    /// Adds the time of a digest. Beyond the bound, the oldest time grows until it has it: more than is meant may be
    /// said, never less.
    pub(super) fn add(&mut self, time: Span) {
        self.0.insert((time.from, time.to));
        if self.0.len() > KEPT_SPANS
            && let (Some(one), Some(other)) = (self.0.pop_first(), self.0.pop_first())
        {
            self.0.insert((one.0, one.1.max(other.1)));
        }
    }

    fn newest_first(self) -> Vec<Span> {
        let spans = self.0.into_iter().rev();
        spans.map(|(from, to)| Span { from, to }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_more_time_is_said_and_never_less() {
        let mut times = Spans::default();
        let hours = i64::try_from(KEPT_SPANS).unwrap_or(0) + 2;
        for hour in 0..hours {
            let (from, to) = (10 * hour, 10 * hour + 1);
            times.add(Span { from, to });
            times.add(Span { from, to });
        }
        let spans = times.newest_first();
        assert_eq!(spans.len(), KEPT_SPANS);
        assert_eq!(spans.last(), Some(&Span { from: 0, to: 21 }));
    }
}
