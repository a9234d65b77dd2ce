//! What is kept of an earlier snapshot, and used for the next, is what would be computed anew.

use super::*;

/// All rows of the views, and the reports.
async fn look(store: &Store) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let session = session(store).await;
    let names = views(&session).await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (answers(&session, &names).await, reports(&session).await)
}

async fn ingested(store: &Store, made: &Path, day: &str) {
    let days = made.join(format!("trail/AWSLogs/*/CloudTrail/*/2026/01/{day}"));
    let source = LocalFiles::new(days.to_str().unwrap(), None).unwrap();
    let summary = run(store, Arc::new(source), ingesting(50), &())
        .await
        .unwrap();
    assert!(summary.batches > 0, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_by_day_is_what_is_computed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let store = Store::folder(&place, true).unwrap();
    let same = async |after: &str| {
        let kept = look(&store).await;
        std::fs::remove_dir_all(place.join("_answers")).unwrap();
        let anew = look(&store).await;
        for (view, rows) in &anew.0 {
            assert!(
                *rows == kept.0[view],
                "after {after}, view {view}:\n{rows:#?}\n{:#?}",
                kept.0[view]
            );
        }
        assert_eq!(anew.1, kept.1, "after {after}");
    };

    // Of sessions that go on past midnight, the second day tells nobody's name.
    let made = generated(folder.path(), 11, "2", "2026-01-02T01:00:00Z");
    ingested(&store, &made, "02").await;
    session(&store).await.warm().await.unwrap();
    // Then their records come, with the first day: the files of the second stay as they are.
    ingested(&store, &made, "01").await;
    same("the day before").await;
    import(&place, &made);
    same("the inventory").await;
    // Of another account, days later: nothing of it tells of the days before.
    let more = generated(folder.path(), 12, "1", "2026-01-04T12:00:00Z");
    ingested(&store, &more, "04").await;
    same("a day later").await;
}
