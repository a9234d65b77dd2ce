//! Ingesters and maintainers at once, on a store that fails and processes that die.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use podtrail_ingest::source::Source;
use podtrail_ingest::{Error, Options, maintain, run};
use podtrail_tests::faulty_store::{Faults, FaultyStore};
use podtrail_tests::inspect::{Expected, differences};
use podtrail_tests::objects::{Objects, Shape};
use podtrail_tests::random::Random;
use podtrail_tests::seeded::{outcomes, seeds, sum};

use super::{ingesting, maintaining, open};

/// Runs of the fault test.
const SEEDS: u64 = 40;

/// Runs of one maintainer.
const MOST_RUNS: u64 = 6;

/// Starts of one process before it counts as stuck.
const STARTS: u32 = 200;

/// Later than anything a test writes: all is old.
fn later() -> i64 {
    4_102_444_800_000_000
}

/// A day after that: what was merged by the other clock is old too.
fn latest() -> i64 {
    later() + 86_400_000_000
}

/// What happened on the way.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    faults: u64,
    deaths: u64,
    runs: u64,
    merged: u64,
    deleted: u64,
    rebuilt: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.faults += other.faults;
        self.deaths += other.deaths;
        self.runs += other.runs;
        self.merged += other.merged;
        self.deleted += other.deleted;
        self.rebuilt += other.rebuilt;
    }
}

/// A faulty store that may die.
fn faulty(shared: &Arc<dyn ObjectStore>, random: &Random) -> FaultyStore {
    let faulty = FaultyStore::new(Arc::clone(shared), Faults::stormy(), random.next());
    if random.chance(15) {
        return faulty.dies_after(random.below(400));
    }
    faulty
}

fn note(tally: &mut Tally, faulty: &FaultyStore) {
    let counters = faulty.counters();
    tally.faults += counters.faults.load(Ordering::Relaxed);
    tally.deaths += counters.after_death.load(Ordering::Relaxed).min(1);
}

/// An ingester that is started again until it says that it is done.
async fn ingester(
    shared: Arc<dyn ObjectStore>,
    source: Objects,
    seed: u64,
) -> Result<Tally, String> {
    let random = Random::new(seed);
    let source: Arc<dyn Source> = Arc::new(source);
    let mut tally = Tally::default();
    let mut last = String::new();
    let histories = [0, 12, 1_000_000];
    let options = Options {
        flush_rows: 1 + usize::try_from(random.below(8)).unwrap(),
        small_history: histories[usize::try_from(random.below(3)).unwrap()],
        attempts: 1 + u32::try_from(random.below(20)).unwrap(),
        ..ingesting(1 + usize::try_from(random.below(4)).unwrap())
    };
    for _ in 0..STARTS {
        let faulty = faulty(&shared, &random);
        let store = open(Arc::new(faulty.clone()));
        let ended = run(&store, Arc::clone(&source), options.clone(), &()).await;
        note(&mut tally, &faulty);
        match ended {
            Ok(_) => return Ok(tally),
            Err(error) => last = error.to_string(),
        }
        tokio::task::yield_now().await;
    }
    Err(format!("ingest is stuck after {STARTS} starts: {last}"))
}

/// Counts files that were merged, whether or not their run came to its end.
#[derive(Debug, Default)]
struct Merged(AtomicU64);

impl maintain::Progress for Merged {
    fn merged(&self, _table: &str, files: u64, _bytes: u64) {
        self.0.fetch_add(files, Ordering::Relaxed);
    }
}

