//! What was asked: the statements that run and the last that ended, and a line of audit for each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};

use super::withheld::kept_text;
use super::{Executor, Statement};
use crate::error::Error;

/// Ended statements that are remembered.
const REMEMBERED: usize = 1_000;

/// Bytes of a statement's text that are kept and logged.
pub const SHOWN_TEXT: usize = 4_096;

/// How a statement ended.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// With its last row.
    Finished,
    /// With an error: its kind, and what is kept of it.
    Failed(&'static str, String),
    /// Because nobody waited for it any more.
    Cancelled,
}

/// One statement, as `system.queries` shows it.
#[derive(Debug, Clone)]
pub(crate) struct QueryRow {
    pub(crate) id: u64,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) state: &'static str,
    pub(crate) door: &'static str,
    pub(crate) by: String,
    pub(crate) query: String,
    pub(crate) elapsed_ms: u64,
    pub(crate) rows: u64,
    pub(crate) error: Option<String>,
}

/// Statements that ended, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How they came, as in [`Statement::door`].
    pub door: &'static str,
    /// How they ended: `finished`, `cancelled`, or the [kind](Error::kind) of their error.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

#[derive(Debug, Default)]
struct Kept {
    last_id: u64,
    running: Vec<(QueryRow, Instant)>,
    ended: VecDeque<QueryRow>,
    /// All that ended, by door and outcome. Both are words of the program: there are few.
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// The statements of users: those that run, and the last thousand that ended.
#[derive(Debug, Default)]
pub struct Queries(Mutex<Kept>);

impl Queries {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What a panic left behind is still a list of rows.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a statement's begin.
    pub(super) fn begin(self: &Arc<Self>, statement: &Statement, now: DateTime<Utc>) -> Entry {
        let mut kept = self.kept();
        kept.last_id += 1;
        let row = QueryRow {
            id: kept.last_id,
            started_at: now,
            state: "running",
            door: statement.door,
            by: statement.by.clone(),
            query: shown(&statement.sql),
            elapsed_ms: 0,
            rows: 0,
            error: None,
        };
        let id = row.id;
        kept.running.push((row, Instant::now()));
        Entry {
            queries: Arc::clone(self),
            id,
            has_parameters: statement.parameters.is_some(),
            ended: false,
        }
    }

    /// Notes the statements that run as cancelled: the service ends, and what is left of them with it.
    pub fn cut_off(&self) {
        let running: Vec<u64> = {
            let kept = self.kept();
            kept.running.iter().map(|(row, _)| row.id).collect()
        };
        for id in running {
            self.end(id, Outcome::Cancelled, 0);
        }
    }

    fn ended(&self) -> Vec<Ended> {
        let kept = self.kept();
        kept.counts
            .iter()
            .map(|(&(door, outcome), &count)| Ended {
                door,
                outcome,
                count,
            })
            .collect()
    }

    /// Gives every statement that is remembered, the oldest first.
    pub(crate) fn rows(&self) -> Vec<QueryRow> {
        let kept = self.kept();
        let running = kept.running.iter().map(|(row, begin)| QueryRow {
            elapsed_ms: millis(*begin),
            ..row.clone()
        });
        kept.ended.iter().cloned().chain(running).collect()
    }

    fn end(&self, id: u64, outcome: Outcome, rows: u64) {
        let mut kept = self.kept();
        let Some(place) = kept.running.iter().position(|(row, _)| row.id == id) else {
            return;
        };
        let (mut row, begin) = kept.running.swap_remove(place);
        row.elapsed_ms = millis(begin);
        row.rows = rows;
        let (state, outcome, error) = match outcome {
            Outcome::Finished => ("finished", "finished", None),
            Outcome::Failed(kind, error) => ("failed", kind, Some(error)),
            Outcome::Cancelled => ("cancelled", "cancelled", None),
        };
        (row.state, row.error) = (state, error);
        *kept.counts.entry((row.door, outcome)).or_default() += 1;
        tracing::info!(
            target: "podtrail::audit",
            id,
            by = row.by,
            door = row.door,
            query = row.query,
            state = row.state,
            rows,
            elapsed_ms = row.elapsed_ms,
            error = row.error,
            "sql"
        );
        if kept.ended.len() == REMEMBERED {
            kept.ended.pop_front();
        }
        kept.ended.push_back(row);
    }
}

impl Executor {
    /// How many statements have ended, by the way they came and by how they ended.
    #[must_use]
    pub fn ended(&self) -> Vec<Ended> {
        self.queries
            .as_ref()
            .map_or_else(Vec::new, |queries| queries.ended())
    }

    /// Notes a statement that is refused before it could run: each has its line of audit.
    pub fn refused(&self, statement: &Statement, error: &Error) {
        if let Some(queries) = &self.queries {
            let entry = queries.begin(statement, (self.clock)());
            match error {
                Error::Stopped(_) => entry.end(Outcome::Cancelled, 0),
                error => entry.fail(error, 0),
            }
        }
    }
}

fn millis(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A text's first part, on a character's boundary.
fn shown(text: &str) -> String {
    let mut end = text.len().min(SHOWN_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// A statement that has begun; dropped without an end, it was cancelled.
#[derive(Debug)]
pub(super) struct Entry {
    queries: Arc<Queries>,
    id: u64,
    has_parameters: bool,
    ended: bool,
}

impl Entry {
    pub(super) fn fail(self, error: &Error, rows: u64) {
        let text = kept_text(error, self.has_parameters);
        self.end(Outcome::Failed(error.kind(), text), rows);
    }

    pub(super) fn end(mut self, outcome: Outcome, rows: u64) {
        self.ended = true;
        self.queries.end(self.id, outcome, rows);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.queries.end(self.id, Outcome::Cancelled, 0);
        }
    }
}
