use podtrail_ingest::store::Store;

use super::*;
use crate::engine::{Engine, Limits};

#[tokio::test]
async fn what_only_views_read_has_no_name_before_and_after_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    for _ in 0..2 {
        for name in INNER {
            let query = format!("SELECT count(*) FROM {name}");
            let error = session.rows(&query).await.unwrap_err();
            assert!(error.to_string().contains("not found"), "{error}");
        }
        session.warm().await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_older_than_the_table_of_digests_is_read_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    std::fs::remove_dir_all(folder.path().join(DIGEST_FINDINGS.name)).unwrap();
    let engine = Engine::new(store.clone(), &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    session.warm().await.unwrap();
    let known = session.snapshot();
    assert_eq!(engine.newest(known).await.unwrap(), *known);
    store.create_tables().await.unwrap();
    assert_ne!(engine.newest(known).await.unwrap(), *known);
}
