#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;

use arrow::array::{Date32Array, StringArray};

use super::*;

/// A row: its day, and what it says.
type Said = (Option<i32>, &'static str);

fn batch(rows: &[Said]) -> RecordBatch {
    let days: Date32Array = rows.iter().map(|row| row.0).collect();
    let said: StringArray = rows.iter().map(|row| Some(row.1)).collect();
    let columns: [(_, ArrayRef); 2] = [(days::COLUMN, Arc::new(days)), ("said", Arc::new(said))];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The marks of the rows of some statements.
fn marks(statements: &[&[Said]]) -> OfDays {
    let mut rows = Rows::default();
    for (number, statement) in statements.iter().enumerate() {
        // Each row in a batch of its own: what stands together is by chance.
        for row in *statement {
            rows.add(number, &batch(&[*row])).unwrap();
        }
    }
    rows.marks()
}

/// Rows of statements, and the days whose marks they change.
type Case<'a> = (&'a [&'a [Said]], &'a [Option<i32>]);

#[test]
fn a_mark_changes_with_the_rows_of_its_day_and_not_with_their_order() {
    let first: &[Said] = &[(Some(1), "a"), (Some(2), "b"), (Some(2), "c"), (None, "d")];
    let before = marks(&[first]);
    assert_eq!(
        before.keys().copied().collect::<Vec<_>>(),
        [None, Some(1), Some(2)]
    );
    let mut rows = Rows::default();
    let turned: Vec<Said> = first.iter().rev().copied().collect();
    rows.add(0, &batch(&turned)).unwrap();
    assert_eq!(rows.marks(), before);

    let others: [Case<'_>; 5] = [
        (
            &[&[(Some(1), "a"), (Some(2), "b"), (Some(2), "x"), (None, "d")]],
            &[Some(2)],
        ),
        (
            &[&[
                (Some(1), "a"),
                (Some(1), "a"),
                (Some(2), "b"),
                (Some(2), "c"),
                (None, "d"),
            ]],
            &[Some(1)],
        ),
        (
            &[&[(Some(1), "a"), (Some(2), "b"), (Some(2), "c")]],
            &[None],
        ),
        // The same said by another statement is something else.
        (
            &[
                &[(Some(2), "b"), (Some(2), "c"), (None, "d")],
                &[(Some(1), "a")],
            ],
            &[Some(1)],
        ),
        (
            &[&[(Some(2), "a"), (Some(1), "b"), (Some(1), "c"), (None, "d")]],
            &[Some(1), Some(2)],
        ),
    ];
    for (statements, expected) in others {
        let now = marks(statements);
        let days: BTreeSet<Option<i32>> = before.keys().chain(now.keys()).copied().collect();
        let changed: Vec<Option<i32>> = days
            .into_iter()
            .filter(|day| before.get(day) != now.get(day))
            .collect();
        assert_eq!(changed, expected, "{statements:?}");
    }
}

/// Columns that a statement names of a table.
fn columns_of(table: &str, sql: &str) -> BTreeSet<String> {
    let words = sql.split(|each: char| !(each.is_ascii_alphanumeric() || "_.".contains(each)));
    let of = format!("{table}.");
    words
        .filter_map(|word| word.strip_prefix(&of))
        .filter(|column| !column.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn marks_are_made_of_all_that_a_judgement_reads_but_what_only_evidence_tells() {
    let grounds = include_str!("../views/grounds.sql");
    let [callers, issuances, copies, fargate, _] = READ;
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "caller",
            callers,
            &[
                "candidates",
                "cluster_role_event_id",
                "fargate_event_id",
                "fargate_proof",
                "fitting_event_id",
                "matched_by",
                "node_cluster_event_id",
                "parent_event_id",
                "pod_role_event_id",
                "proven",
                "role_event_id",
                "role_proof",
                "session_by_principal",
                "session_fact",
                "session_gap",
                "sole_proof",
            ],
        ),
        ("naming", issuances, &["inventory_fact"]),
        (
            "copied",
            copies,
            &[
                "by_principal",
                // Made of the mechanism and the hops.
                "by_proxy",
                "gap",
                "inventory_fact",
                "parent_event_id",
            ],
        ),
        ("fargate", fargate, &["event_id", "proof"]),
    ];
    let held = include_str!("../views/held_grounds.sql");
    for (table, sql, only_evidence) in cases {
        let read = columns_of(table, grounds);
        assert!(read.len() > 3, "{table}: {read:?}");
        let marked = columns_of(table, sql);
        let left: Vec<&String> = read.difference(&marked).collect();
        assert_eq!(left, only_evidence, "{table}");
    }
    // What only evidence tells is not held under the names that `grounds` gives it.
    for column in [
        "matched_by",
        "proven",
        "parent_event_id",
        "gap",
        "by_principal",
        "named_fact",
        "role_event_id",
        "role_proof",
        "node_cluster_event_id",
        "cluster_role_event_id",
        "pod_role_event_id",
        "sole_proof",
        "fargate_event_id",
        "fargate_proof",
        "fitting_event_id",
        "candidates",
    ] {
        let words = held.split(|each: char| !(each.is_ascii_alphanumeric() || each == '_'));
        assert_eq!(words.filter(|word| *word == column).count(), 0, "{column}");
    }
}
