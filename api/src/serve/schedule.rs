//! What runs on a schedule, and how it went.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::observed;

/// One thing that runs on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// What runs: a source, or an inventory.
    pub name: String,
    /// Whether it runs now.
    pub running: bool,
    /// Begin of the last run.
    pub last_began_at: Option<DateTime<Utc>>,
    /// End of the last run.
    pub last_ended_at: Option<DateTime<Utc>>,
    /// How the last run ended: `ok`, `rejected` (some input), `failed`.
    pub last_result: Option<String>,
    /// What there is to say of the last run.
    pub last_detail: Option<String>,
    /// Begin of the next run.
    pub next_at: Option<DateTime<Utc>>,
}

/// Everything that runs on a schedule.
#[derive(Debug, Default)]
pub struct Schedules(Mutex<Vec<Schedule>>);

impl Schedules {
    /// Gives all, in the order in which they were first seen.
    #[must_use]
    pub fn all(&self) -> Vec<Schedule> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Schedule)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schedule) = all.iter_mut().find(|schedule| schedule.name == name) {
            change(schedule);
            return;
        }
        let mut schedule = Schedule {
            name: name.to_owned(),
            running: false,
            last_began_at: None,
            last_ended_at: None,
            last_result: None,
            last_detail: None,
            next_at: None,
        };
        change(&mut schedule);
        all.push(schedule);
    }

    /// Notes that a run begins.
    pub fn began(&self, name: &str, now: DateTime<Utc>) {
        self.change(name, |schedule| {
            schedule.running = true;
            schedule.last_began_at = Some(now);
            schedule.next_at = None;
        });
    }

    /// Notes how a run ended.
    pub fn ended(&self, name: &str, now: DateTime<Utc>, result: &str, detail: Option<String>) {
        self.change(name, |schedule| {
            if let Some(began) = schedule.last_began_at {
                observed::run_ended(name, result, began, now);
            }
            schedule.running = false;
            schedule.last_ended_at = Some(now);
            schedule.last_result = Some(result.to_owned());
            schedule.last_detail = detail;
        });
    }

    /// Notes when all run next.
    pub fn next_at(&self, next: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for schedule in all.iter_mut() {
            schedule.next_at = Some(next);
        }
    }
}
