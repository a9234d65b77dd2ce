//! The lookup against a server that answers in the recorded shape of `LookupEvents` and STS.

mod accounts;
mod contract;
mod issued;
mod listing;
mod reading;
mod service;

use std::io;
use std::time::Duration;

use futures::TryStreamExt;

use super::{Account, Lookup, Options, Paces};
use crate::source::testing::{Server, config};
use crate::source::{ObjectRef, Source};

/// 2026-11-22T09:30:00Z, in seconds.
const NOW: i64 = 1_795_339_800;

/// Bounds that need no waiting.
fn options() -> Options {
    Options {
        pause: Duration::from_millis(1),
        paces: Paces::every(Duration::ZERO),
        ..Options::new(|| NOW * 1_000_000, || 500)
    }
}

fn account(server: &Server, id: &str) -> Account {
    Account {
        id: id.to_owned(),
        config: config(&server.url),
    }
}

fn lookup(server: &Server, options: Options) -> Lookup {
    Lookup::new("eu-west-1", vec![account(server, "111122223333")], options).unwrap()
}

/// An object of a key.
fn object(key: &str) -> ObjectRef {
    ObjectRef {
        key: key.to_owned(),
        etag: "settled".to_owned(),
        size: 1,
    }
}

fn window() -> ObjectRef {
    object("lookup://111122223333/eu-west-1/2026-11-22T06:00:00Z/PT1H")
}

/// Reads an object to its end, where blocking is allowed.
async fn read(lookup: &Lookup, object: &ObjectRef) -> io::Result<Vec<u8>> {
    let mut body = lookup.read(object).await?;
    tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).map(|_| bytes)
    })
    .await
    .unwrap()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

async fn listed(lookup: &Lookup) -> Vec<ObjectRef> {
    lookup.list().try_collect().await.unwrap()
}
