use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::{concat_batches, filter_record_batch};
use proptest::prelude::*;

use super::*;
use crate::batch::STAGED;
use crate::datafile;
use crate::schema::EVENTS;

/// Rows with these times, and ids that count from `first`, backwards.
fn chunk(times: &[Option<i64>], first: usize) -> RecordBatch {
    let columns = STAGED
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match field.name().as_str() {
                "event_time" => Arc::new(
                    times
                        .iter()
                        .copied()
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                ),
                "event_id" | "event_source" | "source_object" => Arc::new(
                    (0..times.len())
                        .map(|row| Some(format!("{:06}", 100_000 - first - row)))
                        .collect::<StringArray>(),
                ),
                _ => arrow::array::new_null_array(field.data_type(), times.len()),
            }
        })
        .collect();
    RecordBatch::try_new(Arc::clone(&STAGED), columns).unwrap()
}

fn chunks(times: &[Vec<Option<i64>>]) -> Vec<RecordBatch> {
    let mut first = 0;
    times
        .iter()
        .map(|times| {
            let made = chunk(times, first);
            first += times.len();
            made
        })
        .collect()
}

proptest! {
    #[test]
    fn rows_are_those_of_the_chunks_sorted_as_events_are(
        times in prop::collection::vec(prop::collection::vec(prop::option::of(0_i64..5), 0..9), 1..6),
        seed in prop::collection::vec(any::<bool>(), 54),
    ) {
        let chunks = chunks(&times);
        let whole = concat_batches(&STAGED, &chunks).unwrap();
        let keep = &seed[..whole.num_rows()];
        let kept = filter_record_batch(&whole, &BooleanArray::from(keep.to_vec())).unwrap();
        let wanted = datafile::sorted(&EVENTS, &kept).unwrap();
        prop_assert_eq!(kept_in_order(&chunks, keep).unwrap(), wanted);
        let which: Vec<usize> = (0..keep.len()).filter(|row| keep[*row]).collect();
        prop_assert_eq!(rows(&chunks, &which).unwrap(), kept);
    }
}
