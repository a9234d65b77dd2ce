//! Asking a run to end.

use tokio::sync::watch;

/// Asks runs to end; dropping it asks nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Whether a run is asked to end: it ends the batch in work and begins no other.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// Makes a pair.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks all runs that hold the other end, for good.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Never asks.
    #[must_use]
    pub fn never() -> Self {
        Stopper::new().1
    }

    /// True where the run is asked to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// The other end itself, for who waits for it among other things.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Waits until the run is asked to end.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() && !self.is_asked() {
            // Nobody is left to ask.
            std::future::pending::<()>().await;
        }
    }
}
