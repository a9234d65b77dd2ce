//! Walks the chains of one account in one region, all its trails side by side, from new to old.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use futures::StreamExt;
use tokio::task::JoinSet;

use super::Run;
use super::added::Mentioned;
use super::chain::{Chain, Doubts, Fit};
use super::fetching::Fetching;
use super::layout::{DigestName, Lane, digests_of, months};
use super::logs::{Checked, LogCheck, Missing, check_log};
use super::proof::{Expected, Fetched, Judged, Place, Weight, judge};
use super::report::{ChainId, Event, Span, Status, Verdict};

/// Digests of one account and region that are read ahead of their turn.
const READ_AHEAD: usize = 4;

/// How much later than the end of the window a digest may end that covers part of it.
const DIGEST_SPAN: i64 = 2 * 3_600 * 1_000_000;

#[derive(Debug)]
pub(super) struct Walk {
    pub(super) run: Arc<Run>,
    pub(super) lane: Lane,
    /// By trail and home region.
    pub(super) chains: BTreeMap<(String, String), Chain>,
    /// Log files with a status.
    pub(super) logs: BTreeMap<Arc<ChainId>, u64>,
    /// Time of digests whose log files are not all valid.
    doubts: BTreeMap<Arc<ChainId>, Doubts>,
    pub(super) mentioned: Mentioned,
    pub(super) missing: VecDeque<Missing>,
    /// No folder failed to be listed.
    pub(super) listed_all: bool,
    checks: JoinSet<Checked>,
}

/// Walks all chains of the lane and reports what is found.
pub(super) async fn walk(run: Arc<Run>, lane: Lane) {
    let mut walk = Walk {
        run,
        lane,
        chains: BTreeMap::new(),
        logs: BTreeMap::new(),
        doubts: BTreeMap::new(),
        mentioned: Mentioned::default(),
        missing: VecDeque::new(),
        listed_all: true,
        checks: JoinSet::new(),
    };
    walk.all().await;
}

impl Walk {
    async fn all(&mut self) {
        let options = &self.run.options;
        let (from, to) = (options.from.and_then(day_of), options.to.and_then(last_day));
        let folder = self.lane.digests();
        let bucket = self.run.bucket();
        let months = match months(&*self.run.vault, bucket, &folder, from, to).await {
            Ok(months) => months,
            Err(error) => return self.unreadable(&folder, &error.to_string()).await,
        };
        // Logs are compared a day after their digests, when late ones are known.
        let mut unchecked: Option<NaiveDate> = None;
        for month in months {
            let run = Arc::clone(&self.run);
            let digests = match digests_of(&*run.vault, run.bucket(), &self.lane, month).await {
                Ok(digests) => digests,
                Err(error) => {
                    let (year, month) = month;
                    let folder = format!("{folder}{year:04}/{month:02}/");
                    self.unreadable(&folder, &error.to_string()).await;
                    continue;
                }
            };
            for of_day in digests.chunk_by(|(a, _), (b, _)| a.day == b.day) {
                let Some((DigestName { day, .. }, _)) = of_day.first() else {
                    continue;
                };
                self.day(of_day).await;
                self.settle().await;
                let newest = *unchecked.get_or_insert(*day);
                self.compare(*day, newest).await;
                unchecked = Some(*day);
            }
        }
        self.finish(unchecked).await;
    }

    /// Compares the logs of the days after `after`, up to `newest`, newest first.
    async fn compare(&mut self, after: NaiveDate, newest: NaiveDate) {
        let mut day = newest;
        while day > after {
            self.compare_logs(day).await;
            let Some(before) = day.pred_opt() else { return };
            day = before;
        }
    }

    /// Walks the digests of one day, chain by chain.
    async fn day(&mut self, digests: &[(DigestName, String)]) {
        let mut by_chain: BTreeMap<_, Vec<(DigestName, String)>> = BTreeMap::new();
        for (name, key) in digests {
            if self.in_window(name) {
                let id = (name.trail.clone(), name.home_region.clone());
                by_chain
                    .entry(id)
                    .or_default()
                    .push((name.clone(), key.clone()));
            }
        }
        for (id, digests) in by_chain {
            let Some((first, _)) = digests.first() else {
                continue;
            };
            let mut chain = self.chains.remove(&id).unwrap_or_else(|| Chain::new(first));
            let run = Arc::clone(&self.run);
            let mut fetched = futures::stream::iter(digests)
                .map(move |(name, key)| {
                    let fetching = Fetching::start(&run, run.options.bucket.clone(), key.clone());
                    async move { (name, key, fetching.await) }
                })
                .buffered(READ_AHEAD);
            while let Some((name, key, fetched)) = fetched.next().await {
                self.listed(&mut chain, &name, &key, fetched).await;
            }
            self.chains.insert(id, chain);
        }
    }

