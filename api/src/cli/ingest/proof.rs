//! What the digests of a trail say of it, before it is read: `podtrail ingest --verify`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};
use futures::{Stream, StreamExt};
use podtrail_ingest::digest::{
    Event, LocalFolder, Options, PublicKeys, Status, Vault, Verdict, verify,
};
use podtrail_ingest::findings::Recorder;
use podtrail_ingest::store::Store;
use podtrail_ingest::{DigestStatus, Error, Stop};

use super::sources::Request;
use crate::cli::aws::clock;
use crate::cli::say;
use crate::cli::verify::KeyArguments;

/// Findings said on standard error; the rest is counted.
const SAID: u64 = 20;

/// Between the begins of two verifications of a trail by runs that follow each other: CloudTrail delivers a digest every
/// hour, and each verification reads the log files of some time once more.
pub(super) const VERIFY_PAUSE: Duration = Duration::hours(1);

/// A trail whose digests can be verified.
pub(super) struct Trail {
    vault: Arc<dyn Vault>,
    keys: Arc<dyn PublicKeys>,
    options: Options,
    began: DateTime<Utc>,
    verified: Verified,
}

/// When a verification began, and what it came to.
type Last = Option<(DateTime<Utc>, Verdict)>;

/// The last verification of a trail by this process.
#[derive(Debug, Clone, Default)]
pub(super) struct Verified(Arc<Mutex<Last>>);

impl Verified {
    /// Nothing is left half done under the lock.
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the last verification came to, where it is too early for the next.
    pub(super) fn still(&self, now: DateTime<Utc>, pause: Option<Duration>) -> Option<Verdict> {
        let (began, verdict) = (*self.lock())?;
        pause
            .is_some_and(|pause| now < began + pause)
            .then_some(verdict)
    }

    /// The begin of what is verified, by a run that reads from a time on: what was read since the last verification
    /// belongs to it.
    pub(super) fn since(
        &self,
        from: Option<DateTime<Utc>>,
        look_back: Duration,
    ) -> Option<DateTime<Utc>> {
        let last = self.lock().map(|(began, _)| began - look_back);
        from.map(|from| last.map_or(from, |last| from.min(last)))
    }

    fn set(&self, began: DateTime<Utc>, verdict: Verdict) {
        *self.lock() = Some((began, verdict));
    }
}

/// What was proven of a trail.
pub(super) struct Proof {
    pub(super) status: Arc<DigestStatus>,
    pub(super) verdict: Verdict,
}

/// Refuses sources that have no digests.
///
/// # Errors
/// [`Error::InvalidInput`] for all but buckets and folders.
pub(super) fn check(argument: &str) -> Result<(), Error> {
    let is_trail = match argument.split_once("://") {
        Some((scheme, _)) => scheme == "s3",
        None => Path::new(argument).is_dir(),
    };
    if is_trail {
        return Ok(());
    }
    Err(Error::InvalidInput(format!(
        "{argument}: only a trail has digests to verify: give s3://bucket/prefix or a folder with a copy, or leave --verify \
         (verify = true) out"
    )))
}

impl Trail {
    /// Opens the trail that `argument` names, from a time on.
    ///
    /// # Errors
    /// What the user must mend: no digests in a folder, a file of keys that cannot be read; and where the bucket cannot be
    /// reached.
    pub(super) async fn open(
        argument: &str,
        request: &Request,
        keys: &KeyArguments,
        from: Option<DateTime<Utc>>,
    ) -> anyhow::Result<Self> {
        let selection = &request.selection;
        let options = Options {
            accounts: selection.accounts.clone(),
            regions: selection.regions.clone(),
            from: from.or(selection.from).map(|time| time.timestamp_micros()),
            to: selection.to.map(|time| time.timestamp_micros()),
            ..Options::default()
        };
        let (vault, options) = if argument.starts_with("s3://") {
            let (vault, bucket, prefix) = request.aws.vault(argument).await?;
            let options = Options {
                bucket: Some(bucket),
                prefix,
                to: options.to.or_else(|| Some(clock())),
                ..options
            };
            (vault, options)
        } else {
            // Named as the source names its files.
            let root = Path::new(argument).canonicalize();
            let root = root.map_err(|source| Error::Read {
                path: PathBuf::from(argument),
                source,
            })?;
            let folder = LocalFolder::open(root, None).await?;
            let prefix = folder.base().to_owned();
            let vault: Arc<dyn Vault> = Arc::new(folder);
            (vault, Options { prefix, ..options })
        };
        Ok(Self {
            vault,
            keys: keys.keys(&request.aws).await?,
            options,
            began: Utc::now(),
            verified: request.verified.clone(),
        })
    }

