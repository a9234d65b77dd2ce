#![allow(clippy::unwrap_used)]
use std::path::{Path as FsPath, PathBuf};

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;

use super::*;
use crate::engine::{Engine, Limits, Session};
use crate::rules::NodeAgentRule;

fn store(folder: &FsPath) -> Store {
    Store::folder(folder, true).unwrap()
}

fn shelf(folder: &FsPath, version: u64) -> Shelf {
    let snapshot = Snapshot::from([("events", version)]);
    Shelf::new(&store(folder), &snapshot, &["one".to_owned()])
}

fn rows(count: i64) -> Vec<RecordBatch> {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let texts: ArrayRef = Arc::new(
        (0..count)
            .map(|number| (number % 3 > 0).then(|| format!("text {}", number % 7)))
            .collect::<StringArray>(),
    );
    vec![RecordBatch::try_from_iter([("number", numbers), ("text", texts)]).unwrap()]
}

fn folders(store: &FsPath) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(store.join(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

#[tokio::test]
async fn what_is_put_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(folder.path(), 1);
    for count in [0, 1, 200_000] {
        let rows = rows(count);
        let schema = rows[0].schema();
        shelf.put("view", &schema, &rows, None).await;
        let taken = shelf.take("view", &schema).await.unwrap();
        assert_eq!(
            arrow::compute::concat_batches(&schema, &taken).unwrap(),
            rows[0]
        );
    }
}

#[tokio::test]
async fn a_view_of_several_parts_is_taken_in_order_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(folder.path(), 1);
    let whole = rows(2 * i64::try_from(PART_ROWS).unwrap() + 5).remove(0);
    let schema = whole.schema();
    let batches: Vec<RecordBatch> = (0..whole.num_rows())
        .step_by(GROUP_ROWS)
        .map(|at| whole.slice(at, GROUP_ROWS.min(whole.num_rows() - at)))
        .collect();
    shelf.put("view", &schema, &batches, None).await;
    let taken = shelf.take("view", &schema).await.unwrap();
    assert_eq!(
        arrow::compute::concat_batches(&schema, &taken).unwrap(),
        whole
    );
    let parts = std::fs::read_dir(&folders(folder.path())[0]).unwrap();
    assert_eq!(parts.count(), 3);
    // Another process writes the same rows in another order, and does not come to its end.
    let mut others = batches.clone();
    others.reverse();
    shelf.put("other", &schema, &others, None).await;
    let own = folders(folder.path())[0].clone();
    let named = |view: &str| -> Vec<PathBuf> {
        let files = std::fs::read_dir(&own).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        let further = format!("{view}-");
        let is_further = |file: &PathBuf| {
            let name = file.file_name().unwrap().to_str().unwrap();
            name.starts_with(&further)
        };
        files.filter(is_further).collect()
    };
    for file in named("other") {
        let name = file.file_name().unwrap().to_str().unwrap();
        std::fs::rename(&file, own.join(name.replace("other-", "view-"))).unwrap();
    }
    let taken = shelf.take("view", &schema).await.unwrap();
    assert_eq!(
        arrow::compute::concat_batches(&schema, &taken).unwrap(),
        whole
    );
    for file in named("view") {
        std::fs::remove_file(file).unwrap();
    }
    assert!(shelf.take("view", &schema).await.is_none());
}

#[tokio::test]
async fn what_is_missing_broken_or_of_other_columns_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(folder.path(), 1);
    let rows = rows(10);
    let schema = rows[0].schema();
    assert!(shelf.take("view", &schema).await.is_none());
    shelf.put("view", &schema, &rows, None).await;
    let other = rows[0].project(&[0]).unwrap().schema();
    assert!(shelf.take("view", &other).await.is_none());
    assert!(shelf.take("view", &schema).await.is_some());
    let file = folders(folder.path())[0].join("view.parquet");
    let bytes = std::fs::read(&file).unwrap();
    for broken in [&bytes[..bytes.len() / 2], b"", b"PAR1PAR1"] {
        std::fs::write(&file, broken).unwrap();
        assert!(shelf.take("view", &schema).await.is_none());
    }
}

#[tokio::test]
async fn answers_are_those_of_one_snapshot_one_store_and_one_set_of_rules() {
    let folder = tempfile::tempdir().unwrap();
    let first = shelf(folder.path(), 1);
    let rows = rows(10);
    let schema = rows[0].schema();
    first.put("view", &schema, &rows, None).await;
    assert!(
        shelf(folder.path(), 2)
            .take("view", &schema)
            .await
            .is_none()
    );
    let snapshot = Snapshot::from([("events", 1)]);
    let other = Shelf::new(&store(folder.path()), &snapshot, &["two".to_owned()]);
    assert!(other.take("view", &schema).await.is_none());
    assert!(
        shelf(folder.path(), 1)
            .take("view", &schema)
            .await
            .is_some()
    );
}

#[tokio::test]
async fn answers_to_old_snapshots_are_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(10);
    let schema = rows[0].schema();
    for version in 1..=10 {
        shelf(folder.path(), version)
            .put("view", &schema, &rows, None)
            .await;
    }
    assert_eq!(folders(folder.path()).len(), SNAPSHOTS);
    for version in 8..=10 {
        let kept = shelf(folder.path(), version);
        assert!(kept.take("view", &schema).await.is_some(), "{version}");
    }
}

async fn session(folder: &FsPath, rules: Vec<NodeAgentRule>) -> Session {
    let engine = Engine::new(store(folder), &Limits::new(1))
        .unwrap()
        .with_node_agents("rules.toml", rules)
        .unwrap();
    engine.session().await.unwrap()
}

#[tokio::test]
async fn a_session_reads_what_an_earlier_one_computed() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).create_tables().await.unwrap();
    session(folder.path(), vec![]).await.warm().await.unwrap();
    let kept = &folders(folder.path())[0];
    let file = kept.join("fallbacks.parquet");
    assert!(file.is_file());
    // A row that nothing computes is only there if the file is read.
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| arrow::array::new_null_array(field.data_type(), 1))
        .collect();
    let row = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let label = vec![KeyValue::new(PARTS.to_owned(), String::new())];
    std::fs::write(&file, encoded(&schema, &[row], label).unwrap()).unwrap();
    let count = async |rules: Vec<NodeAgentRule>| {
        let rows = session(folder.path(), rules)
            .await
            .rows("SELECT count(*) FROM fallbacks")
            .await
            .unwrap();
        rows[0].column(0).as_primitive::<Int64Type>().value(0)
    };
    assert_eq!(count(vec![]).await, 1);
    let rule = "name = 'own'\ncomponent = 'own'\nactor = 'node_agent'\nconfidence = 'exact'\n\
        event_source = 's3.amazonaws.com'\nevent_names = ['GetObject']\nsource = 'ours'";
    assert_eq!(count(vec![toml::from_str(rule).unwrap()]).await, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_that_cannot_be_written_is_read_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).create_tables().await.unwrap();
    // A file where the folder would be stops even those who may write everywhere.
    std::fs::write(folder.path().join(FOLDER), b"").unwrap();
    session(folder.path(), vec![]).await.warm().await.unwrap();
}
