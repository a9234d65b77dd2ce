//! Readers, functions and threads that are slow, and what needs much.

use super::*;

/// Waits until so many statements run.
async fn settled(executor: &Executor, count: usize) {
    while executor.running() != count {
        tokio::task::yield_now().await;
    }
}

/// Gives how a statement ends.
async fn end(executor: &Executor, session: &Arc<Session>, sql: &str) -> Result<()> {
    let answer = executor.run(session, Statement::new(sql)).await?;
    answer.all().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        concurrent: 1,
        patience: Duration::from_mins(1),
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    let mut slow = Vec::new();
    // The first gives its turn to the second, for which there is no place to wait.
    for _ in 0..2 {
        let answer = executor.run(&session, Statement::new(ENDLESS)).await;
        slow.push(answer.unwrap());
    }
    end(&executor, &session, "SELECT 1").await.unwrap();
    let mut ended = slow.pop().unwrap();
    let error = loop {
        if let Err(error) = ended.next().await.unwrap() {
            break error;
        }
    };
    assert!(matches!(error, Error::TooSlow), "{error}");
    // Who waits goes on where it was.
    for _ in 0..10 {
        slow[0].next().await.unwrap().unwrap();
    }
}

#[test]
fn who_waits_is_answered_in_time_though_the_thread_is_busy() {
    let service = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(crate::STACK_BYTES)
        .build()
        .unwrap();
    let workers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let handle = workers.handle().clone();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    service.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (_, session) = session(&folder).await;
        let bounds = Bounds {
            time: Duration::from_millis(100),
            ..Bounds::default()
        };
        let executor = Executor::new(handle, bounds, None, Utc::now);
        // The only thread, until the end of this test.
        executor.runtime.spawn(async move { wait.recv() });
        let ended = end(&executor, &session, "SELECT 1").await;
        assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
        let described = executor.describe(&session, Statement::new("SELECT 1"));
        let ended = described.await.map(drop);
        assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
    });
    drop(go_on);
    workers.shutdown_background();
}

#[test]
fn functions_that_take_long_end_in_time() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(crate::STACK_BYTES)
            .build()
            .unwrap()
    };
    // Who keeps the time has threads of their own: those of the statement have no time for it.
    let (service, workers) = (runtime(), runtime());
    let handle = workers.handle().clone();
    service.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (_, session) = session(&folder).await;
        let bounds = Bounds {
            time: Duration::from_millis(200),
            ..Bounds::default()
        };
        let executor = Executor::new(handle, bounds, None, Utc::now);
        // Each call is allowed; all of them would take hours.
        let long = "SELECT count(*) FROM generate_series(1, 1000000) WHERE levenshtein(repeat('a', 4000 + value % 10), repeat('b', 4000 + value % 7)) = 1";
        let ended = end(&executor, &session, long).await;
        assert!(matches!(ended, Err(Error::TimedOut(_))), "{ended:?}");
        settled(&executor, 0).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_and_calls_are_within_the_memory_of_a_statement() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, session) = session(&folder).await;
    let bounds = Bounds {
        memory_bytes: 32 << 20,
        ..Bounds::default()
    };
    let executor = executor(&engine, bounds);
    for large in [
        "SELECT max(n), max(length(x)) FROM (SELECT x, count(*) OVER () AS n FROM (SELECT repeat('x', 1000 + value % 2) AS x FROM generate_series(1, 50000)) AS t) AS u",
        "SELECT max(length(x || x)) FROM (SELECT repeat('x', 20000 + value % 2) AS x FROM generate_series(1, 1000)) t",
    ] {
        let ended = end(&executor, &session, large).await;
        assert!(
            matches!(ended, Err(Error::LimitExceeded(_))),
            "{large}: {ended:?}"
        );
    }
}