    fn in_window(&self, name: &DigestName) -> bool {
        let options = &self.run.options;
        options.from.is_none_or(|from| name.end > from)
            && options
                .to
                .is_none_or(|to| name.end <= to.saturating_add(DIGEST_SPAN))
    }

    /// Takes a digest from the listing.
    async fn listed(&mut self, chain: &mut Chain, name: &DigestName, key: &str, fetched: Fetched) {
        let run = Arc::clone(&self.run);
        let bucket = run.bucket();
        let place = Place {
            bucket,
            key,
            region: &name.lane.region,
        };
        if name.backfill {
            let judged = judge(&*run.keys, place, fetched, None).await;
            return self.backfill(chain, place, judged).await;
        }
        while chain.fit(bucket, name, key) == Fit::Later {
            let Some(expected) = chain.take_expected() else {
                break;
            };
            self.off_listing(chain, expected, false).await;
        }
        if chain.fit(bucket, name, key) == Fit::PassedBy {
            let mut judged = judge(&*run.keys, place, fetched, None).await;
            if judged.status.verdict() != Verdict::Tampered {
                judged.status = Status::ChainBroken;
                let by = chain.expected.as_ref().map_or("", |expected| &expected.by);
                judged.cause = format!("the chain passes it by: {by} names an older digest");
            }
            judged.weight = Weight::Suspect;
            self.found_digest(chain, place, &judged, None).await;
            return self.list_logs(chain, place, &judged).await;
        }
        let expected = chain.expected.take();
        let expected = expected.filter(|expected| expected.is_at(bucket, key));
        let judged = judge(&*run.keys, place, fetched, expected.as_ref()).await;
        chain.last_end = name.end;
        self.next(chain, place, judged, expected.as_ref()).await;
    }

    /// Looks for a digest that the listing lacks: it is gone, or in the folders of another bucket
    /// or prefix that the trail delivered to before. `oldest` tells that the listing has none that
    /// is older.
    async fn off_listing(&mut self, chain: &mut Chain, expected: Expected, oldest: bool) {
        let run = Arc::clone(&self.run);
        let place = Place {
            bucket: run.bucket().map(|_| expected.bucket.as_str()),
            key: &expected.key,
            region: &chain.name.lane.region.clone(),
        };
        let name = expected
            .name
            .as_ref()
            .filter(|name| name.same_chain(&chain.name) && name.end < chain.last_end);
        let Some(name) = name else {
            let judged = Judged {
                status: Status::ChainBroken,
                cause: format!(
                    "{} names it as its predecessor, which is not an older digest of the trail",
                    expected.by
                ),
                weight: Weight::Suspect,
                file: None,
            };
            chain.explained = true;
            return self
                .found_digest(chain, place, &judged, Some(&expected))
                .await;
        };
        if run.options.from.is_some_and(|from| name.end <= from) {
            return;
        }
        let bucket = place.bucket.map(str::to_owned);
        let fetched = Fetching::start(&run, bucket, expected.key.clone()).await;
        let mut judged = judge(&*run.keys, place, fetched, Some(&expected)).await;
        if oldest && judged.status == Status::DigestMissing {
            judged.cause += ", nor is any older digest: deleted, or expired by a lifecycle rule";
        }
        chain.last_end = name.end;
        let here = place.bucket == run.bucket();
        if here && name.lane != self.lane && run.lanes.binary_search(&name.lane).is_ok() {
            // Verified as a chain of its own: here only the link to it counts.
            chain.continued = true;
            if judged.weight < Weight::Proven {
                self.found_digest(chain, place, &judged, Some(&expected))
                    .await;
            }
            return;
        }
        self.next(chain, place, judged, Some(&expected)).await;
    }

    /// Takes a judged digest as the next of the chain.
    async fn next(
        &mut self,
        chain: &mut Chain,
        place: Place<'_>,
        judged: Judged,
        expected: Option<&Expected>,
    ) {
        self.found_digest(chain, place, &judged, expected).await;
        match &judged.file {
            Some(file) if judged.weight == Weight::Proven => {
                let time = Span {
                    from: file.start,
                    to: file.end,
                };
                let gap = chain.cover(time, file.previous.is_none(), place.key);
                if let Some((gap, newer)) = gap {
                    let cause = if newer.starting {
                        "logging or log file validation was stopped and started again"
                    } else {
                        "the digest begins later than the one before it ends"
                    };
                    self.gap(&chain.id, Some(gap), &newer.key, cause).await;
                }
            }
            _ => chain.explained = true,
        }
        chain.expected = match &judged.file {
            // What is at the wrong place tells nothing of the chain here.
            Some(file) if judged.status != Status::DigestMoved => {
                Expected::of(file, judged.weight, place.key)
            }
            _ => None,
        };
        self.list_logs(chain, place, &judged).await;
    }

