//! What a run would read.

use futures::StreamExt;

use super::{LOOK_UP, seen};
use crate::datafile::{self, FileInfo};
use crate::error::Result;
use crate::schema::INGESTED_OBJECTS;
use crate::source::{ObjectRef, Source};
use crate::store::Store;

/// Lists a source and gives, a few at a time, the objects that a run would read, and what could not be
/// listed. `store` is that of the run, if there is one already.
///
/// # Errors
/// Where the store cannot be read.
pub async fn unread(
    store: Option<&Store>,
    source: &dyn Source,
    mut each: impl FnMut(Vec<Result<ObjectRef>>),
) -> Result<()> {
    let read = match store {
        Some(store) => files(store).await?,
        None => Vec::new(),
    };
    let mut listing = source.list().chunks(LOOK_UP);
    while let Some(listed) = listing.next().await {
        let (objects, problems): (Vec<_>, Vec<_>) = listed.into_iter().partition(Result::is_ok);
        let objects: Vec<ObjectRef> = objects.into_iter().flatten().collect();
        let new = match store {
            Some(store) => {
                let table = store.table_objects(&INGESTED_OBJECTS);
                seen::split(&table, &read, objects).await?.0
            }
            None => objects,
        };
        each(new.into_iter().map(Ok).chain(problems).collect());
    }
    Ok(())
}

async fn files(store: &Store) -> Result<Vec<FileInfo>> {
    match store.load(&INGESTED_OBJECTS).await? {
        Some(table) => datafile::files(&INGESTED_OBJECTS, &table),
        None => Ok(Vec::new()),
    }
}
