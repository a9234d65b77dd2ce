//! Which of several statuses of one object counts. It is decided here; `views/log_files.sql` and
//! `listings/ingestion.sql` say the same of rows.
//!
//! - Of what one verification finds, the worst: tampered, then proven, then not known ([`weight`]).
//! - Of what rows say, the newest. But what was tampered with stays so until digests prove it: that nothing is known
//!   of it today, or that nobody asked, undoes nothing ([`Told`]).

use crate::digest::{Status, Verdict};

/// How much a status counts among several of one object.
pub(super) fn weight(status: Status) -> u8 {
    match status.verdict() {
        Verdict::Tampered => 2,
        Verdict::Proven => 1,
        Verdict::Incomplete => 0,
    }
}

/// What the rows about an object say, in whatever order they are read. Of rows of one time the worst counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Time and status of the newest row, which may give none.
    newest: Option<(i64, Option<Status>)>,
    /// The newest that says proven or tampered with.
    judged: Option<(i64, Status)>,
}

impl Told {
    /// Takes a row in: when it was written, and the status that it gives, if any.
    pub(super) fn hear(&mut self, at: i64, status: Option<Status>) {
        let rank = |status: Status| (weight(status), status);
        let is_newest = self
            .newest
            .is_none_or(|(since, known)| (since, known.map(rank)) <= (at, status.map(rank)));
        if is_newest {
            self.newest = Some((at, status));
        }
        if let Some(status) = status
            && status.verdict() != Verdict::Incomplete
            && self
                .judged
                .is_none_or(|(since, known)| (since, rank(known)) <= (at, rank(status)))
        {
            self.judged = Some((at, status));
        }
    }

    /// What counts.
    pub(super) fn status(self) -> Option<Status> {
        match self.judged {
            Some((_, judged)) if judged.verdict() == Verdict::Tampered => Some(judged),
            _ => self.newest.and_then(|(_, status)| status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Status::{LogAltered, LogMissing, Unproven, Unreadable, Valid};

    fn told<'a>(rows: impl Iterator<Item = &'a (i64, Option<Status>)>) -> Option<Status> {
        let mut told = Told::default();
        for (at, status) in rows {
            told.hear(*at, *status);
        }
        told.status()
    }

    #[test]
    fn what_was_tampered_with_stays_so_until_it_is_proven_in_whatever_order_rows_are_read() {
        for (rows, wanted) in [
            (&[][..], None),
            (&[(1, None)], None),
            (&[(1, Some(Valid)), (2, Some(Unproven))], Some(Unproven)),
            (&[(1, Some(Valid)), (2, None)], None),
            (&[(1, Some(LogAltered)), (2, None)], Some(LogAltered)),
            (
                &[(1, Some(LogAltered)), (2, Some(Unreadable)), (3, None)],
                Some(LogAltered),
            ),
            (
                &[(1, Some(LogMissing)), (2, Some(LogAltered))],
                Some(LogAltered),
            ),
            (&[(1, Some(LogAltered)), (2, Some(Valid))], Some(Valid)),
            (
                &[(1, Some(LogAltered)), (2, Some(Valid)), (3, Some(Unproven))],
                Some(Unproven),
            ),
            (&[(1, Some(LogAltered)), (1, Some(Valid))], Some(LogAltered)),
            (&[(1, Some(Unproven)), (1, Some(Valid))], Some(Valid)),
        ] {
            assert_eq!(told(rows.iter()), wanted, "{rows:?}");
            assert_eq!(told(rows.iter().rev()), wanted, "{rows:?} backwards");
        }
    }
}
