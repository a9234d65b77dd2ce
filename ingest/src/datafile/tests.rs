use std::sync::LazyLock;

use arrow::array::{BooleanArray, Date32Array, Int64Array, TimestampMicrosecondArray};
use object_store::memory::InMemory;
use proptest::prelude::*;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde_json::{Value, json};

use super::stats::STATS_TEXT_CHARS;
use super::*;
use crate::schema::{Column, Kind};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        nullable: true,
        doc: "A column.",
    }
}

/// A table with a column of every kind.
static MIXED: Table = Table {
    name: "mixed",
    doc: "A column of every kind.",
    columns: &[
        column("text", Kind::Text),
        column("day", Kind::Date),
        column("time", Kind::Time),
        column("number", Kind::Int),
        column("flag", Kind::Bool),
    ],
    partition: Some("day"),
    sort: &["time", "text"],
    stats: &["text", "time", "number", "flag"],
};

static WHOLE: LazyLock<Table> = LazyLock::new(|| Table {
    partition: None,
    ..MIXED
});

#[derive(Debug, Clone)]
struct Row {
    text: Option<String>,
    day: Option<i32>,
    time: Option<i64>,
    number: Option<i64>,
}

fn row(text: &str, day: Option<i32>, time: i64) -> Row {
    Row {
        text: Some(text.to_owned()),
        day,
        time: Some(time),
        number: Some(time * 2),
    }
}

fn batch(table: &Table, rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(
            rows.iter()
                .map(|row| row.text.clone())
                .collect::<StringArray>(),
        ),
        Arc::new(rows.iter().map(|row| row.day).collect::<Date32Array>()),
        Arc::new(
            rows.iter()
                .map(|row| row.time)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Arc::new(rows.iter().map(|row| row.number).collect::<Int64Array>()),
        Arc::new(
            rows.iter()
                .map(|row| Some(row.time.is_some()))
                .collect::<BooleanArray>(),
        ),
    ];
    RecordBatch::try_new(table.arrow_schema(), columns).unwrap()
}

fn store() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

async fn write_all(
    table: &'static Table,
    objects: &Arc<dyn ObjectStore>,
    rows: &[Row],
) -> Vec<Add> {
    write(table, objects, batch(table, rows), "name")
        .await
        .unwrap()
}

fn info(add: &Add) -> FileInfo {
    FileInfo::new(add.path.clone(), add.size, add.stats.as_deref())
}

fn stats_of(add: &Add) -> Value {
    serde_json::from_str(add.stats.as_deref().unwrap()).unwrap()
}

#[tokio::test]
async fn each_day_is_a_file_and_comes_back_sorted() {
    let objects = store();
    let rows = [
        row("c", Some(1), 9),
        row("b", Some(0), 5),
        row("a", Some(1), 3),
        row("d", None, 1),
        row("a", Some(1), 9),
    ];
    let adds = write_all(&MIXED, &objects, &rows).await;
    let paths: Vec<&str> = adds.iter().map(|add| add.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "day=__HIVE_DEFAULT_PARTITION__/name.parquet",
            "day=1970-01-01/name.parquet",
            "day=1970-01-02/name.parquet"
        ]
    );
    let days: Vec<Option<String>> = adds
        .iter()
        .map(|add| add.partition_values["day"].clone())
        .collect();
    assert_eq!(
        days,
        [
            None,
            Some("1970-01-01".to_owned()),
            Some("1970-01-02".to_owned())
        ]
    );
    let mut found = Vec::new();
    for add in &adds {
        let file = info(add);
        assert_eq!(file.size, u64::try_from(add.size).unwrap());
        // In the order asked for, not that of the file.
        read_columns(&objects, &file, &["number", "text"], |columns| {
            let numbers = columns[0].as_primitive::<Int64Type>();
            let texts = columns[1].as_string::<i32>();
            for row in 0..texts.len() {
                found.push((texts.value(row).to_owned(), numbers.value(row)));
            }
            Ok(())
        })
        .await
        .unwrap();
    }
    let expected = [("d", 2), ("b", 10), ("a", 6), ("a", 18), ("c", 18)];
    assert_eq!(
        found,
        expected.map(|(text, number)| (text.to_owned(), number))
    );
}

