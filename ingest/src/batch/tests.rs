use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow::array::{Array, AsArray};

use super::*;

fn record(id: &str) -> Record<'_> {
    Record {
        event_id: Cow::Borrowed(id),
        event_name: Some(Cow::Borrowed("ListBuckets")),
        event_time: Some(7),
        read_only: Some(true),
        ..Record::default()
    }
}

#[test]
fn every_staged_column_has_a_builder() {
    let built = StagedRows::built();
    let names: BTreeSet<&str> = built.iter().copied().collect();
    assert_eq!(names.len(), built.len(), "no builder twice");
    let staged: BTreeSet<&str> = STAGED
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, staged);
}

#[test]
fn rows_stand_in_the_columns_of_their_name() {
    let mut rows = StagedRows::new();
    rows.push(&record("e1"), "object-1");
    rows.push(
        &Record {
            event_name: None,
            event_time: None,
            ..record("e2")
        },
        "object-2",
    );
    assert_eq!(rows.rows(), 2);
    assert_eq!(
        rows.bytes(),
        2 * ("e1".len() + "object-1".len()) + "ListBuckets".len()
    );
    let batch = rows.take(false).unwrap();
    assert_eq!(batch.schema(), *STAGED);
    let text = |name: &str| {
        batch
            .column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .clone()
    };
    assert_eq!(
        text("event_id").iter().collect::<Vec<_>>(),
        [Some("e1"), Some("e2")]
    );
    assert_eq!(
        text("source_object").iter().collect::<Vec<_>>(),
        [Some("object-1"), Some("object-2")]
    );
    assert_eq!(
        text("event_name").iter().collect::<Vec<_>>(),
        [Some("ListBuckets"), None]
    );
    assert!(batch.column_by_name("event_time").unwrap().is_null(1));
}

#[test]
fn taking_starts_anew() {
    let mut rows = StagedRows::new();
    assert_eq!(rows.take(true).unwrap().num_rows(), 0);
    rows.push(&record("e1"), "object");
    assert_eq!(rows.take(true).unwrap().num_rows(), 1);
    assert_eq!((rows.rows(), rows.bytes()), (0, 0));
    rows.push(&record("e2"), "object");
    let batch = rows.take(false).unwrap();
    assert_eq!(
        batch
            .column_by_name("event_id")
            .unwrap()
            .as_string::<i32>()
            .value(0),
        "e2"
    );
}
