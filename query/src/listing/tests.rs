#![allow(clippy::unwrap_used)]
use podtrail_ingest::store::Store;

use super::*;
use crate::engine::{Engine, Limits, Session};
use crate::report::Report;

async fn session(folder: &tempfile::TempDir) -> Session {
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    engine.session().await.unwrap()
}

fn all() -> Vec<Listing> {
    let own = [
        FALLBACKS,
        FALLBACK_HOURS,
        EVENTS,
        WORKLOAD_ACTIONS,
        WORKLOAD_HOURS,
        WORKLOAD_CHAINS,
        WORKLOAD_PODS,
        NODE_ACTIONS,
        NODE_HOURS,
        NODE_PODS,
        SHARES,
        FLOWS,
        TIMELINE,
        UNATTRIBUTED,
        INGESTION,
        INGESTED_BATCHES,
        REJECTS,
    ];
    let reports = Report::ALL.into_iter().map(Report::listing);
    own.into_iter().chain(reports).collect()
}

/// A filter that sets everything a list takes.
fn full(listing: &Listing) -> Filter {
    let time = |takes: bool| takes.then(chrono::Utc::now);
    let mut filter = Filter::between(time(listing.takes("from")), time(listing.takes("to")));
    for name in Filter::NAMES.into_iter().filter(|name| listing.takes(name)) {
        let value = Filter::words(name).map_or("x", |words| words[0]);
        filter.set(name, value).unwrap();
    }
    filter
}

#[tokio::test]
async fn every_list_can_be_filtered_and_paged_by_whatever_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(&folder).await;
    for listing in all() {
        for filter in [Filter::default(), full(&listing)] {
            let after = if listing.newest_first { "17 x" } else { "x" };
            for statement in [
                listing.whole(&filter).unwrap(),
                listing.page(&filter, None, 5).unwrap(),
                listing.page(&filter, Some(after), 5).unwrap(),
            ] {
                let rows = session
                    .sql_with(&statement.sql, statement.parameters)
                    .await
                    .unwrap_or_else(|error| panic!("{}: {error}", listing.name));
                let rows: Vec<_> = futures::TryStreamExt::try_collect(rows).await.unwrap();
                assert!(
                    rows.iter()
                        .all(|batch: &arrow::array::RecordBatch| batch.num_rows() == 0)
                );
            }
        }
    }
}

#[tokio::test]
async fn the_times_of_a_page_can_be_asked_for_by_whatever_the_list_takes() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(&folder).await;
    let role = Filter::default().with("role_arn", "x").unwrap();
    for filter in [Filter::default(), role, full(&EVENTS)] {
        for after in [None, Some("17 x")] {
            let span = EVENTS.span(&filter, after, 5).unwrap().unwrap();
            let statement = span.statement();
            let rows = session
                .sql_with(&statement.sql, statement.parameters)
                .await
                .unwrap();
            let rows: Vec<_> = futures::TryStreamExt::try_collect(rows).await.unwrap();
            let narrow = span.narrow(&rows).unwrap();
            // A role's calls that nobody is named for are in no sum per hour.
            let nothing = narrow.to.is_some_and(|to| narrow.from >= Some(to));
            assert!(nothing || narrow == filter, "{filter:?} {narrow:?}");
            assert_eq!(narrow == filter, filter.get("role_arn").is_some());
        }
        // Calls without a time are beyond all times.
        assert!(EVENTS.span(&filter, Some(" x"), 5).unwrap().is_none());
    }
    assert!(
        FALLBACKS
            .span(&Filter::default(), None, 5)
            .unwrap()
            .is_none()
    );
    let wrong = Filter::default().with("id", "x").unwrap();
    assert!(EVENTS.span(&wrong, Some("no key"), 5).is_err());
}

#[test]
fn a_key_of_another_form_is_refused() {
    for key in ["", "x", "x y", "9223372036854775808 id"] {
        assert!(
            EVENTS.page(&Filter::default(), Some(key), 1).is_err(),
            "{key}"
        );
    }
    for key in ["17 id", " id", "-5 id with blanks"] {
        assert!(
            EVENTS.page(&Filter::default(), Some(key), 1).is_ok(),
            "{key}"
        );
    }
}
