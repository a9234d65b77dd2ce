use arrow::array::new_null_array;

use super::*;
use crate::batch::STAGED;

/// 2026-03-02T09:00:00Z, a multiple of the bucket.
const START: i64 = 1_772_442_000 * MICROS_PER_SECOND;

/// One staged row: the named texts, and others null.
#[derive(Clone)]
struct Row {
    texts: Vec<(&'static str, &'static str)>,
    time: Option<i64>,
    created: Option<i64>,
    read_only: Option<bool>,
}

fn row(id: &'static str, seconds: i64) -> Row {
    Row {
        texts: vec![
            ("event_id", id),
            ("source_object", "object"),
            ("event_source", "s3.amazonaws.com"),
            ("event_name", "ListBuckets"),
        ],
        time: Some(START + seconds * MICROS_PER_SECOND),
        created: None,
        read_only: Some(true),
    }
}

impl Row {
    fn with(mut self, column: &'static str, text: &'static str) -> Self {
        self.texts.retain(|(name, _)| *name != column);
        self.texts.push((column, text));
        self
    }
}

fn staged(rows: &[Row]) -> RecordBatch {
    let columns = STAGED
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            let time = |pick: fn(&Row) -> Option<i64>| -> ArrayRef {
                Arc::new(
                    rows.iter()
                        .map(pick)
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                )
            };
            match field.name().as_str() {
                "event_time" => time(|row| row.time),
                "session_created_at" => time(|row| row.created),
                "read_only" => Arc::new(
                    rows.iter()
                        .map(|row| row.read_only)
                        .collect::<BooleanArray>(),
                ),
                name if field.data_type() == &arrow::datatypes::DataType::Utf8 => Arc::new(
                    rows.iter()
                        .map(|row| {
                            let found = row.texts.iter().find(|(column, _)| *column == name);
                            found.map(|(_, text)| *text)
                        })
                        .collect::<StringArray>(),
                ),
                _ => new_null_array(field.data_type(), rows.len()),
            }
        })
        .collect();
    RecordBatch::try_new(Arc::clone(&STAGED), columns).unwrap()
}

fn finished(rows: &[Row]) -> (RecordBatch, RecordBatch) {
    finish(&staged(rows), START).unwrap()
}

fn all<'a>(batch: &'a RecordBatch, name: &str) -> Vec<Option<&'a str>> {
    texts(batch, name).unwrap().iter().collect()
}

fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    let array = column(batch, name).unwrap();
    array
        .as_primitive_opt::<TimestampMicrosecondType>()
        .map_or_else(
            || {
                array
                    .as_primitive::<arrow::datatypes::Int64Type>()
                    .iter()
                    .collect()
            },
            |times| times.iter().collect(),
        )
}

#[test]
fn the_same_calls_within_a_bucket_are_one_activity() {
    let (events, activities) = finished(&[row("e2", 299), row("e1", 0), row("e3", 150)]);
    assert_eq!(activities.num_rows(), 1);
    assert_eq!(numbers(&activities, "calls"), [Some(3)]);
    assert_eq!(numbers(&activities, "first_event_time"), [Some(START)]);
    let last = START + 299 * MICROS_PER_SECOND;
    assert_eq!(numbers(&activities, "last_event_time"), [Some(last)]);
    assert_eq!(all(&activities, "event_id"), [Some("e1")]);
    let id = all(&activities, "activity_id")[0];
    assert_eq!(all(&events, "activity_id"), [id; 3]);
    assert_eq!(events.schema(), EVENTS.arrow_schema());
    assert_eq!(activities.schema(), ACTIVITIES.arrow_schema());
}

#[test]
fn buckets_end_at_multiples_of_five_minutes() {
    let micro = |offset: i64| {
        let mut row = row("e", 0);
        row.time = Some(START + offset);
        row
    };
    let edge = BUCKET_SECONDS * MICROS_PER_SECOND;
    let (events, activities) = finished(&[
        micro(-1),
        micro(0),
        micro(edge - 1),
        micro(edge),
        micro(edge + 1),
    ]);
    assert_eq!(numbers(&activities, "calls"), [Some(1), Some(2), Some(2)]);
    let ids = all(&events, "activity_id");
    assert!(ids[0] != ids[1] && ids[1] == ids[2] && ids[2] != ids[3] && ids[3] == ids[4]);
    // Before 1970 too, and each on its own day.
    let mut old = row("old", 0);
    old.time = Some(-1);
    let (events, _) = finished(&[old]);
    let days = column(&events, "event_date").unwrap();
    assert_eq!(
        days.as_primitive::<arrow::datatypes::Date32Type>().value(0),
        -1
    );
}