    /// A backfill digest lists logs that the digest of their hour left out. It covers no time of
    /// its own; the digest that it names as its predecessor must be there.
    async fn backfill(&mut self, chain: &mut Chain, place: Place<'_>, judged: Judged) {
        self.found_digest(chain, place, &judged, None).await;
        self.list_logs(chain, place, &judged).await;
        let previous = judged
            .file
            .as_ref()
            .and_then(|file| Expected::of(file, judged.weight, place.key));
        let Some(previous) = previous.filter(|previous| previous.weight > Weight::Suspect) else {
            return;
        };
        let run = Arc::clone(&self.run);
        let before = Place {
            bucket: run.bucket().map(|_| previous.bucket.as_str()),
            key: &previous.key,
            region: place.region,
        };
        let bucket = before.bucket.map(str::to_owned);
        let fetched = Fetching::start(&run, bucket, previous.key.clone()).await;
        let link = judge(&*run.keys, before, fetched, Some(&previous)).await;
        if link.weight < Weight::Proven {
            self.found_digest(chain, before, &link, Some(&previous))
                .await;
        }
    }

    /// Checks the log files that a digest lists.
    async fn list_logs(&mut self, chain: &Chain, place: Place<'_>, judged: &Judged) {
        let Some(file) = &judged.file else { return };
        for log in &file.logs {
            self.mentioned.insert(&self.lane, self.run.bucket(), log);
        }
        if !self.run.options.check_logs {
            return;
        }
        for log in &file.logs {
            let check = LogCheck {
                run: Arc::clone(&self.run),
                chain: Arc::clone(&chain.id),
                digest: place.key.to_owned(),
                status: judged.status,
                weight: judged.weight,
                time: Span {
                    from: file.start,
                    to: file.end,
                },
                log: log.clone(),
            };
            let Ok(permit) = Arc::clone(&self.run.reads).acquire_owned().await else {
                return;
            };
            self.checks.spawn(async move {
                let found = check_log(check).await;
                drop(permit);
                found
            });
            while let Some(found) = self.checks.try_join_next() {
                self.checked(found).await;
            }
        }
    }

    /// Waits for all log files that are being checked.
    async fn settle(&mut self) {
        while let Some(found) = self.checks.join_next().await {
            self.checked(found).await;
        }
    }

    async fn checked(&mut self, found: Result<Checked, tokio::task::JoinError>) {
        match found {
            Ok(checked) => {
                self.missing.extend(checked.missing);
                if self.missing.len() > super::logs::MISSING_KEPT {
                    self.missing.pop_front();
                }
                let finding = checked.finding;
                let verdict = finding.status.verdict();
                if verdict > Verdict::Proven {
                    let chain = Arc::clone(&finding.chain);
                    let doubts = self.doubts.entry(chain).or_default();
                    match verdict {
                        Verdict::Tampered => doubts.faulty.add(checked.time),
                        _ => doubts.unread.add(checked.time),
                    }
                }
                self.found(finding).await;
            }
            Err(error) => {
                let cause = format!("the check of a log file stopped: {error}");
                self.unreadable(&self.lane.logs(), &cause).await;
            }
        }
    }

    async fn finish(&mut self, unchecked: Option<NaiveDate>) {
        for (id, mut chain) in std::mem::take(&mut self.chains) {
            while let Some(expected) = chain.take_expected() {
                self.off_listing(&mut chain, expected, true).await;
            }
            self.edges(&chain).await;
            self.chains.insert(id, chain);
        }
        self.settle().await;
        // The oldest digest may begin the day before.
        let oldest = self.chains.values().filter_map(Chain::extent);
        let oldest = oldest.filter_map(|extent| day_of(extent.from)).min();
        if let (Some(newest), Some(oldest)) = (unchecked, oldest) {
            self.compare(oldest.pred_opt().unwrap_or(oldest), newest)
                .await;
        }
        if self.chains.is_empty() && self.listed_all {
            self.without_digests().await;
        }
        let run = Arc::clone(&self.run);
        for chain in std::mem::take(&mut self.chains).into_values() {
            let logs = self.logs.get(&chain.id).copied().unwrap_or_default();
            let doubts = self.doubts.remove(&chain.id).unwrap_or_default();
            let report = chain.report(logs, doubts, run.options.from, run.options.to);
            run.emit(Event::Chain(report)).await;
        }
    }
}

/// The day of a moment; `None` beyond the calendar.
pub(super) fn day_of(micros: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(micros).map(|time| time.date_naive())
}

/// The last day on which a digest may end that covers part of the window.
pub(super) fn last_day(to: i64) -> Option<NaiveDate> {
    day_of(to.saturating_add(DIGEST_SPAN))
}
