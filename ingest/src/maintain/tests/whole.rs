//! Runs on whole stores.

use super::*;
use crate::manifest::Redo;
use crate::pipeline::Summary;

/// What no maintenance may change, by table.
async fn contents(store: &Store) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for table in TABLES {
        if table.name != ACTIVITIES.name {
            all.push(texts(store, table, &[]).await);
        }
    }
    // Rows of one activity add up.
    let folded = fold::sorted(&rows(store, &ACTIVITIES).await).unwrap();
    let sums = (0..folded.num_rows()).map(|row| {
        let columns = folded.columns().iter();
        let shown = columns.map(|column| array_value_to_string(column, row).unwrap());
        shown.collect::<Vec<_>>().join("|")
    });
    all.push(sums.collect());
    all
}

#[tokio::test]
async fn small_files_become_few_with_the_same_rows() {
    let store = store();
    ingest(&store, 0..24).await;
    let before = contents(&store).await;
    let report = run(&store, &options(), &()).await.unwrap();
    assert_eq!(contents(&store).await, before);
    for (table, files) in [(&EVENTS, 2), (&ACTIVITIES, 2), (&INGESTED_OBJECTS, 1)] {
        assert_eq!(files_of(&store, table).await.len(), files, "{}", table.name);
    }
    let events = &report.tables[0];
    assert_eq!((events.files_before, events.files_after), (48, 2));
    assert_eq!((events.rows_before, events.rows_after), (144, 144));
    assert_eq!(events.merged, 48);
    assert!(events.bytes_after < events.bytes_before);
    let activities = &report.tables[1];
    assert!(activities.rows_after < activities.rows_before);
    assert_eq!(activities.checkpoints, 1);

    let again = run(&store, &options(), &()).await.unwrap();
    assert!(
        again.tables.iter().all(|table| table.merged == 0),
        "{again:?}"
    );
}

#[tokio::test]
async fn files_are_sorted_and_bounded_and_the_log_knows_their_values() {
    let store = store();
    ingest(&store, 0..30).await;
    let smallest = Options {
        target_bytes: 1,
        ..options()
    };
    run(&store, &smallest, &()).await.unwrap();
    let rows = rows(&store, &EVENTS).await;
    for file in files_of(&store, &EVENTS).await {
        assert!(file.rows <= 8_192);
        assert!(!file.least("event_time").is_empty());
    }
    assert_eq!(rows.num_rows(), 180);
}

