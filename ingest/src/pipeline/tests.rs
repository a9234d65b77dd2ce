use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int64Type;
use object_store::memory::InMemory;

use super::*;
use crate::datafile;
use crate::schema::{ACTIVITIES, REJECTS, Table};
use crate::source::Body;
use crate::source::memory::Objects;

/// 2026-08-20T00:00:00Z.
const NOW: i64 = 1_787_184_000_000_000;

fn store() -> Store {
    let url = url::Url::parse("memory:///lake/").unwrap();
    Store::new("memory", url, Arc::new(InMemory::new())).unwrap()
}

fn options() -> Options {
    Options {
        pause: Duration::ZERO,
        ..Options::new(2, || NOW)
    }
}

fn event(id: &str, minute: u32, name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333"}},"eventTime":"2026-03-02T09:{minute:02}:00Z","eventSource":"s3.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","eventID":"{id}","readOnly":true}}"#
    )
}

fn file(events: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, events.join(","))
}

fn listed(ids: &[&str]) -> String {
    let events: Vec<String> = ids.iter().map(|id| event(id, 0, "ListBuckets")).collect();
    file(&events)
}

async fn ingest(store: &Store, source: &Arc<Objects>, options: Options) -> Summary {
    let source: Arc<dyn Source> = Arc::clone(source) as Arc<dyn Source>;
    run(store, source, options, &()).await.unwrap()
}

async fn files_of(store: &Store, table: &'static Table) -> Vec<datafile::FileInfo> {
    datafile::files(table, &store.require(table).await.unwrap()).unwrap()
}

/// Some columns of a table, as text.
async fn rows(store: &Store, table: &'static Table, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for file in files_of(store, table).await {
        datafile::read_columns(&store.table_objects(table), &file, columns, |read| {
            for row in 0..read[0].len() {
                rows.push(read.iter().map(|column| shown(column, row)).collect());
            }
            Ok(())
        })
        .await
        .unwrap();
    }
    rows.sort();
    rows
}

fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".to_owned();
    }
    match column.as_string_opt::<i32>() {
        Some(text) => text.value(row).to_owned(),
        None => column.as_primitive::<Int64Type>().value(row).to_string(),
    }
}

async fn ids(store: &Store) -> Vec<String> {
    rows(store, &EVENTS, &["event_id"]).await.concat()
}

const OBJECT: [&str; 6] = [
    "key",
    "status",
    "records",
    "new_events",
    "duplicates",
    "rejected",
];

