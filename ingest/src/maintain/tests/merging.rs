//! Which files are merged, and that rows come through it whole and sorted.

use super::*;
use crate::maintain::fold::{Fold, sorted};
use crate::maintain::merge::Merge;
use crate::schema::Table;

fn live(partition: &str, name: &str, size: u64) -> Live {
    Live {
        info: FileInfo::new(
            name.to_owned(),
            i64::try_from(size).unwrap(),
            Some(r#"{"numRecords":10}"#),
        ),
        partition: Some(partition.to_owned()),
        remove: Remove::default(),
    }
}

fn sizes(groups: &[Group]) -> Vec<Vec<u64>> {
    groups
        .iter()
        .map(|group| {
            let mut sizes: Vec<u64> = group.files.iter().map(|file| file.info.size).collect();
            sizes.sort_unstable();
            sizes
        })
        .collect()
}

fn planned(files: &[(&str, u64)]) -> Vec<Vec<u64>> {
    let files = files
        .iter()
        .enumerate()
        .map(|(at, (day, size))| live(day, &format!("{at:03}"), *size));
    let options = Options {
        small_bytes: 100,
        min_files: 3,
        ..options()
    };
    sizes(&plan(&EVENTS, files.collect(), &options))
}

#[test]
fn small_files_of_one_day_are_merged_where_there_are_enough() {
    assert_eq!(
        planned(&[("a", 5), ("b", 5), ("a", 6), ("b", 7), ("a", 100), ("a", 7)]),
        [[5, 6, 7]]
    );
    assert!(planned(&[("a", 5), ("a", 6)]).is_empty());
    assert!(planned(&[]).is_empty());
}

#[test]
fn a_file_larger_than_all_smaller_ones_waits_for_more() {
    assert_eq!(
        planned(&[("a", 90), ("a", 5), ("a", 5), ("a", 5)]),
        [[5, 5, 5]]
    );
    assert!(planned(&[("a", 90), ("a", 40), ("a", 10), ("a", 5)]).is_empty());
    assert_eq!(
        planned(&[("a", 10), ("a", 5), ("a", 5), ("a", 5)]),
        [[5, 5, 5, 10]]
    );
}

#[test]
fn what_is_merged_again_and_again_is_written_a_logarithmic_number_of_times() {
    let (mut files, mut written) = (Vec::new(), 0);
    let commits = 2_000_u64;
    let options = Options {
        small_bytes: 1 << 30,
        min_files: 4,
        ..options()
    };
    for commit in 0..commits {
        files.push(live("a", &format!("{commit}"), 1));
        if commit % 10 != 0 {
            continue;
        }
        for group in plan(&EVENTS, files.clone(), &options) {
            let merged: Vec<_> = group.files.iter().map(|file| &file.info.path).collect();
            files.retain(|file| !merged.contains(&&file.info.path));
            let size = group.bytes();
            written += size;
            files.push(live("a", &format!("merged-{commit}-{}", files.len()), size));
        }
    }
    assert!(files.len() < 25, "{} files", files.len());
    assert!(
        written < 16 * commits,
        "{written} rows written of {commits}"
    );
}

#[test]
fn one_merge_takes_a_bounded_number_of_files() {
    let files = (0..1_000).map(|at| live("a", &format!("{at:04}"), 5));
    let groups = plan(&EVENTS, files.collect(), &options());
    let counts: Vec<_> = groups.iter().map(|group| group.files.len()).collect();
    assert_eq!(counts, [256, 256, 256, 232]);
    let large = (0..6).map(|at| live("a", &format!("{at:04}"), 40 << 20));
    let groups = plan(&EVENTS, large.collect(), &options());
    let counts: Vec<_> = groups.iter().map(|group| group.files.len()).collect();
    assert_eq!(counts, [2, 2, 2], "{} bytes at most", 160 << 20);
}

/// Rows of `activities` in one file each.
async fn written(files: &[Vec<(i64, u8, i64)>]) -> (Arc<dyn ObjectStore>, Vec<FileInfo>) {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut infos = Vec::new();
    for (at, rows) in files.iter().enumerate() {
        let batch = activities(rows);
        let adds = datafile::write(&ACTIVITIES, &objects, batch, &format!("file-{at}"))
            .await
            .unwrap();
        for add in adds {
            infos.push(FileInfo::new(add.path, add.size, add.stats.as_deref()));
        }
    }
    (objects, infos)
}

/// Activities of (second, name, calls) in one day.
fn activities(rows: &[(i64, u8, i64)]) -> RecordBatch {
    use arrow::array::{
        ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array,
    };
    let schema = ACTIVITIES.arrow_schema();
    let time = |more: i64| -> ArrayRef {
        let times = rows.iter().map(|(at, ..)| Some((at + more) * 1_000_000));
        Arc::new(
            times
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        )
    };
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "activity_id" => Arc::new(
                rows.iter()
                    .map(|(at, name, _)| Some(format!("{}-{name}", at / 300)))
                    .collect::<StringArray>(),
            ),
            "event_date" => Arc::new(Date32Array::from(vec![0; rows.len()])),
            "first_event_time" => time(0),
            "last_event_time" => time(1),
            "calls" => Arc::new(
                rows.iter()
                    .map(|(.., calls)| *calls)
                    .collect::<Int64Array>(),
            ),
            "event_id" => Arc::new(
                rows.iter()
                    .map(|(at, name, _)| Some(format!("{}-{name}", 1_000 - at)))
                    .collect::<StringArray>(),
            ),
            _ => new_null_array(field.data_type(), rows.len()),
        }
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap()
}

