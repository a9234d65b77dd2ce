//! How the program is run against services on loopback, and how a test waits for what it does there.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program;
use crate::s3_server::{ACCESS_KEY, SECRET};

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Region of all services.
pub const REGION: &str = "eu-west-1";

/// Account of all services.
pub const ACCOUNT: &str = "111122223333";

/// Prepares a command whose calls of AWS go to an endpoint, whatever the environment and the home folder say of AWS,
/// of clusters and of proxies.
pub fn command(endpoint: &str, store: &Path, arguments: &[&str]) -> Command {
    let mut command = program::command(store, arguments);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_ascii_uppercase();
        if text.starts_with("AWS_") || text.ends_with("_PROXY") || text == "KUBECONFIG" {
            command.env_remove(&name);
        }
    }
    command
        .env("HOME", store.parent().unwrap_or(store))
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PODTRAIL_ENDPOINT_URL", endpoint);
    command
}

/// Looks again and again until there is something, at most for [`PATIENCE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(LOOK);
    }
}
