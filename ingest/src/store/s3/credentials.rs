//! Credentials of the AWS SDK, kept between the requests of a store.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;

/// How long before their end credentials are asked for anew.
const EARLY: i64 = 5 * MINUTE;

/// How long credentials are used that name no end: somebody may replace them.
const WITHOUT_END: i64 = 5 * MINUTE;

/// Least time between two questions as long as credentials last: not every request asks for those that
/// are about to end.
const PAUSE: i64 = MINUTE / 2;

/// Asks the SDK for credentials only when those that are known are about to end, and one at a time.
#[derive(Debug)]
pub(super) struct KeptCredentials {
    provider: SharedCredentialsProvider,
    clock: fn() -> i64,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    credential: Arc<AwsCredential>,
    asked_at: i64,
    ends_at: Option<i64>,
}

impl Kept {
    fn new(found: &Credentials, asked_at: i64) -> Self {
        let ends_at = found.expiry().map(|end| {
            let since = end.duration_since(SystemTime::UNIX_EPOCH);
            i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
        });
        Self {
            credential: Arc::new(AwsCredential {
                key_id: found.access_key_id().to_owned(),
                secret_key: found.secret_access_key().to_owned(),
                token: found.session_token().map(str::to_owned),
            }),
            asked_at,
            ends_at,
        }
    }

    fn is_fresh(&self, now: i64) -> bool {
        match self.ends_at {
            None => now < self.asked_at + WITHOUT_END,
            Some(end) => now + EARLY < end || now < end.min(self.asked_at + PAUSE),
        }
    }

    fn is_good(&self, now: i64) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

impl KeptCredentials {
    /// Nothing is asked yet. `clock` gives the time in microseconds since the epoch.
    pub(super) fn new(provider: SharedCredentialsProvider, clock: fn() -> i64) -> Self {
        Self {
            provider,
            clock,
            kept: Mutex::default(),
        }
    }

    async fn at(&self, now: i64) -> object_store::Result<Arc<AwsCredential>> {
        // Held while somebody asks: the others wait for that answer.
        let mut kept = self.kept.lock().await;
        if let Some(known) = kept.as_ref()
            && known.is_fresh(now)
        {
            return Ok(Arc::clone(&known.credential));
        }
        let error = match self.provider.provide_credentials().await {
            Ok(found) => {
                let new = Kept::new(&found, now);
                return Ok(Arc::clone(&kept.insert(new).credential));
            }
            Err(error) => error,
        };
        if let Some(known) = kept.as_mut()
            && known.is_good(now)
        {
            let error = crate::aws::causes(&error);
            tracing::warn!(%error, "credentials not renewed, those known are used on");
            known.asked_at = now;
            return Ok(Arc::clone(&known.credential));
        }
        Err(object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(error),
        })
    }
}

#[async_trait]
impl CredentialProvider for KeptCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.at((self.clock)()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::{self, future};
    use futures::future::join_all;

    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Counts how often it is asked; gives a key of another name each time.
    #[derive(Debug, Clone, Default)]
    struct Counting {
        asked: Arc<AtomicUsize>,
        fails: Arc<AtomicBool>,
        /// When what it gives ends.
        ends_at: Option<i64>,
    }

    impl Counting {
        fn ending(ends_at: i64) -> Self {
            Self {
                ends_at: Some(ends_at),
                ..Self::default()
            }
        }

        fn kept(&self) -> KeptCredentials {
            KeptCredentials::new(SharedCredentialsProvider::new(self.clone()), || 0)
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        async fn provide(&self) -> provider::Result {
            let count = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            // Others come while it is asked.
            tokio::task::yield_now().await;
            if self.fails.load(Ordering::SeqCst) {
                return Err(CredentialsError::provider_error("out of reach"));
            }
            let end = self
                .ends_at
                .map(|end| SystemTime::UNIX_EPOCH + Duration::from_micros(end.unsigned_abs()));
            let key = format!("KEY{count}");
            Ok(Credentials::new(key, "not-a-secret", None, end, "test"))
        }
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(self.provide())
        }
    }

    async fn key(kept: &KeptCredentials, now: i64) -> String {
        kept.at(now).await.unwrap().key_id.clone()
    }

    #[tokio::test]
    async fn many_requests_ask_once() {
        let counting = Counting::ending(60 * MINUTE);
        let kept = counting.kept();
        let credentials = join_all((0..100).map(|_| kept.get_credential())).await;
        assert!(credentials.iter().all(Result::is_ok));
        assert_eq!(counting.asked(), 1);
    }

    #[tokio::test]
    async fn what_is_about_to_end_is_renewed_before_it_does() {
        let counting = Counting::ending(60 * MINUTE);
        let kept = counting.kept();
        assert_eq!(key(&kept, 0).await, "KEY1");
        assert_eq!(key(&kept, 55 * MINUTE - 1).await, "KEY1");
        // What comes is about to end as well, and not asked for by each request.
        assert_eq!(key(&kept, 55 * MINUTE).await, "KEY2");
        assert_eq!(key(&kept, 55 * MINUTE + 29 * SECOND).await, "KEY2");
        assert_eq!(key(&kept, 55 * MINUTE + 30 * SECOND).await, "KEY3");
        assert_eq!(key(&kept, 60 * MINUTE).await, "KEY4");
    }

    #[tokio::test]
    async fn what_names_no_end_is_asked_for_now_and_then() {
        let counting = Counting::default();
        let kept = counting.kept();
        assert_eq!(key(&kept, 0).await, "KEY1");
        assert_eq!(key(&kept, 5 * MINUTE - 1).await, "KEY1");
        assert_eq!(key(&kept, 5 * MINUTE).await, "KEY2");
    }

    #[tokio::test]
    async fn what_is_known_is_used_on_while_nobody_answers() {
        let counting = Counting::ending(60 * MINUTE);
        let kept = counting.kept();
        assert_eq!(key(&kept, 0).await, "KEY1");
        counting.fails.store(true, Ordering::SeqCst);
        assert_eq!(key(&kept, 56 * MINUTE).await, "KEY1");
        assert_eq!(key(&kept, 56 * MINUTE + SECOND).await, "KEY1");
        assert_eq!(counting.asked(), 2);
        let error = kept.at(60 * MINUTE).await.unwrap_err();
        let text = crate::aws::causes(&error);
        assert!(text.contains("out of reach"), "{text}");
    }
}
