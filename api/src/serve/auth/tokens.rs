//! The tokens that a server accepts, as the file has them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Utc};
use tracing::{error, info};

use super::token::{Stamp, TokenRecord, hash, id_of, read};
use super::{AuthError, Authentication, Denied, Principal};

/// How often the file is looked at, at most, in milliseconds.
const CHECK_EVERY: u64 = 1_000;

/// The accepted tokens. They follow the file while someone asks [`Tokens::due`].
///
/// A file that cannot be read or is malformed leaves the last good set in force, so that a slip of
/// an administrator does not lock everybody out; to revoke all tokens, empty the file.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    /// When the file was last looked at, in milliseconds.
    checked: AtomicI64,
    set: RwLock<Set>,
}

#[derive(Debug)]
struct Set {
    by_id: HashMap<String, TokenRecord>,
    stamp: Stamp,
    problem: Option<String>,
}

impl Tokens {
    /// Reads the tokens. Nothing is served on a file that is not there or is malformed.
    ///
    /// # Errors
    /// [`AuthError::File`], [`AuthError::Malformed`].
    pub fn load(path: &Path, now: DateTime<Utc>) -> Result<Self, AuthError> {
        let (records, stamp) = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            checked: AtomicI64::new(now.timestamp_millis()),
            set: RwLock::new(Set {
                by_id: by_id(records),
                stamp,
                problem: None,
            }),
        })
    }

    /// Tells whether it is time to [`reload`](Tokens::reload): once a second, to one caller.
    pub fn due(&self, now: DateTime<Utc>) -> bool {
        let now = now.timestamp_millis();
        let last = self.checked.load(Ordering::Relaxed);
        // A distance, for a clock that was set back.
        now.abs_diff(last) >= CHECK_EVERY
            && self
                .checked
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Takes over the file where it changed. Reads it on the calling thread.
    pub fn reload(&self) {
        let seen = Stamp::of(&self.path).ok();
        let (last, problem) = {
            let set = self.set();
            (set.stamp, set.problem.clone())
        };
        if seen == Some(last) && problem.is_none() {
            return;
        }
        let read = read(&self.path);
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok((records, stamp)) => {
                info!(path = %self.path.display(), tokens = records.len(), "token file read");
                *set = Set {
                    by_id: by_id(records),
                    stamp,
                    problem: None,
                };
            }
            Err(error) => {
                let text = error.to_string();
                // Once, not every second.
                if problem.as_ref() != Some(&text) {
                    error!(error = %text, "the last good tokens stay in force");
                }
                set.problem = Some(text);
            }
        }
    }

    /// Why the file cannot be followed at present.
    pub fn problem(&self) -> Option<String> {
        self.set().problem.clone()
    }

    /// Tells whose token it is.
    ///
    /// # Errors
    /// `Expired` and `Revoked` only for who has the right secret.
    pub fn authenticate(&self, credential: &str, now: DateTime<Utc>) -> Result<Principal, Denied> {
        let id = id_of(credential).ok_or(Denied::Malformed)?;
        let given = hash(credential);
        let set = self.set();
        let record = set.by_id.get(id);
        // An unknown id costs the same time as a wrong secret.
        let kept = record.map_or([0; 32], |record| record.sha256);
        let equal = verify_slices_are_equal(&kept, &given).is_ok();
        let record = record.filter(|_| equal).ok_or(Denied::Unknown)?;
        if record.revoked_at.is_some() {
            return Err(Denied::Revoked);
        }
        if record.expires_at.is_some_and(|end| end <= now) {
            return Err(Denied::Expired);
        }
        Ok(Principal {
            authentication: Authentication::Token,
            name: format!("{} {}", record.id, record.name),
            scopes: record.scopes,
            expires_at: record.expires_at,
        })
    }

    fn set(&self) -> RwLockReadGuard<'_, Set> {
        self.set.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_id(records: Vec<TokenRecord>) -> HashMap<String, TokenRecord> {
    let named = |record: TokenRecord| (record.id.clone(), record);
    records.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests;