#[tokio::test]
async fn new_duplicate_rejected_and_unreadable_are_counted() {
    let store = store();
    let conflict = file(&[
        event("e1", 30, "DeleteBucket"),
        event("e5", 0, "ListBuckets"),
    ]);
    let source = Objects::new(&[
        ("a", &listed(&["e1", "e2"])),
        ("b", &listed(&["e2", "e3", "e3"])),
        ("c", &conflict),
        ("d", r#"{"Records":[{"eventVersion":"1.11","broken":"#),
        ("e", ""),
        ("f", &listed(&["e1"])),
    ]);
    source.put("g", "1", None);
    let summary = ingest(&store, &source, options()).await;
    // Another record under a known eventID is kept, under an id of its own.
    let found = ids(&store).await;
    assert!(found[0].starts_with("derived-"), "{found:?}");
    assert_eq!(found[1..], ["e1", "e2", "e3", "e5"]);
    assert_eq!(
        (summary.batches, summary.objects, summary.unreadable),
        (1, 7, 1)
    );
    assert_eq!(
        (summary.records, summary.new_events, summary.duplicates),
        (8, 5, 3)
    );
    assert_eq!(summary.renamed, 1);
    assert!(summary.rejected_values() == 1 && summary.has_problems());
    assert_eq!(summary.problems, ["g: the disk is on fire"]);
    let objects = rows(&store, &INGESTED_OBJECTS, &OBJECT).await;
    let table: Vec<String> = objects.iter().map(|row| row.join(" ")).collect();
    assert_eq!(
        table,
        [
            "a ok 2 2 0 0",
            "b ok 3 1 2 0",
            "c ok 2 2 0 0",
            "d rejected 0 0 0 1",
            "e empty 0 0 0 0",
            "f ok 1 0 1 0",
            "g unreadable 0 0 0 0",
        ]
    );
    let rejects = rows(&store, &REJECTS, &["object", "reason"]).await;
    assert_eq!(rejects[0][0], "d");
    assert_eq!(rejects.len(), 1);
    let calls: i64 = rows(&store, &ACTIVITIES, &["calls"])
        .await
        .concat()
        .iter()
        .map(|calls| calls.parse::<i64>().unwrap())
        .sum();
    assert_eq!(calls, 5);
}

#[tokio::test]
async fn a_run_again_reads_nothing() {
    let store = store();
    let source = Objects::new(&[("a", &listed(&["e1"])), ("b", &listed(&["e2"]))]);
    ingest(&store, &source, options()).await;
    assert_eq!(source.opened(), ["a", "b"]);
    let again = ingest(&store, &source, options()).await;
    assert!(source.opened().is_empty());
    assert_eq!(
        again,
        Summary {
            already_read: 2,
            ..Summary::default()
        }
    );

    source.put("c", "1", Some(&listed(&["e3"])));
    let more = ingest(&store, &source, options()).await;
    assert_eq!(source.opened(), ["c"]);
    assert_eq!((more.already_read, more.new_events), (2, 1));
    assert_eq!(ids(&store).await, ["e1", "e2", "e3"]);
}

#[tokio::test]
async fn an_object_that_changed_is_read_again() {
    let store = store();
    let source = Objects::new(&[("a", &listed(&["e1"])), ("b", &listed(&["e2"]))]);
    ingest(&store, &source, options()).await;
    source.opened();
    source.put("a", "2", Some(&listed(&["e1", "e9"])));
    let again = ingest(&store, &source, options()).await;
    assert_eq!(source.opened(), ["a"]);
    assert_eq!((again.new_events, again.duplicates), (1, 1));
    assert_eq!(ids(&store).await, ["e1", "e2", "e9"]);
}

#[tokio::test]
async fn an_unreadable_object_is_tried_again_by_the_next_run() {
    let store = store();
    let source = Objects::new(&[("a", &listed(&["e1"]))]);
    source.put("b", "1", None);
    assert_eq!(ingest(&store, &source, options()).await.unreadable, 1);
    assert_eq!(ingest(&store, &source, options()).await.unreadable, 1);
    source.opened();
    source.put("b", "1", Some(&listed(&["e2"])));
    let healed = ingest(&store, &source, options()).await;
    assert_eq!(source.opened(), ["b"]);
    assert_eq!((healed.unreadable, healed.new_events), (0, 1));
    assert_eq!(ids(&store).await, ["e1", "e2"]);
    assert_eq!(ingest(&store, &source, options()).await.objects, 0);
}

#[tokio::test]
async fn a_giant_object_is_written_as_several_files() {
    let store = store();
    let events: Vec<String> = (0..20_000)
        .map(|number| event(&format!("e{number:05}"), number % 60, "ListBuckets"))
        .collect();
    let body = file(&[events.clone(), events[..50].to_vec()].concat());
    let source = Objects::new(&[("giant", &body)]);
    let small = Options {
        flush_rows: 1_000,
        ..options()
    };
    let summary = ingest(&store, &source, small).await;
    assert_eq!(
        (
            summary.batches,
            summary.records,
            summary.new_events,
            summary.duplicates
        ),
        (1, 20_050, 20_000, 50)
    );
    let files = files_of(&store, &EVENTS).await;
    assert!(files.len() > 1, "{} file", files.len());
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 20_000);
    let table = rows(&store, &INGESTED_OBJECTS, &OBJECT).await;
    assert_eq!(table, [["giant", "ok", "20050", "20000", "50", "0"]]);
    let calls = rows(&store, &ACTIVITIES, &["activity_id", "calls"]).await;
    let total: i64 = calls.iter().map(|row| row[1].parse::<i64>().unwrap()).sum();
    assert_eq!(total, 20_000);
    let activities: HashSet<&str> = calls.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        activities.len(),
        12,
        "one per five minutes, whatever the files"
    );
}

