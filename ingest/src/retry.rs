//! How often an attempt is made again, and after which wait.

use std::time::Duration;

use crate::error::{Error, Result};

/// Attempts that failed in a row.
#[derive(Debug)]
pub(crate) struct Retries {
    failed: u32,
    most: u32,
    pause: Duration,
    longest: Duration,
}

impl Retries {
    /// Allows `most` failures in a row. The wait begins at twice `pause`, doubles each time, and is never
    /// longer than `longest`.
    pub(crate) fn new(most: u32, pause: Duration, longest: Duration) -> Self {
        Self {
            failed: 0,
            most,
            pause,
            longest,
        }
    }

    /// An attempt succeeded: what failed before it does not count.
    pub(crate) fn forget(&mut self) {
        self.failed = 0;
    }

    /// Takes the error of an attempt, tells it, and waits until the next may begin.
    ///
    /// # Errors
    /// As [`Retries::after`].
    pub(crate) async fn wait(&mut self, error: Error, tell: impl FnOnce(&Error)) -> Result<()> {
        let (error, wait) = self.after(error)?;
        tell(&error);
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Takes the error of an attempt, and gives it back with the wait before the next.
    ///
    /// # Errors
    /// The error itself where starting over cannot heal it, [`Error::Exhausted`] where too many attempts
    /// in a row failed.
    fn after(&mut self, error: Error) -> Result<(Error, Duration)> {
        if !error.is_transient() {
            return Err(error);
        }
        self.failed += 1;
        if self.failed >= self.most {
            return Err(Error::Exhausted {
                attempts: self.failed,
                last: Box::new(error),
            });
        }
        let wait = self.pause.saturating_mul(1 << self.failed.min(16));
        Ok((error, wait.min(self.longest)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::Retries;
    use crate::error::Error;

    fn broken() -> Error {
        Error::Worker("gone".to_owned())
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let pause = Duration::from_millis(10);
        let mut retries = Retries::new(5, pause, Duration::from_millis(70));
        let waits: Vec<u128> = (0..4)
            .map(|_| retries.after(broken()).unwrap().1.as_millis())
            .collect();
        assert_eq!(waits, [20, 40, 70, 70]);
        assert!(matches!(
            retries.after(broken()),
            Err(Error::Exhausted { attempts: 5, .. })
        ));
    }

    #[test]
    fn what_succeeded_is_forgotten_and_what_cannot_heal_is_given_back() {
        let pause = Duration::from_millis(10);
        let mut retries = Retries::new(2, pause, pause);
        retries.after(broken()).unwrap();
        retries.forget();
        retries.after(broken()).unwrap();
        let error = Error::InvalidInput("no such file".to_owned());
        assert!(matches!(retries.after(error), Err(Error::InvalidInput(_))));
    }
}