#[tokio::test]
async fn a_missing_column_or_file_is_an_error() {
    let objects = store();
    let adds = write_all(&MIXED, &objects, &[row("a", Some(0), 1)]).await;
    let missing = read_columns(&objects, &info(&adds[0]), &["colour"], |_| Ok(())).await;
    assert!(missing.is_err());
    let mut elsewhere = info(&adds[0]);
    elsewhere.path = "nowhere.parquet".to_owned();
    assert!(
        read_columns(&objects, &elsewhere, &["text"], |_| Ok(()))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn statistics_tell_bounds_and_nulls() {
    let rows = [
        Row {
            text: None,
            day: None,
            time: None,
            number: None,
        },
        row("b", None, 1_772_442_000_000_001),
        row("a", None, 1_772_442_000_999_999),
    ];
    let adds = write_all(&WHOLE, &store(), &rows).await;
    assert_eq!(
        stats_of(&adds[0]),
        json!({
            "numRecords": 3,
            "minValues": { "text": "a", "time": "2026-03-02T09:00:00.000001Z", "number": 3_544_884_000_000_002_i64 },
            "maxValues": { "text": "b", "time": "2026-03-02T09:00:00.999999Z", "number": 3_544_884_001_999_998_i64 },
            "nullCount": { "text": 1, "time": 1, "number": 1, "flag": 0 },
        })
    );
    assert_eq!(adds[0].path, "name.parquet");
    assert_eq!(info(&adds[0]).rows, 3);
}

#[tokio::test]
async fn a_column_of_nulls_has_no_bounds() {
    let rows = [Row {
        text: None,
        day: None,
        time: None,
        number: None,
    }];
    let adds = write_all(&WHOLE, &store(), &rows).await;
    let stats = stats_of(&adds[0]);
    assert_eq!(stats["minValues"], json!({}));
    assert_eq!(stats["maxValues"], json!({}));
    let file = info(&adds[0]);
    assert!(file.may_hold("text", "a", "b") && file.may_hold_time("time", 0, 1));
}

#[tokio::test]
async fn long_texts_are_cut_and_still_bound() {
    let long = "ä".repeat(STATS_TEXT_CHARS) + "zzz";
    let exact = "b".repeat(STATS_TEXT_CHARS);
    let adds = write_all(
        &WHOLE,
        &store(),
        &[row(&long, None, 1), row(&exact, None, 2)],
    )
    .await;
    let stats = stats_of(&adds[0]);
    assert_eq!(stats["minValues"]["text"], json!(exact), "not cut");
    assert_eq!(
        stats["maxValues"]["text"],
        json!("ä".repeat(STATS_TEXT_CHARS) + "\u{10FFFF}")
    );
    let file = info(&adds[0]);
    assert!(file.may_hold("text", &long, &long) && file.may_hold("text", &exact, &exact));
    assert!(!file.may_hold("text", "a", "aa") && !file.may_hold("text", "ö", "öö"));
}

#[test]
fn without_statistics_anything_may_be_there() {
    for stats in [
        None,
        Some(""),
        Some("[]"),
        Some("{}"),
        Some(r#"{"minValues":7}"#),
        Some(r#"{"minValues":{"a":"x"}}"#),
        Some(r#"{"minValues":{"a":"x"},"maxValues":{"a":7}}"#),
    ] {
        let file = FileInfo::new("path".to_owned(), -1, stats);
        assert!(
            file.may_hold("a", "b", "c") && file.may_hold_time("a", 0, 1),
            "{stats:?}"
        );
        assert_eq!((file.rows, file.size), (0, 0));
    }
}

#[test]
fn times_of_a_checkpoint_may_be_cut_to_milliseconds() {
    let stats = r#"{"numRecords":1,"minValues":{"t":"2026-03-02T09:00:00.000Z"},"maxValues":{"t":"2026-03-02T09:00:00.123Z"}}"#;
    let file = FileInfo::new("path".to_owned(), 1, Some(stats));
    let max = 1_772_442_000_123_999;
    assert!(file.may_hold_time("t", max, max + 5));
    assert!(!file.may_hold_time("t", max + 1_000, max + 2_000));
    assert!(!file.may_hold_time("t", 0, 1_772_441_999_999_999));
}

fn any_row() -> impl Strategy<Value = Row> {
    let text = prop_oneof![any::<String>(), "[a\u{10FFFF}é]{60,70}", "a{60,66}b?"];
    (
        prop::option::weighted(0.9, text),
        prop::option::of(-2_i32..3),
        prop::option::weighted(0.9, any::<i64>()),
    )
        .prop_map(|(text, day, time)| Row {
            text,
            day,
            time,
            number: time,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn statistics_never_hide_a_value(rows in prop::collection::vec(any_row(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let adds = runtime.block_on(write_all(&WHOLE, &store(), &rows));
        let file = info(&adds[0]);
        prop_assert_eq!(file.rows, rows.len() as u64);
        for row in &rows {
            if let Some(text) = &row.text {
                prop_assert!(file.may_hold("text", text, text), "{:?}", text);
            }
            if let Some(time) = row.time {
                prop_assert!(file.may_hold_time("time", time, time), "{}", time);
            }
        }
    }

    #[test]
    fn rows_come_back_whole(rows in prop::collection::vec(any_row(), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let objects = store();
        let adds = runtime.block_on(write_all(&MIXED, &objects, &rows));
        let mut found = Vec::new();
        for add in &adds {
            runtime.block_on(read_columns(&objects, &info(add), &["text", "time"], |columns| {
                let (texts, times) = (columns[0].as_string::<i32>(), columns[1].as_primitive::<TimestampMicrosecondType>());
                found.extend(texts.iter().map(|text| text.map(str::to_owned)).zip(times.iter()));
                Ok(())
            })).unwrap();
        }
        let mut written: Vec<_> = rows.iter().map(|row| (row.text.clone(), row.time)).collect();
        found.sort();
        written.sort();
        prop_assert_eq!(found, written);
    }
}
