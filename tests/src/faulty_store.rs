//! An object store that fails: like a network does, or like the process that uses it does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};

use crate::random::Random;

/// How often what goes wrong, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// A PUT fails and nothing is written.
    pub put_before: u64,
    /// A PUT is done and its answer is lost.
    pub put_after: u64,
    /// A PUT is sent twice, as by an HTTP client that repeats it; the second answer counts.
    pub put_twice: u64,
    /// A GET or a listing fails.
    pub read: u64,
    /// A DELETE fails and nothing is deleted.
    pub delete: u64,
    /// Most times that the scheduler may run other tasks before an operation.
    pub yields: u64,
    /// True breaks the contract: [`PutMode::Create`] overwrites what exists.
    pub create_overwrites: bool,
}

impl Faults {
    /// A store that fails in every way it may.
    #[must_use]
    pub fn stormy() -> Self {
        Self {
            put_before: 15,
            put_after: 25,
            put_twice: 25,
            read: 2,
            delete: 100,
            yields: 4,
            create_overwrites: false,
        }
    }

    /// A store that never fails and does not keep its promise.
    #[must_use]
    pub fn broken_promise() -> Self {
        Self {
            create_overwrites: true,
            ..Self::default()
        }
    }
}

/// What happened in a store.
#[derive(Debug, Default)]
pub struct Counters {
    /// Operations asked for, also those that failed.
    pub operations: AtomicU64,
    /// Faults of any kind, death excluded.
    pub faults: AtomicU64,
    /// Operations refused because the process was dead.
    pub after_death: AtomicU64,
}

/// Decorates an object store with faults. One of these stands for one process and its network; several
/// of them share the store behind.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: Faults,
    random: Arc<Random>,
    counters: Arc<Counters>,
    /// Operations that succeed before the process is dead.
    lives_for: u64,
    /// What happens before the first batch is committed to `events`.
    interruption: Interruption,
}

type Interruption = Arc<std::sync::Mutex<Option<BoxFuture<'static, ()>>>>;

/// The log of the table `events`, and the commit that creates it.
const LOG: &str = "events/_delta_log/";
const CREATION: &str = "00000000000000000000.json";

impl FaultyStore {
    /// Decorates `inner` with seeded faults.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, faults: Faults, seed: u64) -> Self {
        Self {
            inner,
            faults,
            random: Arc::new(Random::new(seed)),
            counters: Arc::default(),
            lives_for: u64::MAX,
            interruption: Interruption::default(),
        }
    }

    /// Lets something happen just before the first batch is committed to `events`.
    #[must_use]
    pub fn interrupted_by(self, interruption: BoxFuture<'static, ()>) -> Self {
        *self.interruption.lock().unwrap() = Some(interruption);
        self
    }

    async fn interrupt(&self, path: &Path) {
        let path = path.as_ref();
        if !path.contains(LOG) || path.ends_with(CREATION) {
            return;
        }
        let interruption = self.interruption.lock().unwrap().take();
        if let Some(interruption) = interruption {
            interruption.await;
        }
    }

    /// Makes the process die after `operations` operations: they are done, then all others fail.
    #[must_use]
    pub fn dies_after(mut self, operations: u64) -> Self {
        self.lives_for = operations;
        self
    }

    /// Gives what happened so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn fault(&self, what: &'static str) -> Error {
        self.counters.faults.fetch_add(1, Ordering::Relaxed);
        error(what)
    }

    /// Counts an operation; an error where the process is dead.
    fn count(&self) -> Result<()> {
        let before = self.counters.operations.fetch_add(1, Ordering::Relaxed);
        if before >= self.lives_for {
            self.counters.after_death.fetch_add(1, Ordering::Relaxed);
            return Err(error("the process is dead"));
        }
        Ok(())
    }

    async fn begin(&self) -> Result<()> {
        self.count()?;
        if self.faults.yields > 0 {
            for _ in 0..self.random.below(self.faults.yields + 1) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn delete_one(&self, path: Path) -> Result<Path> {
        self.begin().await?;
        if self.random.below(1_000) < self.faults.delete {
            return Err(self.fault("DELETE failed"));
        }
        self.inner.delete(&path).await?;
        Ok(path)
    }
}

fn error(what: &'static str) -> Error {
    Error::Generic {
        store: "FaultyStore",
        source: what.into(),
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        self.begin().await?;
        self.interrupt(path).await;
        if self.faults.create_overwrites && options.mode == PutMode::Create {
            options.mode = PutMode::Overwrite;
        }
        let dice = self.random.below(1_000);
        let before = self.faults.put_before;
        let after = before + self.faults.put_after;
        let twice = after + self.faults.put_twice;
        if dice < before {
            return Err(self.fault("PUT failed before the write"));
        }
        if dice < after {
            self.inner.put_opts(path, payload, options).await?;
            return Err(self.fault("PUT done, answer lost"));
        }
        if dice < twice {
            self.counters.faults.fetch_add(1, Ordering::Relaxed);
            // Only the second answer arrives.
            let _ = self
                .inner
                .put_opts(path, payload.clone(), options.clone())
                .await;
        }
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _path: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // Nothing in these tests is large enough; an upload that got past the faults would be no test.
        Err(error("multipart uploads are not expected"))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.begin().await?;
        if self.random.below(1_000) < self.faults.read {
            return Err(self.fault("GET failed"));
        }
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        paths
            .then(move |path| {
                let store = store.clone();
                async move { store.delete_one(path?).await }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let refused = match self.count() {
            Err(error) => Some(error),
            Ok(()) if self.random.below(1_000) < self.faults.read => {
                Some(self.fault("LIST failed"))
            }
            Ok(()) => None,
        };
        match refused {
            Some(error) => futures::stream::iter([Err(error)]).boxed(),
            None => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.begin().await?;
        if self.random.below(1_000) < self.faults.read {
            return Err(self.fault("LIST failed"));
        }
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.begin().await?;
        self.inner.copy_opts(from, to, options).await
    }
}