#[test]
fn any_other_value_of_a_key_column_is_another_activity() {
    let mut rows = vec![row("e0", 0)];
    let copied = ACTIVITIES
        .columns
        .iter()
        .map(|column| column.name)
        .filter(|name| {
            !COMPUTED.contains(name)
                && ![
                    "shared_event_id",
                    "session_created_at",
                    "read_only",
                    "issued_expires_at",
                ]
                .contains(name)
        });
    for name in copied {
        rows.push(row("e", 0).with(name, "other"));
    }
    let mut created = row("e", 0);
    created.created = Some(START);
    rows.push(created);
    let mut writing = row("e", 0);
    writing.read_only = Some(false);
    rows.push(writing);
    let mut unsaid = row("e", 0);
    unsaid.read_only = None;
    rows.push(unsaid);
    let (_, activities) = finished(&rows);
    assert_eq!(activities.num_rows(), rows.len());
}

#[test]
fn a_value_does_not_move_into_the_next_column() {
    let one = row("e1", 0).with("user_agent", "a").with("error_code", "b");
    let other = row("e2", 0).with("user_agent", "ab").with("error_code", "");
    let none = row("e3", 0).with("user_agent", "ab");
    let (_, activities) = finished(&[one, other, none]);
    assert_eq!(activities.num_rows(), 3);
}

#[test]
fn the_shared_event_id_of_a_plain_call_makes_no_difference() {
    let one = row("e1", 0).with("shared_event_id", "s1");
    let other = row("e2", 0).with("shared_event_id", "s2");
    let (events, activities) = finished(&[one, other]);
    assert_eq!(numbers(&activities, "calls"), [Some(2)]);
    assert_eq!(all(&activities, "shared_event_id"), [None]);
    assert_eq!(all(&events, "shared_event_id"), [Some("s1"), Some("s2")]);
}

#[test]
fn each_issuing_record_is_an_activity_of_its_own() {
    let issuing = |id| {
        row(id, 0)
            .with("issued_role_arn", "r")
            .with("shared_event_id", "s")
    };
    let keyed = |id| row(id, 0).with("issued_access_key_id", "k");
    let (_, activities) = finished(&[issuing("e1"), issuing("e2"), keyed("e3"), keyed("e4")]);
    assert_eq!(
        all(&activities, "event_id"),
        [Some("e1"), Some("e2"), Some("e3"), Some("e4")]
    );
    assert_eq!(
        all(&activities, "shared_event_id"),
        [Some("s"), Some("s"), None, None]
    );
}

#[test]
fn partial_rows_of_an_activity_add_up_to_the_whole() {
    let rows = [row("e4", 10), row("e1", 200), row("e3", 5), row("e2", 299)];
    let (_, whole) = finished(&rows);
    for split in 1..rows.len() {
        let parts = [finished(&rows[..split]).1, finished(&rows[split..]).1];
        let each = |name: &str| {
            parts
                .iter()
                .flat_map(|part| numbers(part, name))
                .collect::<Vec<_>>()
        };
        let calls: i64 = each("calls").into_iter().flatten().sum();
        assert_eq!(Some(calls), numbers(&whole, "calls")[0]);
        assert_eq!(
            each("first_event_time").into_iter().min(),
            Some(numbers(&whole, "first_event_time")[0])
        );
        assert_eq!(
            each("last_event_time").into_iter().max(),
            Some(numbers(&whole, "last_event_time")[0])
        );
        let ids = parts.iter().flat_map(|part| all(part, "event_id")).min();
        assert_eq!(ids, Some(all(&whole, "event_id")[0]));
        for part in &parts {
            assert_eq!(all(part, "activity_id"), all(&whole, "activity_id"));
        }
    }
}

#[test]
fn events_without_a_time_are_an_activity_without_a_day() {
    let timeless = |id| {
        let mut row = row(id, 0);
        row.time = None;
        row
    };
    let (events, activities) = finished(&[timeless("e1"), row("e2", 0), timeless("e3")]);
    assert_eq!(numbers(&activities, "calls"), [Some(2), Some(1)]);
    assert_eq!(
        numbers(&activities, "first_event_time"),
        [None, Some(START)]
    );
    assert!(column(&activities, "event_date").unwrap().is_null(0));
    assert!(column(&events, "event_date").unwrap().is_null(2));
}

#[test]
fn nothing_gives_nothing() {
    let (events, activities) = finished(&[]);
    assert_eq!((events.num_rows(), activities.num_rows()), (0, 0));
}