#[tokio::test]
async fn batches_are_bounded_by_objects_and_bytes() {
    for bounds in [
        Options {
            batch_objects: 2,
            ..options()
        },
        Options {
            batch_bytes: 1,
            ..options()
        },
        Options {
            small_history: 0,
            batch_objects: 1,
            ..options()
        },
    ] {
        let store = store();
        let bodies: Vec<(String, String)> = (0..5)
            .map(|number| {
                (
                    format!("o{number}"),
                    listed(&[&format!("e{number}"), "shared"]),
                )
            })
            .collect();
        let objects: Vec<(&str, &str)> = bodies
            .iter()
            .map(|(key, body)| (key.as_str(), body.as_str()))
            .collect();
        let source = Objects::new(&objects);
        let batches = if bounds.batch_objects == 2 { 3 } else { 5 };
        let summary = ingest(&store, &source, bounds).await;
        assert_eq!((summary.batches, summary.objects), (batches, 5));
        assert_eq!((summary.new_events, summary.duplicates), (6, 4));
        assert_eq!(ids(&store).await, ["e0", "e1", "e2", "e3", "e4", "shared"]);
    }
}

#[tokio::test]
async fn a_batch_leaves_no_protocol_files() {
    use futures::TryStreamExt;
    let store = store();
    let source = Objects::new(&[("a", &listed(&["e1"]))]);
    ingest(&store, &source, options()).await;
    let path = object_store::path::Path::from("_ingest");
    let left: Vec<_> = store
        .objects()
        .list(Some(&path))
        .try_collect()
        .await
        .unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_listing_error_is_named_and_the_rest_is_read() {
    #[derive(Debug)]
    struct Half(Arc<Objects>);
    #[async_trait::async_trait]
    impl Source for Half {
        fn id(&self) -> &str {
            self.0.id()
        }
        fn location(&self) -> &str {
            self.0.location()
        }
        fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
            let broken = Err(Error::InvalidInput("folder x: forbidden".to_owned()));
            Box::pin(futures::stream::iter([broken]).chain(self.0.list()))
        }
        async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
            self.0.read(object).await
        }
    }
    let store = store();
    let source = Arc::new(Half(Objects::new(&[("a", &listed(&["e1"]))])));
    let summary = run(&store, source, options(), &()).await.unwrap();
    assert_eq!((summary.unreadable, summary.new_events), (1, 1));
    assert_eq!(summary.problems, ["folder x: forbidden"]);
}

#[tokio::test]
async fn a_source_hears_of_what_cannot_be_lost_any_more() {
    let store = store();
    let source = Objects::new(&[("a", &listed(&["e1"])), ("c", &listed(&["e2"]))]);
    source.put("b", "1", None);
    let one_by_one = Options {
        batch_objects: 1,
        ..options()
    };
    ingest(&store, &source, one_by_one.clone()).await;
    assert_eq!(source.settled(), ["a", "c"], "b could not be read");
    source.put("b", "1", Some("[]"));
    source.put("c", "2", Some(&listed(&["e3"])));
    ingest(&store, &source, one_by_one).await;
    assert_eq!(source.settled(), ["a", "b", "c"]);
}

/// Objects whose content only this value has, as a queue has that of its messages.
#[derive(Debug, Default)]
struct Holding(Vec<(&'static str, String)>);

fn held(key: &str, content: &str) -> ObjectRef {
    ObjectRef {
        key: key.to_owned(),
        etag: "1".to_owned(),
        size: content.len() as u64,
    }
}

#[async_trait::async_trait]
impl Source for Holding {
    fn id(&self) -> &'static str {
        "holding"
    }

    fn location(&self) -> &'static str {
        "memory"
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        let objects = self.0.iter().map(|(key, content)| Ok(held(key, content)));
        Box::pin(futures::stream::iter(objects.collect::<Vec<_>>()))
    }

    async fn read(&self, _: &ObjectRef) -> std::io::Result<Body> {
        Err(std::io::Error::other("its message is gone"))
    }

    fn held(&self, object: &ObjectRef) -> Option<String> {
        let mut all = self.0.iter();
        let found = all.find(|(key, _)| *key == object.key);
        found.map(|(_, content)| content.clone())
    }
}

