//! What the digests say of the log files that are read: `podtrail ingest --verify`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use podtrail_ingest::digest::{self, Event, PublicKeys, Status, Subject, Verdict, verify};
use podtrail_ingest::{DigestStatus, Stop};

use super::sources::Request;
use crate::cli::say;

/// Findings said on standard error; the rest is counted.
const SAID: u64 = 20;

/// Log files whose status is kept, some 300 bytes each; those beyond count as unproven.
const MOST_FILES: usize = 2_000_000;

/// What was proven of a trail.
pub(super) struct Proof {
    pub(super) status: Arc<DigestStatus>,
    pub(super) verdict: Verdict,
}

/// Verifies the digests and log files of a trail from a time on, or until asked to stop. Each log file is read once more
/// for that.
pub(super) async fn prove(
    location: &str,
    request: &Request,
    from: DateTime<Utc>,
    keys: Arc<dyn PublicKeys>,
    stop: &Stop,
) -> anyhow::Result<Proof> {
    let (vault, bucket, prefix) = request.aws.vault(location).await?;
    let to = request.selection.to.unwrap_or_else(Utc::now);
    let options = digest::Options {
        bucket: Some(bucket),
        prefix,
        accounts: request.selection.accounts.clone(),
        regions: request.selection.regions.clone(),
        from: Some(from.timestamp_micros()),
        to: Some(to.timestamp_micros()),
        ..digest::Options::default()
    };
    Ok(weigh(verify(vault, keys, options), stop).await)
}

/// Weighs what is found, until asked to stop.
async fn weigh(mut events: impl Stream<Item = Event> + Unpin + Send, stop: &Stop) -> Proof {
    let mut status = DigestStatus::new();
    let (mut verdict, mut found) = (Verdict::Proven, 0_u64);
    let mut stopped = std::pin::pin!(stop.asked());
    loop {
        let event = tokio::select! {
            biased;
            () = &mut stopped => break,
            event = events.next() => event,
        };
        let finding = match event {
            None => break,
            Some(Event::Finding(finding)) => finding,
            Some(Event::Chain(_)) => continue,
        };
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
        if finding.subject == Subject::Log && status.len() < MOST_FILES {
            let bucket = finding.bucket.as_deref().unwrap_or_default();
            let key = format!("s3://{bucket}/{}", finding.key);
            let worse = status
                .get(&key)
                .is_none_or(|known| weight(finding.status) > weight(*known));
            if worse {
                status.insert(key, finding.status);
            }
        }
    }
    if found > SAID {
        say(&format!("podtrail: and {} more", found - SAID));
    }
    Proof {
        status: Arc::new(status),
        verdict,
    }
}

/// Of two findings about one file, the one that stands: altered, then valid, then not proven.
fn weight(status: Status) -> u8 {
    match status.verdict() {
        Verdict::Tampered => 2,
        Verdict::Proven => 1,
        Verdict::Incomplete => 0,
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use podtrail_ingest::Stopper;
    use podtrail_ingest::digest::{ChainId, Finding};

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
        let (stopper, stop) = Stopper::new();
        let rest = stream::once(async move {
            stopper.stop();
            std::future::pending::<Event>().await
        });
        let events = stream::iter([altered()]).chain(rest).boxed();
        let proof = weigh(events, &stop).await;
        assert_eq!(proof.verdict, Verdict::Tampered);
        assert_eq!(
            proof.status.get("s3://trail/AWSLogs/one.json.gz"),
            Some(&Status::LogAltered)
        );
    }
}
