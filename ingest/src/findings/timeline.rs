//! Which of a chain's time is proven: what was found last of each moment.

use crate::digest::{Span, Status};

/// Stretches kept of a chain; the oldest beyond that are forgotten, and count as never looked at.
const KEPT: usize = 1_000;

/// Stretches of time, oldest first, none overlapping another, none touching one of its own status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Timeline(Vec<(Span, Status)>);

impl Timeline {
    /// Takes stretches in any order.
    pub(super) fn of(stretches: &[(Span, Status)]) -> Self {
        let mut timeline = Self::default();
        for (span, status) in stretches {
            timeline.paint(*span, *status);
        }
        timeline
    }

    pub(super) fn stretches(&self) -> &[(Span, Status)] {
        &self.0
    }

    /// Puts a stretch where nothing is known of its time.
    pub(super) fn fill(&mut self, span: Span, status: Status) {
        let mut from = span.from;
        for (known, _) in self.0.clone() {
            let to = known.from.min(span.to);
            self.paint(Span { from, to }, status);
            from = from.max(known.to);
        }
        self.paint(Span { from, to: span.to }, status);
    }

    /// Puts a stretch over what was known of its time.
    pub(super) fn paint(&mut self, span: Span, status: Status) {
        if span.from >= span.to {
            return;
        }
        let mut painted = vec![(span, status)];
        for (old, known) in std::mem::take(&mut self.0) {
            let before = Span {
                from: old.from,
                to: old.to.min(span.from),
            };
            let after = Span {
                from: old.from.max(span.to),
                to: old.to,
            };
            let rest = [before, after].into_iter();
            painted.extend(
                rest.filter(|rest| rest.from < rest.to)
                    .map(|rest| (rest, known)),
            );
        }
        painted.sort_unstable_by_key(|(span, _)| span.from);
        for (span, status) in painted {
            match self.0.last_mut() {
                Some((last, known)) if *known == status && last.to == span.from => {
                    last.to = span.to;
                }
                _ => self.0.push((span, status)),
            }
        }
        let forgotten = self.0.len().saturating_sub(KEPT);
        self.0.drain(..forgotten);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Status::{Gap, Valid};

    fn painted(strokes: &[(i64, i64, Status)]) -> Vec<(i64, i64, Status)> {
        let mut timeline = Timeline::default();
        for (from, to, status) in strokes {
            let (from, to) = (*from, *to);
            timeline.paint(Span { from, to }, *status);
        }
        assert_eq!(Timeline::of(timeline.stretches()), timeline);
        let stretches = timeline.stretches().iter();
        stretches
            .map(|(span, status)| (span.from, span.to, *status))
            .collect()
    }

    #[test]
    fn what_was_found_last_counts() {
        for (strokes, wanted) in [
            (&[(0, 3, Valid), (1, 4, Valid)][..], &[(0, 4, Valid)][..]),
            (&[(0, 3, Valid), (5, 5, Gap)], &[(0, 3, Valid)]),
            (
                &[(0, 9, Valid), (3, 4, Gap)],
                &[(0, 3, Valid), (3, 4, Gap), (4, 9, Valid)],
            ),
            (
                &[(0, 9, Valid), (3, 4, Gap), (0, 10, Valid)],
                &[(0, 10, Valid)],
            ),
            (
                &[(2, 4, Gap), (6, 8, Gap), (0, 7, Valid)],
                &[(0, 7, Valid), (7, 8, Gap)],
            ),
            (
                &[(4, 6, Valid), (0, 2, Valid), (2, 4, Valid)],
                &[(0, 6, Valid)],
            ),
        ] {
            assert_eq!(painted(strokes), wanted, "{strokes:?}");
        }
    }

    #[test]
    fn only_what_nothing_is_known_of_is_filled() {
        for (known, wanted) in [
            (&[][..], &[(1, 8, Gap)][..]),
            (&[(0, 9, Valid)], &[(0, 9, Valid)]),
            (
                &[(0, 2, Valid), (4, 5, Gap), (6, 7, Valid)],
                &[(0, 2, Valid), (2, 6, Gap), (6, 7, Valid), (7, 8, Gap)],
            ),
            (&[(8, 9, Valid)], &[(1, 8, Gap), (8, 9, Valid)]),
        ] {
            let mut timeline = Timeline::default();
            for (from, to, status) in known {
                let (from, to) = (*from, *to);
                timeline.paint(Span { from, to }, *status);
            }
            timeline.fill(Span { from: 1, to: 8 }, Gap);
            let stretches = timeline.stretches().iter();
            let found: Vec<_> = stretches
                .map(|(span, status)| (span.from, span.to, *status))
                .collect();
            assert_eq!(found, wanted, "{known:?}");
        }
    }

    #[test]
    fn the_oldest_is_forgotten_beyond_the_bound() {
        let mut timeline = Timeline::default();
        let stretches = i64::try_from(KEPT).unwrap_or(0) + 5;
        for at in 0..stretches {
            let (from, to) = (10 * at, 10 * at + 1);
            timeline.paint(Span { from, to }, Valid);
        }
        assert_eq!(timeline.stretches().len(), KEPT);
        assert_eq!(timeline.stretches()[0].0.from, 50);
    }
}
