//! One run: every source is opened, then read.

use std::time::Instant;

use chrono::Utc;
use podtrail_ingest::digest::Verdict;
use podtrail_ingest::store::Store;
use podtrail_ingest::{Stop, Summary};

use super::sources::{Opened, Request, open};
use super::{Ingest, ingest_opened, summary_lines};
use crate::cli::schedule::{self, Schedules};
use crate::cli::{Exit, Global, complain, say};

/// The sources of a run: those that could be opened, and why others could not.
pub(super) struct Run<'a> {
    opened: Vec<(Opened, &'a str)>,
    failures: Vec<anyhow::Error>,
}

impl<'a> Run<'a> {
    /// Opens every source before any is read: a typing error costs nothing.
    pub(super) async fn open(
        planned: &'a [(String, Request)],
        global: &Global,
        schedules: &Schedules,
    ) -> Self {
        let mut run = Self {
            opened: Vec::new(),
            failures: Vec::new(),
        };
        let existing = match global.existing_store().await {
            Ok(existing) => existing,
            Err(error) => {
                let names = planned.iter().map(|(location, _)| location.as_str());
                run.failures.push(failed(error.into(), names, schedules));
                return run;
            }
        };
        for (location, request) in planned {
            match open(location, request, existing.as_ref(), global).await {
                Ok(opened) => run.opened.push((opened, location.as_str())),
                Err(error) => {
                    let error = failed(error, [location.as_str()], schedules);
                    run.failures.push(match planned {
                        [_] => error,
                        _ => error.context(location.clone()),
                    });
                }
            }
        }
        run
    }

    /// Refuses what the user must mend.
    ///
    /// # Errors
    /// The first of it.
    pub(super) fn checked(mut self) -> anyhow::Result<Self> {
        let is_for_the_user = |error: &anyhow::Error| Exit::of(error) == Exit::Usage;
        if let Some(at) = self.failures.iter().position(is_for_the_user) {
            return Err(self.failures.swap_remove(at));
        }
        let several = self.opened.len() > 1;
        for (opened, location) in &mut self.opened {
            match opened.trail.take() {
                Some(Err(error)) if is_for_the_user(&error) => {
                    return Err(of_source(error, location, several));
                }
                trail => opened.trail = trail,
            }
        }
        Ok(self)
    }
}

impl Ingest {
    /// Reads what could be opened. A source that fails keeps no other from being read.
    ///
    /// # Errors
    /// Where no source could be opened, or one could not be read to its end.
    pub(super) async fn read(
        &self,
        run: Run<'_>,
        global: &Global,
        stop: &Stop,
        schedules: &Schedules,
    ) -> anyhow::Result<Exit> {
        let Run { opened, failures } = run;
        let some_failed = !failures.is_empty();
        if opened.is_empty() {
            first_of(failures)?;
        } else {
            failures.iter().for_each(complain);
        }
        let store = match global.create_store().await {
            Ok(store) => store,
            Err(error) => {
                let names = opened.iter().map(|(_, location)| *location);
                return Err(failed(error.into(), names, schedules));
            }
        };
        let start = Instant::now();
        let mut total = Summary::default();
        let mut verdict = Verdict::Proven;
        let mut broken = Vec::new();
        let mut unread = 0;
        let (sources, several) = (opened.len(), opened.len() > 1);
        for (opened, location) in opened {
            if let (Some(note), false) = (&opened.note, global.quiet) {
                say(note);
            }
            schedules.began(location, Utc::now());
            let Read {
                summary,
                verdict: proven,
                failures,
            } = read_one(&store, opened, global, stop).await;
            unread += usize::from(summary.is_none());
            let summary = summary.unwrap_or_default();
            verdict = verdict.max(proven);
            let ended = failures
                .first()
                .map_or_else(|| Ok(exit_of(&summary, proven)), Err);
            schedule::ended(schedules, location, ended);
            total.add(&summary);
            let failures = failures.into_iter();
            broken.extend(failures.map(|error| of_source(error, location, several)));
        }
        // Whoever follows need not hear every few seconds that nothing came.
        let idle = self.goes_on() && total.objects == 0 && !total.has_problems();
        let none_was_read = sources > 0 && unread == sources;
        if !global.quiet && !idle && !none_was_read {
            for line in summary_lines(&total, start.elapsed()) {
                say(&line);
            }
        }
        first_of(broken)?;
        let exit = exit_of(&total, verdict);
        Ok(if some_failed && exit == Exit::Ok {
            Exit::Rejected
        } else {
            exit
        })
    }
}

/// An error that names its source, where there are several.
fn of_source(error: anyhow::Error, location: &str, several: bool) -> anyhow::Error {
    if several {
        error.context(location.to_owned())
    } else {
        error
    }
}

/// What came of a source.
struct Read {
    /// What was read; none where that failed.
    summary: Option<Summary>,
    verdict: Verdict,
    /// Why it could not be read, and why not be verified.
    failures: Vec<anyhow::Error>,
}

/// Verifies a source where that is asked for, and reads it. What cannot be verified is read all the same, as not verified:
/// events that come late are worse.
async fn read_one(store: &Store, mut opened: Opened, global: &Global, stop: &Stop) -> Read {
    let mut read = Read {
        summary: Some(Summary::default()),
        verdict: opened.verdict,
        failures: Vec::new(),
    };
    let mut status = None;
    if let Some(trail) = opened.trail.take() {
        let proof = match trail {
            Ok(trail) => trail.prove(store, opened.source.id(), stop).await,
            Err(error) => Err(error),
        };
        match proof {
            Ok(proof) => {
                read.verdict = proof.verdict;
                status = Some(proof.status);
            }
            Err(error) => {
                // The next run verifies this time again.
                opened.mark = None;
                let what = "the trail is not verified, its events are read all the same";
                read.failures.push(error.context(what));
            }
        }
        if stop.is_asked() {
            // What was not verified must not be kept as not proven.
            return read;
        }
    }
    match ingest_opened(store, opened, status, global, stop).await {
        Ok(summary) => read.summary = Some(summary),
        Err(error) => {
            read.summary = None;
            read.failures.insert(0, error);
        }
    }
    read
}

/// How a run that came to this ends.
fn exit_of(summary: &Summary, verdict: Verdict) -> Exit {
    if verdict == Verdict::Tampered {
        Exit::Findings
    } else if summary.has_problems() {
        Exit::Rejected
    } else {
        Exit::Ok
    }
}

/// Notes for each of these sources that it was not read, and gives the reason back.
fn failed<'a>(
    error: anyhow::Error,
    locations: impl IntoIterator<Item = &'a str>,
    schedules: &Schedules,
) -> anyhow::Error {
    for location in locations {
        schedules.began(location, Utc::now());
        schedule::ended(schedules, location, Err(&error));
    }
    error
}

/// The first of several failures is what a command ends with; it hides the others, which are told at once.
fn first_of(failures: Vec<anyhow::Error>) -> anyhow::Result<()> {
    let mut failures = failures.into_iter();
    match failures.next() {
        None => Ok(()),
        Some(first) => {
            failures.for_each(|other| complain(&other));
            Err(first)
        }
    }
}
