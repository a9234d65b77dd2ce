//! How a process that goes on is asked to end.

use podtrail_ingest::{Stop, Stopper};

/// Asks runs to end at the first SIGTERM or SIGINT; the second ends the process as it would without this.
pub(crate) fn stop() -> std::io::Result<Stop> {
    let (stopper, stop) = Stopper::new();
    let signal = |kind| tokio::signal::unix::signal(kind);
    let mut terminate = signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupt = signal(tokio::signal::unix::SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let code = tokio::select! {
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            };
            if asked {
                std::process::exit(code);
            }
            asked = true;
            super::say("ending after what is in work; once more ends at once");
            stopper.stop();
        }
    });
    Ok(stop)
}
