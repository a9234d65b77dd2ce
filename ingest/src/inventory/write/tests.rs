#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use object_store::memory::InMemory;
use url::Url;

use super::{Written, observation_id, write_batch};
use crate::datafile;
use crate::inventory::{Kind, Observation};
use crate::schema::INVENTORY;
use crate::store::Store;

fn store() -> Store {
    Store::new(
        "memory",
        Url::parse("memory:///store/").unwrap(),
        Arc::new(InMemory::new()),
    )
    .unwrap()
}

fn pod(name: &str, observed_at: i64) -> (String, Observation) {
    let mut attributes = serde_json::Map::new();
    attributes.insert("node".to_owned(), "ip-10-0-0-1".into());
    let observation = Observation {
        kind: Kind::Pod,
        cluster: Some("prod".to_owned()),
        account_id: None,
        region: None,
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
        uid: Some(format!("uid-{name}")),
        observed_at,
        valid_from: None,
        valid_to: None,
        attributes,
    };
    ("pods.json".to_owned(), observation)
}

async fn rows(store: &Store) -> u64 {
    let delta = store.require(&INVENTORY).await.unwrap();
    datafile::files(&INVENTORY, &delta)
        .unwrap()
        .iter()
        .map(|file| file.rows)
        .sum()
}

#[tokio::test]
async fn an_observation_is_a_row_once() {
    let store = store();
    let first = [pod("a", 1), pod("b", 1), pod("a", 1)];
    let written = write_batch(&store, &first, 9).await.unwrap();
    assert_eq!(written, Written { new: 2, known: 1 });
    let again = [pod("a", 1), pod("a", 2)];
    let written = write_batch(&store, &again, 10).await.unwrap();
    assert_eq!(written, Written { new: 1, known: 1 });
    assert_eq!(rows(&store).await, 3);
}

#[test]
fn an_id_depends_on_all_that_is_said_and_not_on_the_file() {
    let (_, same) = pod("a", 1);
    let id = observation_id(&same);
    let mut moved = same.clone();
    moved
        .attributes
        .insert("node".to_owned(), "ip-10-0-0-2".into());
    let mut ended = same.clone();
    ended.valid_to = Some(3);
    let mut renamed = same.clone();
    renamed.namespace = None;
    for other in [moved, ended, renamed, pod("b", 1).1, pod("a", 2).1] {
        assert_ne!(observation_id(&other), id);
    }
    assert_eq!(observation_id(&pod("a", 1).1), id);
}
