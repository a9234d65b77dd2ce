//! Scenarios that a seed decides, several at once, each judged by itself.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use futures::StreamExt;

/// Scenarios at the same time.
pub const AT_ONCE: usize = 3;

/// How long a scenario may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What became of the scenario of a seed.
pub type Outcome<T> = (u64, Result<T, String>);

/// Seeds to run: those of the test, or the one of `PODTRAIL_SEED` again and again.
#[must_use]
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("PODTRAIL_SEED") {
        Ok(seed) => vec![seed.parse().unwrap(); 20],
        Err(_) => (0..count).collect(),
    }
}

/// Runs scenarios, each with its seed, and gives the outcome of each. A panic is an outcome too.
pub async fn outcomes<T, F>(scenarios: impl IntoIterator<Item = (u64, F)>) -> Vec<Outcome<T>>
where
    T: Debug + Send + 'static,
    F: Future<Output = Result<T, String>> + Send + 'static,
{
    futures::stream::iter(scenarios)
        .map(|(seed, scenario)| async move {
            let start = Instant::now();
            let scenario = tokio::time::timeout(PATIENCE, scenario);
            let outcome = match tokio::spawn(scenario).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(format!("not done after {PATIENCE:?}")),
                Err(panic) => Err(panic.to_string()),
            };
            eprintln!("seed {seed} {:?}: {outcome:?}", start.elapsed());
            (seed, outcome)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Adds up what scenarios came to, each of which must be well.
pub fn sum<T: Debug + Default>(outcomes: Vec<Outcome<T>>, add: impl Fn(&mut T, T)) -> T {
    let (runs, mut total, mut wrong) = (outcomes.len(), T::default(), Vec::new());
    for (seed, outcome) in outcomes {
        match outcome {
            Ok(tally) => add(&mut total, tally),
            Err(error) => wrong.push(format!("seed {seed}: {error}")),
        }
    }
    eprintln!("{runs} runs: {total:?}, {} wrong", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {runs} runs:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    total
}
