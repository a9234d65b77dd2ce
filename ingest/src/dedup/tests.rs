use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;
use crate::batch::STAGED;
use crate::schema::EVENTS;

/// One event: id, time, source.
type Event = (String, Option<i64>, String);

const LOWER: &str = "0123abcd-0123-4567-89ab-0123456789ab";

fn store() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn staged(events: &[Event]) -> RecordBatch {
    let columns = STAGED
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            let text = |pick: fn(&Event) -> &str| -> ArrayRef {
                Arc::new(
                    events
                        .iter()
                        .map(|event| Some(pick(event)))
                        .collect::<StringArray>(),
                )
            };
            match field.name().as_str() {
                "event_id" => text(|event| &event.0),
                "event_source" => text(|event| &event.2),
                "source_object" => text(|_| "object"),
                "event_time" => Arc::new(
                    events
                        .iter()
                        .map(|event| event.1)
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                ),
                _ => arrow::array::new_null_array(field.data_type(), events.len()),
            }
        })
        .collect();
    RecordBatch::try_new(Arc::clone(&STAGED), columns).unwrap()
}

/// Keeps what is new of each batch, as the pipeline does, and gives what became of every row.
async fn run(batches: &[Vec<Vec<Event>>], limit: u64) -> Vec<(Vec<bool>, Vec<usize>)> {
    let objects = store();
    let mut known = KnownEvents::new(limit);
    let mut files: Vec<FileInfo> = Vec::new();
    let mut verdicts = Vec::new();
    for (seq, batch) in batches.iter().enumerate() {
        known.begin(&objects, files.clone()).await.unwrap();
        for (part, events) in batch.iter().enumerate() {
            let rows = staged(events);
            let verdict = known
                .judge(&objects, std::slice::from_ref(&rows))
                .await
                .unwrap();
            let kept = arrow::array::BooleanArray::from(verdict.keep.clone());
            let kept = arrow::compute::filter_record_batch(&rows, &kept).unwrap();
            if kept.num_rows() > 0 {
                let (events, _) = crate::activity::finish(&kept, 0).unwrap();
                let name = format!("{seq}-{part}");
                for add in crate::datafile::write(&EVENTS, &objects, events, &name)
                    .await
                    .unwrap()
                {
                    let file = FileInfo::new(add.path, add.size, add.stats.as_deref());
                    files.push(file.clone());
                    known.wrote(file);
                }
            }
            verdicts.push((verdict.keep, verdict.conflicts));
        }
        known.committed();
    }
    verdicts
}

fn event(id: &str, time: i64) -> Event {
    (id.to_owned(), Some(time), "s3.amazonaws.com".to_owned())
}

#[tokio::test]
async fn of_copies_the_first_is_kept() {
    for limit in [0, 1_000] {
        let verdicts = run(
            &[
                vec![
                    vec![event("a", 1), event("a", 1), event("b", 2)],
                    vec![event("b", 2), event("c", 3)],
                ],
                vec![vec![event("c", 3), event("a", 1), event("d", 3)]],
            ],
            limit,
        )
        .await;
        let kept: Vec<_> = verdicts.iter().map(|(keep, _)| keep.clone()).collect();
        assert_eq!(
            kept,
            [
                vec![true, false, true],
                vec![false, true],
                vec![false, false, true]
            ],
            "limit {limit}"
        );
        assert!(verdicts.iter().all(|(_, conflicts)| conflicts.is_empty()));
    }
}

#[tokio::test]
async fn another_record_under_a_known_id_is_a_conflict() {
    let other = (LOWER.to_owned(), Some(1), "ec2.amazonaws.com".to_owned());
    for limit in [0, 1_000] {
        let verdicts = run(
            &[
                vec![vec![event(LOWER, 1), other.clone(), event(LOWER, 1)]],
                vec![vec![other.clone()]],
            ],
            limit,
        )
        .await;
        assert_eq!(
            verdicts,
            [(vec![true, false, false], vec![1]), (vec![false], vec![0])],
            "limit {limit}"
        );
    }
}

#[tokio::test]
async fn the_whole_small_history_is_known_even_at_another_time() {
    let day = 86_400_000_000;
    let batches = [vec![vec![event("a", 1)]], vec![vec![event("a", 40 * day)]]];
    let verdicts = run(&batches, 1_000).await;
    assert_eq!(verdicts[1], (vec![false], vec![0]));
    // A large one is compared where times overlap: the other record stands beside the first.
    let verdicts = run(&batches, 0).await;
    assert_eq!(verdicts[1], (vec![true], vec![]));
}

#[tokio::test]
async fn a_batch_that_outgrows_memory_still_knows_its_own() {
    let first: Vec<Event> = (0..20).map(|n| event(&format!("id-{n}"), n)).collect();
    let verdicts = run(&[vec![first.clone(), first.clone()], vec![first]], 5).await;
    assert_eq!(verdicts[0].0, [true; 20]);
    assert_eq!(verdicts[1].0, [false; 20]);
    assert_eq!(verdicts[2].0, [false; 20]);
}

#[test]
fn ids_of_every_form() {
    let texts = [
        LOWER,
        "0123ABCD-0123-4567-89AB-0123456789AB",
        "0123abcd0123456789ab0123456789ab",
        "{0123abcd-0123-4567-89ab-0123456789ab}",
        "urn:uuid:0123abcd-0123-4567-89ab-0123456789ab",
        "derived-0123abcd",
        "0123abcd-0123-4567-89ab-0123456789a",
        "0123abcd-0123-4567-89ab-0123456789ag",
        "",
        " ",
        "é",
    ];
    let numbers: HashSet<Id> = texts.iter().map(|text| number(text)).collect();
    assert_eq!(numbers.len(), texts.len(), "each text is an id of its own");
    assert_eq!(
        number(LOWER),
        [0x0123_abcd_0123_4567, 0x89ab_0123_4567_89ab]
    );
}

/// Events with few ids, so that many are copies; a copy has the time that belongs to its id.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = (0_i64..40, 0_u8..8).prop_map(|(number, kind)| {
        let id = match number % 3 {
            0 => format!("0123abcd-0123-4567-89ab-{number:012x}"),
            1 => format!("0123ABCD-0123-4567-89AB-{number:012X}"),
            _ => format!("derived-{number}"),
        };
        let time = (number != 7).then_some(number % 5 * 86_400_000_000 + number);
        let source = if kind == 0 {
            "ec2.amazonaws.com"
        } else {
            "s3.amazonaws.com"
        };
        (id, time, source.to_owned())
    });
    prop::collection::vec(one, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn memory_and_streaming_agree(
        batches in prop::collection::vec(prop::collection::vec(events(), 1..4), 1..5), limit in 0_u64..60,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let in_memory = runtime.block_on(run(&batches, 1_000_000));
        prop_assert_eq!(&runtime.block_on(run(&batches, 0)), &in_memory, "streamed");
        prop_assert_eq!(&runtime.block_on(run(&batches, limit)), &in_memory, "limit {}", limit);
        let kept: usize = in_memory.iter().map(|(keep, _)| keep.iter().filter(|keep| **keep).count()).sum();
        let ids: HashSet<&str> = batches.iter().flatten().flatten().map(|event| event.0.as_str()).collect();
        prop_assert_eq!(kept, ids.len(), "each id once");
    }
}