/// A maintainer that runs while ingesters do, a bounded number of times, whatever comes of it, and deletes all that may
/// be deleted at once.
async fn maintainer(
    shared: Arc<dyn ObjectStore>,
    ingesting: Arc<AtomicU64>,
    seed: u64,
) -> Result<Tally, String> {
    let random = Random::new(seed);
    let mut tally = Tally::default();
    while tally.runs == 0 || (tally.runs < MOST_RUNS && ingesting.load(Ordering::Relaxed) > 0) {
        let options = maintain::Options {
            // Small ones make many commits and several files.
            target_bytes: [1, 40_000, 1 << 20][usize::try_from(random.below(3)).unwrap()],
            retain: TimeDelta::zero(),
            clock: if random.chance(50) { later } else { latest },
            rebuild_activities: random.chance(30),
            attempts: 3 + u32::try_from(random.below(20)).unwrap(),
            ..maintaining()
        };
        let faulty = faulty(&shared, &random);
        let store = open(Arc::new(faulty.clone()));
        let merged = Merged::default();
        let ended = maintain::run(&store, &options, &merged).await;
        note(&mut tally, &faulty);
        tally.merged += merged.0.into_inner();
        tally.runs += u64::from(!matches!(ended, Err(Error::NoTable { .. })));
        match ended {
            Ok(report) => {
                tally.rebuilt += report.rebuilt_days;
                tally.deleted += report
                    .tables
                    .iter()
                    .map(|table| table.files_deleted)
                    .sum::<u64>();
            }
            Err(Error::Inconsistent { table, reason }) => {
                return Err(format!("{table}: {reason}"));
            }
            // The store failed too often, or has no tables yet.
            Err(_) => {}
        }
        for _ in 0..random.below(400) {
            tokio::task::yield_now().await;
        }
    }
    Ok(tally)
}

/// Ingesters of two sources and two maintainers at once; then all again on a calm store.
async fn scenario(seed: u64) -> Result<Tally, String> {
    let random = Random::new(seed);
    // Few objects and small ones: maintenance comes between their batches all the same, and a seed takes half as long.
    let shape = |objects, events| Shape {
        objects,
        records: 4,
        events,
        listed_size: 0,
    };
    let one = Objects::generate("one", random.next(), &shape(8, 0..40));
    let other = Objects::generate("other", random.next(), &shape(4, 20..50));
    let shared: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut processes = Vec::new();
    let ingesting_now = Arc::new(AtomicU64::new(3));
    for source in [&one, &one, &other] {
        let ingester = ingester(Arc::clone(&shared), source.clone(), random.next());
        let running = Arc::clone(&ingesting_now);
        processes.push(tokio::spawn(async move {
            let ended = ingester.await;
            running.fetch_sub(1, Ordering::Relaxed);
            ended
        }));
    }
    for _ in 0..2 {
        let running = Arc::clone(&ingesting_now);
        processes.push(tokio::spawn(maintainer(
            Arc::clone(&shared),
            running,
            random.next(),
        )));
    }
    let mut tally = Tally::default();
    for process in processes {
        tally.add(process.await.map_err(|error| error.to_string())??);
    }
    let store = open(shared);
    let expected = Expected::of(&[&one, &other]);
    for source in [&one, &other] {
        let summary = run(&store, Arc::new(source.clone()), ingesting(10), &())
            .await
            .map_err(|error| error.to_string())?;
        if (summary.objects, summary.new_events) != (0, 0) {
            return Err(format!("a calm run found something new: {summary:?}"));
        }
    }
    let wrong = differences(&store, &expected).await;
    if !wrong.is_empty() {
        return Err(format!("wrong tables:\n{wrong}"));
    }
    let calm = maintain::Options {
        rebuild_activities: seed.is_multiple_of(2),
        retain: TimeDelta::zero(),
        clock: latest,
        ..maintaining()
    };
    let report = maintain::run(&store, &calm, &())
        .await
        .map_err(|error| format!("calm maintenance: {error}"))?;
    // Beside ingesters, a rebuilding comes to its end only now and then.
    tally.rebuilt += report.rebuilt_days;
    let wrong = differences(&store, &expected).await;
    if !wrong.is_empty() {
        return Err(format!("wrong tables after calm maintenance:\n{wrong}"));
    }
    Ok(tally)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintainers_beside_ingesters_and_faults_lose_and_repeat_nothing() {
    let runs = seeds(SEEDS).into_iter().map(|seed| (seed, scenario(seed)));
    let total = sum(outcomes(runs).await, Tally::add);
    let all = [
        total.faults,
        total.deaths,
        total.merged,
        total.deleted,
        total.rebuilt,
    ];
    assert!(all.iter().all(|count| *count > 0), "{total:?}");
}