#[tokio::test]
async fn a_batch_is_read_without_the_process_that_had_its_content() {
    let store = store();
    let content = listed(&["e1"]);
    // As left by a process that died before it committed the batch.
    let mut manifest = Manifest::new("memory");
    manifest.add(held("a", &content), Some(content.clone()));
    manifest.create(&store, "holding", 1).await.unwrap();
    let nothing: Arc<dyn Source> = Arc::new(Holding::default());
    let summary = run(&store, nothing, options(), &()).await.unwrap();
    assert_eq!((summary.unreadable, summary.new_events), (0, 1));
    assert_eq!(ids(&store).await, ["e1"]);
    // Its message comes again, with another.
    let source = Holding(vec![("a", content), ("b", listed(&["e2"]))]);
    let summary = run(&store, Arc::new(source), options(), &()).await.unwrap();
    assert_eq!((summary.unreadable, summary.new_events), (0, 1));
    assert_eq!((summary.already_read, summary.duplicates), (1, 0));
    assert_eq!(ids(&store).await, ["e1", "e2"]);
}

#[tokio::test]
async fn the_content_that_is_kept_with_a_batch_is_bounded() {
    let store = store();
    let padded = |id: &str| listed(&[id]) + &" ".repeat(BATCH_CONTENTS);
    let source = Holding(vec![("a", padded("e1")), ("b", padded("e2"))]);
    let summary = run(&store, Arc::new(source), options(), &()).await.unwrap();
    assert_eq!((summary.batches, summary.unreadable), (2, 0));
    assert_eq!(ids(&store).await, ["e1", "e2"]);
}

#[tokio::test]
async fn an_object_that_was_replaced_since_another_ingester_named_it_is_read_by_the_same_run() {
    let store = store();
    let source = Objects::new(&[("0", &listed(&["e0"]))]);
    source.put("a", "2", Some(&listed(&["e1"])));
    // Fixed by another, after this run has listed both.
    let mut manifest = Manifest::new("memory");
    manifest.add(held("a", ""), None);
    manifest.create(&store, "test", 2).await.unwrap();
    let one_by_one = Options {
        batch_objects: 1,
        ..options()
    };
    let summary = ingest(&store, &source, one_by_one).await;
    assert_eq!((summary.batches, summary.unreadable), (3, 0));
    assert_eq!(ids(&store).await, ["e0", "e1"]);
    let objects = rows(&store, &INGESTED_OBJECTS, &["key", "etag"]).await;
    assert_eq!(objects, [["0", "1"], ["a", "1"], ["a", "2"]]);
}

/// Objects whose first byte comes once as many are being decoded as there are decoders.
#[derive(Debug, Default)]
struct Together {
    arrived: std::sync::Mutex<usize>,
    all: std::sync::Condvar,
}

const DECODERS: usize = 3;

/// Longer than any machine needs to start a thread.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Waiting(Arc<Together>);

impl std::io::Read for Waiting {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        let mut arrived = self.0.arrived.lock().unwrap();
        *arrived += 1;
        self.0.all.notify_all();
        let (arrived, _) = self
            .0
            .all
            .wait_timeout_while(arrived, PATIENCE, |arrived| *arrived < DECODERS)
            .unwrap();
        if *arrived < DECODERS {
            return Err(std::io::Error::other("decoded alone"));
        }
        Ok(0)
    }
}

#[derive(Debug)]
struct Meeting(Arc<Together>);

#[async_trait::async_trait]
impl Source for Meeting {
    fn id(&self) -> &'static str {
        "meeting"
    }

    fn location(&self) -> &'static str {
        "memory"
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        let objects = (0..DECODERS).map(|number| {
            Ok(ObjectRef {
                key: number.to_string(),
                etag: "1".to_owned(),
                // Too large to be taken together with another.
                size: 2 << 20,
            })
        });
        Box::pin(futures::stream::iter(objects.collect::<Vec<_>>()))
    }

    async fn read(&self, _: &ObjectRef) -> std::io::Result<Body> {
        Ok(Box::new(Waiting(Arc::clone(&self.0))))
    }
}

#[tokio::test]
async fn as_many_objects_are_decoded_at_once_as_there_are_decoders() {
    let source: Arc<dyn Source> = Arc::new(Meeting(Arc::default()));
    let options = Options {
        pause: Duration::ZERO,
        ..Options::new(DECODERS, || NOW)
    };
    let summary = run(&store(), source, options, &()).await.unwrap();
    assert_eq!((summary.objects, summary.unreadable), (3, 0), "{summary:?}");
}
