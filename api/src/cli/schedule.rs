//! What runs on a schedule says how it went.

use std::fmt::Display;

use chrono::Utc;
pub(crate) use podtrail_api::serve::schedule::Schedules;

use super::Exit;

/// Notes how a run ended.
pub(crate) fn ended<E: Display>(schedules: &Schedules, name: &str, outcome: Result<Exit, E>) {
    let (result, detail) = match outcome {
        Ok(Exit::Ok) => ("ok", None),
        Ok(Exit::Findings) => ("failed", Some("the trail was tampered with".to_owned())),
        Ok(_) => ("rejected", None),
        Err(error) => ("failed", Some(format!("{error:#}"))),
    };
    schedules.ended(name, Utc::now(), result, detail);
}
