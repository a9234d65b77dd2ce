//! Threads of their own for statements, so that their work never keeps requests from being answered.

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime for statements. Dropped, it stops what still runs and waits for nothing.
#[derive(Debug)]
pub struct Workers(Option<Runtime>);

impl Workers {
    /// Starts so many threads.
    ///
    /// # Errors
    /// Where the system has none.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("podtrail-query")
            .thread_stack_size(podtrail_query::STACK_BYTES)
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    /// Gives what statements are started with.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
