//! Which listed objects have been read before.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use object_store::ObjectStore;

use crate::datafile::{FileInfo, read_columns};
use crate::error::Result;
use crate::source::ObjectRef;

/// Splits objects into new ones and those that `ingested_objects` holds with the same etag. Only data files
/// whose keys overlap are looked at.
pub(super) async fn split(
    store: &Arc<dyn ObjectStore>,
    files: &[FileInfo],
    listed: Vec<ObjectRef>,
) -> Result<(Vec<ObjectRef>, Vec<ObjectRef>)> {
    let keys = || listed.iter().map(|object| object.key.as_str());
    let (Some(low), Some(high)) = (keys().min(), keys().max()) else {
        return Ok((listed, Vec::new()));
    };
    let index: HashMap<&str, usize> = keys().enumerate().map(|(at, key)| (key, at)).collect();
    let mut seen = vec![false; listed.len()];
    for file in files.iter().filter(|file| file.may_hold("key", low, high)) {
        read_columns(store, file, &["key", "etag", "status"], |columns| {
            let [keys, etags, statuses] = [0, 1, 2].map(|at| columns[at].as_string::<i32>());
            for row in 0..keys.len() {
                if let Some(&at) = index.get(keys.value(row))
                    && listed[at].etag == etags.value(row)
                    && statuses.value(row) != "unreadable"
                {
                    seen[at] = true;
                }
            }
            Ok(())
        })
        .await?;
    }
    let mut seen = seen.into_iter();
    Ok(listed
        .into_iter()
        .partition(|_| !seen.next().unwrap_or(false)))
}