/// Time, activity, calls, last time and event id of rows.
fn shown(rows: &RecordBatch) -> Vec<String> {
    let names = [
        "first_event_time",
        "activity_id",
        "calls",
        "last_event_time",
        "event_id",
    ];
    (0..rows.num_rows())
        .map(|row| {
            let texts = names.map(|name| {
                array_value_to_string(rows.column_by_name(name).unwrap(), row).unwrap()
            });
            texts.join(" ")
        })
        .collect()
}

async fn merged(objects: &Arc<dyn ObjectStore>, infos: &[FileInfo]) -> Vec<RecordBatch> {
    let infos: Vec<_> = infos.iter().collect();
    let schema = ACTIVITIES.file_schema();
    let mut merge = Merge::open(&ACTIVITIES, objects, &infos, schema)
        .await
        .unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = merge.next().await.unwrap() {
        pieces.push(piece);
    }
    pieces
}

fn without_day(mut rows: RecordBatch) -> RecordBatch {
    rows.remove_column(rows.schema().index_of("event_date").unwrap());
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn merging_and_folding_give_what_sorting_and_adding_give(
        files in prop::collection::vec(
            prop::collection::vec((0..2_000_i64, 0..4_u8, 1..9_i64), 1..40), 1..6)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (objects, infos) = written(&files).await;
            let pieces = merged(&objects, &infos).await;
            let all: Vec<_> = files.iter().flatten().copied().collect();
            let all = without_day(activities(&all));
            let wanted = datafile::sorted(&ACTIVITIES, &all).unwrap();
            let found = concat_batches(&wanted.schema(), &pieces).unwrap();
            let keys = |rows: &RecordBatch| -> Vec<String> {
                shown(rows).iter().map(|text| text.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
            };
            prop_assert_eq!(keys(&found), keys(&wanted));
            let mut fold = Fold::default();
            let mut folded = Vec::new();
            for piece in &pieces {
                folded.extend(fold.push(piece).unwrap());
            }
            folded.extend(fold.finish());
            let folded = concat_batches(&wanted.schema(), &folded).unwrap();
            prop_assert_eq!(shown(&folded), shown(&sorted(&all).unwrap()));
            prop_assert_eq!(calls_of(&folded), calls_of(&all));
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_file_that_is_not_sorted_loses_nothing() {
    static UNSORTED: Table = Table {
        sort: &["event_id"],
        ..ACTIVITIES
    };
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut infos = Vec::new();
    for at in 0..3 {
        let rows: Vec<_> = (0..50).map(|row| (row * 7 + at, 1, 1)).collect();
        let adds = datafile::write(&UNSORTED, &objects, activities(&rows), &format!("{at}"))
            .await
            .unwrap();
        for add in adds {
            infos.push(FileInfo::new(add.path, add.size, add.stats.as_deref()));
        }
    }
    let pieces = merged(&objects, &infos).await;
    let rows: usize = pieces.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 150);
}

#[test]
fn rows_of_one_activity_become_one() {
    let rows = without_day(activities(&[
        (10, 1, 2),
        (40, 1, 3),
        (20, 2, 1),
        (310, 1, 5),
        (299, 1, 4),
    ]));
    assert_eq!(
        shown(&sorted(&rows).unwrap()),
        [
            "1970-01-01T00:00:10Z 0-1 9 1970-01-01T00:05:00Z 701-1",
            "1970-01-01T00:00:20Z 0-2 1 1970-01-01T00:00:21Z 980-2",
            "1970-01-01T00:05:10Z 1-1 5 1970-01-01T00:05:11Z 690-1",
        ]
    );
}
