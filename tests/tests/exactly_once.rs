//! Exactly once: whatever fails, whoever else writes and wherever a process dies, the tables hold each
//! event, each object and each bad record once.
//!
//! Every run is seeded and the seed is named where it fails. The seed fixes objects, options and
//! numbers; which task draws which number is the scheduler's choice, so that a failure may take
//! several runs of its seed to come back: `PODTRAIL_SEED=n cargo test -p podtrail-tests`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use podtrail_ingest::source::Source;
use podtrail_ingest::store::Store;
use podtrail_ingest::{Options, Summary, run};
use podtrail_tests::faulty_store::{Faults, FaultyStore};
use podtrail_tests::inspect::{Expected, differences, everything};
use podtrail_tests::objects::{Objects, Shape};
use podtrail_tests::random::Random;
use podtrail_tests::s3_server::Server;
use podtrail_tests::seeded::{AT_ONCE, Outcome, outcomes, seeds, sum};

/// Runs of the fault test.
const SEEDS: u64 = 200;

/// Runs of it on an S3 server.
const S3_SEEDS: u64 = 20;

/// Starts of one process before it counts as stuck.
const STARTS: u32 = 100;

/// From this size on, ingest decodes an object by itself.
const LARGE: u64 = 1 << 20;

fn open(objects: Arc<dyn ObjectStore>) -> Store {
    let url = url::Url::parse("memory:///").unwrap();
    Store::new("memory", url, objects).unwrap()
}

fn clock() -> i64 {
    1_767_400_000_000_000
}

fn options(random: &Random, batch_objects: usize) -> Options {
    let defaults = Options::new(1, clock);
    // No history in memory, some, or all of it: the ways to find copies.
    let histories = [0, 12, defaults.small_history];
    Options {
        batch_objects,
        flush_rows: 1 + usize::try_from(random.below(8)).unwrap(),
        decoders: 1 + usize::try_from(random.below(2)).unwrap(),
        attempts: 1 + u32::try_from(random.below(30)).unwrap(),
        pause: Duration::ZERO,
        small_history: histories[usize::try_from(random.below(3)).unwrap()],
        ..defaults
    }
}

fn shape(random: &Random, objects: u64, events: std::ops::Range<u64>) -> Shape {
    Shape {
        objects,
        records: 6,
        events,
        listed_size: if random.chance(50) { LARGE } else { 0 },
    }
}

/// What happened on the way.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    starts: u64,
    operations: u64,
    faults: u64,
    deaths: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.starts += other.starts;
        self.operations += other.operations;
        self.faults += other.faults;
        self.deaths += other.deaths;
    }
}

/// A process that is started again whenever it fails, until it says that it is done. One in two dies
/// some operations after its first start.
async fn process(
    shared: Arc<dyn ObjectStore>,
    faults: Faults,
    source: Objects,
    batch_objects: usize,
    seed: u64,
) -> Result<Tally, String> {
    let random = Random::new(seed);
    let options = options(&random, batch_objects);
    let source: Arc<dyn Source> = Arc::new(source);
    let mut tally = Tally::default();
    let mut last = String::new();
    for start in 0..STARTS {
        let mut faulty = FaultyStore::new(Arc::clone(&shared), faults, random.next());
        if start == 0 && random.chance(50) {
            faulty = faulty.dies_after(random.below(300));
        }
        let store = open(Arc::new(faulty.clone()));
        let ended = run(&store, Arc::clone(&source), options.clone(), &()).await;
        let counters = faulty.counters();
        tally.add(Tally {
            starts: 1,
            operations: counters.operations.load(Ordering::Relaxed),
            faults: counters.faults.load(Ordering::Relaxed),
            deaths: counters.after_death.load(Ordering::Relaxed).min(1),
        });
        match ended {
            Ok(_) => return Ok(tally),
            Err(error) => last = error.to_string(),
        }
        tokio::task::yield_now().await;
    }
    Err(format!("stuck after {STARTS} starts: {last}"))
}