#[tokio::test]
async fn ingest_goes_on_after_maintenance_and_knows_what_it_has() {
    let store = store();
    ingest(&store, 0..8).await;
    run(&store, &options(), &()).await.unwrap();
    ingest(&store, 0..12).await;
    run(&store, &options(), &()).await.unwrap();
    assert_eq!(rows(&store, &EVENTS).await.num_rows(), 72);
    assert_eq!(calls_of(&rows(&store, &ACTIVITIES).await), 72);
    assert_eq!(rows(&store, &INGESTED_OBJECTS).await.num_rows(), 12);
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_tells_what_would_happen() {
    let store = store();
    ingest(&store, 0..8).await;
    stray(&store, "events/event_date=2026-03-02/stray.parquet").await;
    let before = everything(&store).await;
    let dry = Options {
        dry_run: true,
        rebuild_activities: true,
        expire_before: Some(EARLIER),
        ..later()
    };
    let report = run(&store, &dry, &()).await.unwrap();
    assert_eq!(everything(&store).await, before);
    let events = &report.tables[0];
    assert_eq!((events.merged, events.files_after), (16, 2));
    assert_eq!((events.files_deleted, report.rebuilt_days), (1, 2));
}

async fn stray(store: &Store, path: &str) {
    let objects = store.objects();
    objects.put(&path.into(), "stray".into()).await.unwrap();
}

#[tokio::test]
async fn old_files_that_no_version_holds_are_deleted() {
    let store = store();
    ingest(&store, 0..8).await;
    for path in [
        "events/event_date=2026-03-02/stray.parquet",
        "activities/event_date=2026-03-02/stray.parquet",
        "inventory/stray.parquet",
    ] {
        stray(&store, path).await;
    }
    let kept = [
        "events/notes.txt",
        "events/elsewhere/stray.parquet",
        "_ingest/test/read-until.json",
    ];
    for path in kept {
        stray(&store, path).await;
    }
    let young = run(&store, &options(), &()).await.unwrap();
    assert!(young.tables.iter().all(|table| table.files_deleted == 0));

    let before = contents(&store).await;
    let old = run(&store, &later(), &()).await.unwrap();
    assert_eq!(contents(&store).await, before);
    let left = everything(&store).await;
    let has = |path: &str| left.iter().any(|(found, _)| found == path);
    assert!(kept.iter().all(|path| has(path)), "{left:?}");
    assert!(
        !left
            .iter()
            .any(|(path, _)| path.ends_with("/stray.parquet") && !has(path)
                || path == "inventory/stray.parquet")
    );
    // 16 files were merged, at a time that is long over by the later clock.
    assert_eq!(old.tables[0].files_deleted, 17);
    assert_eq!(files_of(&store, &EVENTS).await.len(), 2);
}

#[tokio::test]
async fn files_merged_a_moment_ago_stay() {
    let store = store();
    ingest(&store, 0..8).await;
    let report = run(&store, &later(), &()).await.unwrap();
    // They are old, but it is only now that no version holds them any more.
    assert_eq!(report.tables[0].files_deleted, 0);
}

/// Writes a redo record that names a file of `activities`.
async fn redo(store: &Store, seq: i64) -> String {
    let path = format!("event_date=2026-03-02/of-{seq}.parquet");
    stray(store, &format!("activities/{path}")).await;
    let stats = datafile::Stats::new(&ACTIVITIES);
    let add = datafile::add(
        &ACTIVITIES,
        path.clone(),
        Some("2026-03-02".to_owned()),
        5,
        &stats,
        true,
    );
    let adds = vec![Vec::new(), vec![add], Vec::new(), Vec::new()];
    let record = Redo::new(Summary::default(), adds);
    record.create(store, "test", seq, 77).await.unwrap();
    format!("activities/{path}")
}

#[tokio::test]
async fn redo_records_that_lost_go_with_their_files() {
    let store = store();
    ingest(&store, 0..4).await;
    let (lost, open) = (redo(&store, 3).await, redo(&store, 5).await);
    let has = async |path: &str| {
        everything(&store)
            .await
            .iter()
            .any(|(found, _)| found == path)
    };
    let young = run(&store, &options(), &()).await.unwrap();
    assert_eq!(young.protocol_files, 1, "an earlier batch is over");
    assert!(has(&lost).await && has(&open).await);
    // Old and not committed: its ingester is gone, and could not commit any more.
    let old = run(&store, &later(), &()).await.unwrap();
    assert_eq!(old.protocol_files, 1);
    assert!(!has(&lost).await && !has(&open).await);
}

#[tokio::test]
async fn files_of_a_committed_batch_are_never_old() {
    let store = store();
    ingest(&store, 0..4).await;
    let events = store.require(&EVENTS).await.unwrap();
    let position = crate::commit::Position {
        seq: 5,
        attempt: 77,
    };
    crate::commit::commit(&EVENTS, &events, Vec::new(), "test", position)
        .await
        .unwrap();
    let named = redo(&store, 5).await;
    let mut report = Report::default();
    vacuum::vacuum(&store, &TABLES, &later(), &mut report)
        .await
        .unwrap();
    let left = everything(&store).await;
    assert!(left.iter().any(|(path, _)| *path == named), "{left:?}");
    // Nobody came to complete it for long, so maintenance does.
    let report = run(&store, &later(), &()).await;
    // The file of this test is none, so that what then reads it fails; the batch is complete.
    assert!(report.is_err());
    let activities = store.require(&ACTIVITIES).await.unwrap();
    let held = crate::commit::position(&ACTIVITIES, &activities, "test").await;
    assert_eq!(held.unwrap(), position);
}

#[tokio::test]
async fn activities_made_anew_are_those_that_were_ingested() {
    let store = store();
    ingest(&store, 0..20).await;
    let before = contents(&store).await;
    let again = Options {
        rebuild_activities: true,
        ..options()
    };
    let report = run(&store, &again, &()).await.unwrap();
    assert_eq!(report.rebuilt_days, 2);
    assert_eq!(contents(&store).await, before);
    let rebuilt = rows(&store, &ACTIVITIES).await;
    assert_eq!(
        rebuilt.num_rows(),
        fold::sorted(&rebuilt).unwrap().num_rows()
    );
    let hints = rebuilt.column_by_name("cluster_hint").unwrap();
    assert_eq!(hints.null_count(), 0);
    ingest(&store, 0..22).await;
    assert_eq!(calls_of(&rows(&store, &ACTIVITIES).await), 132);
}

#[tokio::test]
async fn days_that_are_over_expire_and_are_not_read_again() {
    let store = store();
    ingest(&store, 0..8).await;
    // The whole of March 2nd, and all but a moment of the 3rd.
    let before = 1_772_582_400_000_000 - 1;
    let expiring = Options {
        expire_before: Some(before),
        ..options()
    };
    let report = run(&store, &expiring, &()).await.unwrap();
    assert_eq!(report.tables[0].rows_expired, 40);
    assert_eq!(rows(&store, &EVENTS).await.num_rows(), 8);
    assert_eq!(calls_of(&rows(&store, &ACTIVITIES).await), 8);
    assert_eq!(rows(&store, &INGESTED_OBJECTS).await.num_rows(), 8);
    ingest(&store, 0..8).await;
    assert_eq!(rows(&store, &EVENTS).await.num_rows(), 8);
}

#[tokio::test]
async fn activities_whose_events_expired_go_the_next_time() {
    let store = store();
    ingest(&store, 0..8).await;
    // As if a run had died between its two commits.
    let delta = store.require(&EVENTS).await.unwrap();
    let files = files::live(&EVENTS, &delta, 0).unwrap();
    let removes = files.into_iter().map(|file| file.remove).collect();
    let transaction = replace::next_transaction(&EVENTS, &delta).await.unwrap();
    let operation = deltalake::protocol::DeltaOperation::Delete { predicate: None };
    crate::commit::replace(&EVENTS, &delta, removes, Vec::new(), transaction, operation)
        .await
        .unwrap();
    let expiring = Options {
        expire_before: Some(LATER),
        ..options()
    };
    run(&store, &expiring, &()).await.unwrap();
    assert_eq!(rows(&store, &ACTIVITIES).await.num_rows(), 0);
}

#[tokio::test]
async fn whoever_is_asked_to_stop_stops_between_commits() {
    let store = store();
    ingest(&store, 0..8).await;
    let (stopper, stop) = crate::Stopper::new();
    stopper.stop();
    let stopped = Options { stop, ..options() };
    let report = run(&store, &stopped, &()).await.unwrap();
    assert!(report.stopped);
    assert_eq!(files_of(&store, &EVENTS).await.len(), 16);
}

#[tokio::test]
async fn a_store_without_tables_is_an_error() {
    let error = run(&store(), &options(), &()).await.unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error}");
}

#[tokio::test]
async fn log_files_go_once_a_checkpoint_stands_for_them() {
    let store = store();
    ingest(&store, 0..24).await;
    let before = everything(&store).await;
    let report = run(&store, &later(), &()).await.unwrap();
    assert!(report.tables[0].log_files_deleted > 0, "{before:?}");
    assert_eq!(rows(&store, &EVENTS).await.num_rows(), 144);
    assert!(everything(&store).await.len() < before.len());
    let newest = store.require(&EVENTS).await.unwrap().version().unwrap();
    // From a version that is gone, from the newest, and from one that never was.
    for since in [0, newest, newest + 7] {
        let found = store.newest_version(&EVENTS, since).await.unwrap();
        assert_eq!(found, newest, "from {since}");
    }
}
