#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use podtrail_ingest::store::Store;

use crate::engine::{Engine, Limits};
use crate::udf::FUNCTIONS;

#[tokio::test]
async fn functions_are_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = Arc::new(engine.session().await.unwrap());
    let rows = session
        .rows("SELECT name, usage, doc FROM system.functions ORDER BY name")
        .await
        .unwrap();
    let names = rows[0].column(0).as_string::<i32>();
    assert_eq!(names.len(), FUNCTIONS.len());
    let state = session.context().state();
    for name in names.iter().flatten() {
        assert!(
            state.scalar_functions().contains_key(name)
                || state.aggregate_functions().contains_key(name),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_store_without_events_has_no_data_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let session = engine.session().await.unwrap();
    for table in ["data_files", "queries", "ingested_objects", "rejects"] {
        let rows = session
            .rows(&format!("SELECT * FROM system.{table}"))
            .await
            .unwrap();
        assert_eq!(
            rows.iter()
                .map(arrow::array::RecordBatch::num_rows)
                .sum::<usize>(),
            0,
            "{table}"
        );
    }
}
