//! Finds log files that no digest lists.
//!
//! A digest lists the log files delivered in its time, and the name of a log file tells when that
//! was, in steps of five minutes. Hence, where all time around a name is proven, a file that no
//! digest lists was not delivered by the trail: it was added, or comes of another trail that
//! delivers to the same folders without validation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use futures::TryStreamExt;

use super::chain::Chain;
use super::inflate::inflate;
use super::lane::Walk;
use super::layout::{Lane, log_day, log_time};
use super::parse::LogFile;
use super::report::{ChainId, Finding, Status, Subject};
use crate::hash::half;

const MINUTE: i64 = 60 * 1_000_000;

/// How much later than its name says a log file may be delivered and listed.
const LATE: i64 = 60 * MINUTE;

/// How much earlier than its name says a log file may be delivered: names are rounded.
const EARLY: i64 = 15 * MINUTE;

/// Microseconds of a day.
const DAY: i64 = 24 * 60 * MINUTE;

/// The log files that digests listed, for the days not yet compared.
#[derive(Debug, Default)]
pub(super) struct Mentioned {
    /// Half a SHA-256 stands for a key.
    days: HashMap<NaiveDate, HashSet<[u8; 16]>>,
    /// The oldest day that was compared: those from it on are not asked for again.
    compared: Option<NaiveDate>,
}

impl Mentioned {
    pub(super) fn insert(&mut self, lane: &Lane, bucket: Option<&str>, log: &LogFile) {
        if bucket.is_some_and(|bucket| bucket != log.bucket) {
            return;
        }
        let day = log_day(lane, &log.key);
        if let Some(day) = day.filter(|day| self.compared.is_none_or(|compared| *day < compared)) {
            self.days.entry(day).or_default().insert(half(&log.key));
        }
    }

    /// Gives those of a day. Days are asked for from the newest back, so that nothing of later ones is held on.
    fn take(&mut self, day: NaiveDate) -> HashSet<[u8; 16]> {
        self.compared = Some(self.compared.map_or(day, |compared| compared.min(day)));
        let taken = self.days.remove(&day).unwrap_or_default();
        self.days.retain(|other, _| *other < day);
        taken
    }
}

impl Walk {
    /// Compares the log files of a day with those that digests listed. To be called when all
    /// digests of that day and later are done.
    pub(super) async fn compare_logs(&mut self, day: NaiveDate) {
        let listed = self.mentioned.take(day);
        let begin = day
            .and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp_micros();
        let mut proven = self.chains.values().filter_map(Chain::extent);
        let touched = proven.any(|extent| extent.from < begin + DAY && extent.to > begin);
        if !touched || !self.run.options.check_logs {
            return;
        }
        let run = Arc::clone(&self.run);
        let folder = self.lane.logs_of(day);
        let mut objects = run.vault.list(run.bucket(), &folder);
        loop {
            match objects.try_next().await {
                Ok(Some(object)) if object.key.ends_with('/') && object.size == 0 => {}
                Ok(Some(object)) if listed.contains(&half(&object.key)) => {}
                Ok(Some(object)) => self.not_listed(&object.key, begin).await,
                Ok(None) => return,
                Err(error) => return self.unreadable(&folder, &error.to_string()).await,
            }
        }
    }

    async fn not_listed(&mut self, key: &str, day: i64) {
        let named = log_time(&self.lane, key);
        // A name that CloudTrail never gives is foreign at any time of the day.
        let (from, to) = named.map_or((day, day + DAY), |time| (time, time));
        let options = &self.run.options;
        if options.from.is_some_and(|from| to < from) || options.to.is_some_and(|to| from > to) {
            return;
        }
        let Some(chain) = self.judging(from, to, named.is_none()) else {
            return;
        };
        let (status, cause) = match chain {
            (_, false) => (
                Status::Unproven,
                "no digest lists it, and not all of its time is proven".to_owned(),
            ),
            (_, true) => match self.moved_from(key).await {
                Some(original) => (
                    Status::LogMoved,
                    format!("it has the content of {original}, which is missing"),
                ),
                None => (
                    Status::LogUnlisted,
                    "no digest lists it: it was added, or comes of a trail without log file \
                     validation"
                        .to_owned(),
                ),
            },
        };
        let finding = Finding {
            chain: chain.0,
            status,
            subject: Subject::Log,
            bucket: self.run.options.bucket.clone(),
            key: key.to_owned(),
            digest: None,
            span: None,
            cause,
        };
        self.found(finding).await;
    }

    /// The chain that speaks for the time, and whether it proves it. `None` where the time is
    /// beyond all chains, or so new that the next digest may list the file.
    fn judging(&self, from: i64, to: i64, any: bool) -> Option<(Arc<ChainId>, bool)> {
        let extents = self.chains.values().filter_map(Chain::extent);
        let (begin, end) = extents.fold((i64::MAX, i64::MIN), |(begin, end), extent| {
            (begin.min(extent.from), end.max(extent.to))
        });
        let beyond = from < begin.saturating_add(EARLY) || to > end.saturating_sub(LATE);
        if beyond && !any {
            return None;
        }
        // A file of a trail that lacks a digest here is not held to be added by another's.
        let (from, to) = (from.saturating_sub(EARLY), to.saturating_add(LATE));
        let lacking = self.chains.values().any(|chain| chain.lacks(from, to));
        let proving = self
            .chains
            .values()
            .find(|chain| any || chain.proves(from, to));
        match proving {
            Some(chain) if any || !lacking => Some((Arc::clone(&chain.id), true)),
            _ => {
                let first = self.chains.values().next()?;
                Some((Arc::clone(&first.id), false))
            }
        }
    }

    /// The missing log file whose content this one has.
    async fn moved_from(&mut self, key: &str) -> Option<String> {
        if self.missing.is_empty() {
            return None;
        }
        let run = Arc::clone(&self.run);
        let got = run.vault.get(run.bucket(), key).await.ok()??;
        let content = inflate(got.body, run.options.max_log_bytes, false)
            .await
            .ok()?;
        let at = self
            .missing
            .iter()
            .position(|missing| missing.hash.eq_ignore_ascii_case(&content.hash))?;
        self.missing.remove(at).map(|missing| missing.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_again_is_not_held() {
        let lane = Lane {
            base: "AWSLogs/111122223333/".to_owned(),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let log = |day: u32| LogFile {
            bucket: "trail".to_owned(),
            key: format!("{}2026/11/{day}/one.json.gz", lane.logs()),
            hash: String::new(),
            algorithm: String::new(),
        };
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let mut mentioned = Mentioned::default();
        for number in [20, 21, 22] {
            mentioned.insert(&lane, None, &log(number));
        }
        assert_eq!(mentioned.take(day(21)).len(), 1);
        for number in [22, 21, 20] {
            mentioned.insert(&lane, None, &log(number));
        }
        let held: Vec<NaiveDate> = mentioned.days.keys().copied().collect();
        assert_eq!(held, [day(20)]);
        assert_eq!(mentioned.take(day(20)).len(), 1);
    }
}