    /// Verifies digests and log files, or until asked to stop, and keeps in the store what they say. `source` is the id of
    /// who reads the trail. Each log file is read once more for that.
    ///
    /// # Errors
    /// Where the store fails again and again.
    pub(super) async fn prove(
        self,
        store: &Store,
        source: &str,
        stop: &Stop,
    ) -> anyhow::Result<Proof> {
        let vault = Arc::clone(&self.vault);
        let recorder = Recorder::new(store.clone(), vault, &self.options, source, clock);
        let events = verify(self.vault, self.keys, self.options);
        let proof = weigh(events, recorder, stop).await?;
        self.verified.set(self.began, proof.verdict);
        Ok(proof)
    }
}

/// Weighs and keeps what is found, until asked to stop.
async fn weigh(
    mut events: impl Stream<Item = Event> + Unpin + Send,
    mut recorder: Recorder,
    stop: &Stop,
) -> anyhow::Result<Proof> {
    let (mut verdict, mut found) = (Verdict::Proven, 0_u64);
    let mut stopped = std::pin::pin!(stop.asked());
    loop {
        let event = tokio::select! {
            biased;
            () = &mut stopped => break,
            event = events.next() => event,
        };
        let Some(event) = event else { break };
        if let Event::Finding(finding) = &event {
            verdict = verdict.max(finding.status.verdict());
            if finding.status.verdict() == Verdict::Tampered {
                found += 1;
                if found <= SAID {
                    say(&format!(
                        "podtrail: {} {}: {}",
                        finding.status, finding.key, finding.cause
                    ));
                }
            }
        }
        recorder.take(event).await?;
    }
    if found > SAID {
        say(&format!("podtrail: and {} more", found - SAID));
    }
    let status = recorder.finish().await?;
    if status.left_out() > 0 {
        say(&format!(
            "podtrail: {} log files are more than are held at once: they count as {} until they are verified again",
            status.left_out(),
            Status::Unproven
        ));
    }
    Ok(Proof {
        status: Arc::new(status),
        verdict,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::stream;
    use podtrail_ingest::Stopper;
    use podtrail_ingest::digest::{ChainId, Finding, Subject};

    use super::*;

    fn altered() -> Event {
        let chain = ChainId {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            trail: "all".to_owned(),
            home_region: "eu-west-1".to_owned(),
            base: "AWSLogs/111122223333/".to_owned(),
        };
        Event::Finding(Finding {
            chain: Arc::new(chain),
            status: Status::LogAltered,
            subject: Subject::Log,
            bucket: Some("trail".to_owned()),
            key: "AWSLogs/one.json.gz".to_owned(),
            digest: None,
            span: None,
            cause: "another hash".to_owned(),
        })
    }

    #[tokio::test]
    async fn who_asks_to_stop_does_not_wait_for_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path(), true).unwrap();
        let copy = LocalFolder::new(PathBuf::from("/copy"), String::new(), None);
        let options = Options::default();
        let recorder = Recorder::new(store, Arc::new(copy), &options, "copy", clock);
        let (stopper, stop) = Stopper::new();
        let rest = stream::once(async move {
            stopper.stop();
            std::future::pending::<Event>().await
        });
        let events = stream::iter([altered()]).chain(rest).boxed();
        let proof = weigh(events, recorder, &stop).await.unwrap();
        assert_eq!(proof.verdict, Verdict::Tampered);
        let status = proof.status.of("/copy/AWSLogs/one.json.gz");
        assert_eq!(status, Status::LogAltered);
    }

    #[test]
    fn runs_that_follow_each_other_verify_once_an_hour_and_what_was_read_since() {
        let minute = |minutes| DateTime::UNIX_EPOCH + Duration::minutes(minutes);
        let verified = Verified::default();
        let pause = Some(VERIFY_PAUSE);
        assert_eq!(verified.still(minute(0), pause), None);
        let from = Some(minute(170));
        assert_eq!(verified.since(from, Duration::minutes(30)), from);
        verified.set(minute(100), Verdict::Tampered);
        for (now, pause, still) in [
            (101, pause, Some(Verdict::Tampered)),
            (159, pause, Some(Verdict::Tampered)),
            (160, pause, None),
            (101, None, None),
        ] {
            assert_eq!(verified.still(minute(now), pause), still, "{now}");
        }
        for (from, begin) in [(Some(170), Some(70)), (Some(60), Some(60)), (None, None)] {
            let since = verified.since(from.map(minute), Duration::minutes(30));
            assert_eq!(since, begin.map(minute));
        }
    }

    #[test]
    fn only_what_can_be_a_trail_is_verified() {
        let folder = tempfile::tempdir().unwrap();
        for (argument, is_trail) in [
            ("s3://bucket/AWSLogs/", true),
            (folder.path().to_str().unwrap(), true),
            ("-", false),
            ("lookup://eu-west-1", false),
            ("sqs://sqs.eu-west-1.amazonaws.com/111122223333/q", false),
            ("/no/such/folder", false),
        ] {
            assert_eq!(check(argument).is_ok(), is_trail, "{argument}");
        }
    }
}