/// Two ingesters of one source and one of another, at once; then each source again on a calm store.
async fn scenario(
    seed: u64,
    faults: Faults,
    shared: Arc<dyn ObjectStore>,
) -> Result<Tally, String> {
    let random = Random::new(seed);
    let one = Objects::generate("one", random.next(), &shape(&random, 12, 0..40));
    let other = Objects::generate("other", random.next(), &shape(&random, 6, 20..50));
    // Some scenarios make enough commits for checkpoints of the tables' logs; that takes time.
    let many_commits = seed % 10 == 9;
    let processes = [&one, &one, &other].map(|source| {
        let objects = if many_commits { 1 } else { 4 + random.below(3) };
        tokio::spawn(process(
            Arc::clone(&shared),
            faults,
            source.clone(),
            usize::try_from(objects).unwrap(),
            random.next(),
        ))
    });
    let mut tally = Tally::default();
    for process in processes {
        tally.add(process.await.map_err(|error| error.to_string())??);
    }
    let store = open(shared);
    for source in [&one, &other] {
        let calm = Options::new(1, clock);
        let summary = run(&store, Arc::new(source.clone()), calm, &()).await;
        let summary = summary.map_err(|error| error.to_string())?;
        if (summary.objects, summary.new_events) != (0, 0) {
            // They all said that they were done.
            return Err(format!("a calm run found something new: {summary:?}"));
        }
    }
    let wrong = differences(&store, &Expected::of(&[&one, &other])).await;
    if wrong.is_empty() {
        return Ok(tally);
    }
    Err(format!("wrong tables:\n{wrong}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_crashes_and_rivals_lose_and_repeat_nothing() {
    let runs = seeds(SEEDS).into_iter().map(|seed| {
        let shared = Arc::new(InMemory::new());
        (seed, scenario(seed, Faults::stormy(), shared))
    });
    judge(outcomes(runs).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_s3_loses_and_repeats_nothing_either() {
    let server = Server::start().await;
    let s3 = server.objects();
    let runs = seeds(S3_SEEDS).into_iter().enumerate().map(|(run, seed)| {
        // One seed may run many times.
        let store = PrefixStore::new(Arc::clone(&s3), format!("store-{run}"));
        (seed, scenario(seed, Faults::stormy(), Arc::new(store)))
    });
    judge(outcomes(runs).await);
}

fn judge(outcomes: Vec<Outcome<Tally>>) {
    let total = sum(outcomes, Tally::add);
    assert!(total.faults > 0 && total.deaths > 0, "{total:?}");
}

/// Two ingesters, one of which commits all of its source, copies among it, just before the other's first
/// commit.
async fn overtaken(faults: Faults) -> String {
    let random = Random::new(11);
    let source = Objects::generate("one", random.next(), &shape(&random, 6, 0..20));
    let rival = Objects::generate("other", random.next(), &shape(&random, 6, 10..30));
    let expected = Expected::of(&[&source, &rival]);
    let shared: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let options = Options {
        batch_objects: 2,
        attempts: 20,
        ..one_batch(0)
    };
    let store = open(Arc::clone(&shared));
    let overtaking = {
        let options = options.clone();
        async move {
            run(&store, Arc::new(rival), options, &()).await.unwrap();
        }
    };
    let slow = FaultyStore::new(Arc::clone(&shared), faults, 0).interrupted_by(overtaking.boxed());
    // A log that contradicts itself may end the run; the tables tell.
    let ended = run(
        &open(Arc::new(slow)),
        Arc::new(source.clone()),
        options,
        &(),
    )
    .await;
    eprintln!("{:?}", ended.map(|summary| summary.new_events));
    differences(&open(shared), &expected).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_overtaken_starts_over() {
    assert_eq!(overtaken(Faults::default()).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_a_store_that_overwrites_what_exists_gives_wrong_tables() {
    let wrong = overtaken(Faults::broken_promise()).await;
    assert!(wrong.contains("event"), "the checks see nothing: {wrong}");
}

/// Makes a store that holds a batch of one source, and another source of one small batch.
async fn before_the_crash() -> (InMemory, Objects) {
    let shape = |objects, events| Shape {
        objects,
        records: 4,
        events,
        listed_size: LARGE,
    };
    let earlier = Objects::generate("earlier", 1, &shape(2, 0..8));
    let source = (0..1_000)
        .map(|seed| Objects::generate("small", seed, &shape(4, 4..14)))
        .find(|source| {
            let bad: BTreeSet<_> = source.objects().flat_map(|object| &object.bad).collect();
            bad.len() > 1
        })
        .unwrap();
    let memory = Arc::new(InMemory::new());
    let store = open(Arc::clone(&memory) as Arc<dyn ObjectStore>);
    calm(&store, &earlier, 0).await;
    (memory.fork(), source)
}

fn one_batch(small_history: u64) -> Options {
    Options {
        flush_rows: 1,
        attempts: 1,
        pause: Duration::ZERO,
        small_history,
        ..Options::new(1, clock)
    }
}

async fn calm(store: &Store, source: &Objects, small_history: u64) -> Summary {
    let source = Arc::new(source.clone());
    run(store, source, one_batch(small_history), &())
        .await
        .unwrap()
}

/// Kills a process after each of its operations; then a calm one must make the tables those of an
/// undisturbed run.
async fn crash_at_every_step(memory: InMemory, source: Objects, small_history: u64) {
    let undisturbed = FaultyStore::new(Arc::new(memory.fork()), Faults::default(), 0);
    let store = open(Arc::new(undisturbed.clone()));
    let summary = calm(&store, &source, small_history).await;
    assert_eq!(summary.batches, 1);
    let steps = undisturbed.counters().operations.load(Ordering::Relaxed);
    let whole = Arc::new(everything(&store).await);
    let crashed: Vec<bool> = futures::stream::iter(0..=steps)
        .map(|step| {
            let (memory, source, whole) = (memory.fork(), source.clone(), Arc::clone(&whole));
            tokio::spawn(async move {
                let shared: Arc<dyn ObjectStore> = Arc::new(memory);
                let dying = FaultyStore::new(Arc::clone(&shared), Faults::default(), 0);
                let dying = open(Arc::new(dying.dies_after(step)));
                let options = one_batch(small_history);
                let ended = run(&dying, Arc::new(source.clone()), options, &()).await;
                let store = open(shared);
                calm(&store, &source, small_history).await;
                assert_eq!(
                    everything(&store).await,
                    *whole,
                    "a process that dies after operation {step} of {steps}"
                );
                ended.is_err()
            })
        })
        .buffer_unordered(AT_ONCE)
        .map(Result::unwrap)
        .collect()
        .await;
    let failed = crashed.iter().filter(|failed| **failed).count();
    eprintln!("{steps} operations, {failed} processes failed");
    assert!(failed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_of_the_first_batch_leaves_no_trace() {
    let (_, source) = before_the_crash().await;
    let default = Options::new(1, clock).small_history;
    crash_at_every_step(InMemory::new(), source, default).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_of_a_later_batch_leaves_no_trace() {
    let (memory, source) = before_the_crash().await;
    crash_at_every_step(memory, source, 0).await;
}

/// Lets a rival run once, between two batches of the run that it hears of.
struct Between {
    rival: std::sync::Mutex<Option<(Store, Objects, Options)>>,
}

impl podtrail_ingest::Progress for Between {
    fn committed(&self, _run: &Summary) {
        let rival = self.rival.lock().unwrap().take();
        if let Some((store, source, options)) = rival {
            let ended = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(run(
                    &store,
                    Arc::new(source),
                    options,
                    &(),
                ))
            });
            // One that dies is started again by nobody.
            eprintln!("rival: {:?}", ended.map(|summary| summary.new_events));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rival_does_between_two_batches_is_seen() {
    let random = Random::new(7);
    let one = Objects::generate("one", random.next(), &shape(&random, 6, 0..20));
    let other = Objects::generate("other", random.next(), &shape(&random, 6, 0..20));
    for rival in [&one, &other] {
        for small_history in [0, Options::new(1, clock).small_history] {
            for lives_for in [20, 60, u64::MAX] {
                let shared: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
                let options = Options {
                    batch_objects: 2,
                    ..one_batch(small_history)
                };
                let mortal = FaultyStore::new(Arc::clone(&shared), Faults::default(), 0);
                let between = Between {
                    rival: std::sync::Mutex::new(Some((
                        open(Arc::new(mortal.dies_after(lives_for))),
                        rival.clone(),
                        options.clone(),
                    ))),
                };
                let store = open(shared);
                let source = Arc::new(one.clone());
                let again = Options {
                    attempts: 20,
                    ..options
                };
                run(&store, source, again, &between).await.unwrap();
                assert!(between.rival.lock().unwrap().is_none());
                calm(&store, &other, small_history).await;
                let wrong = differences(&store, &Expected::of(&[&one, &other])).await;
                assert_eq!(wrong, "", "{rival:?} {small_history} {lives_for}");
            }
        }
    }
}
