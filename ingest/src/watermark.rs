//! Up to when a source has been read whole, so that the next run need not list all of it again.
//!
//! It moves only when a run listed and read everything without a problem. Whatever could not be listed
//! or read keeps it where it is, and is asked for again.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::hash::Framed;
use crate::hex;
use crate::store::Store;

/// Format of the file.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Watermark {
    version: u32,
    /// Microseconds since the epoch.
    read_until: i64,
}

fn path(source: &str) -> String {
    format!("_ingest/{source}/read-until.json")
}

/// Gives the time up to which a source has been read, in microseconds; `None` where it never was. `source`
/// is its id, and whatever narrows it.
///
/// # Errors
/// [`Error::Store`] where the store fails, [`Error::Protocol`] where the file is malformed.
pub async fn read_until(store: &Store, source: &str) -> Result<Option<i64>> {
    let path = path(source);
    let Some(body) = store.get(&path).await? else {
        return Ok(None);
    };
    let refuse = |reason: String| Error::Protocol {
        path: path.clone(),
        what: "watermark",
        reason,
    };
    let found: Watermark =
        serde_json::from_slice(&body).map_err(|error| refuse(error.to_string()))?;
    if found.version != VERSION {
        return Err(refuse(format!("format {}", found.version)));
    }
    Ok(Some(found.read_until))
}

/// Says that everything of a source up to a time has been read.
///
/// # Errors
/// [`Error::Store`] where the store fails.
pub async fn set_read_until(store: &Store, source: &str, time: i64) -> Result<()> {
    let path = path(source);
    let mark = Watermark {
        version: VERSION,
        read_until: time,
    };
    let body = serde_json::to_vec(&mark).map_err(|error| Error::Protocol {
        path: path.clone(),
        what: "watermark",
        reason: error.to_string(),
    })?;
    store.put(&path, body).await
}

/// Names what a watermark is of: a location, and what narrows it.
#[must_use]
pub fn id(location: &str, accounts: &[String], regions: &[String]) -> String {
    let mut hash = Framed::default();
    hash.add(Some(location.as_bytes()));
    for list in [accounts, regions] {
        let mut list: Vec<&str> = list.iter().map(String::as_str).collect();
        list.sort_unstable();
        list.dedup();
        hash.add(Some(list.join(",").as_bytes()));
    }
    format!("watermark-{}", hex(&hash.digest()))
}
