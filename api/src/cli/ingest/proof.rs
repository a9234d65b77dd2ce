//! What the digests say of the log files that are read: `podtrail ingest --verify`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use podtrail_ingest::DigestStatus;
use podtrail_ingest::digest::{self, Event, PublicKeys, Status, Subject, Verdict, verify};

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

/// Verifies the digests and log files of a trail from a time on. Each log file is read once more for that.
pub(super) async fn prove(
    location: &str,
    request: &Request,
    from: DateTime<Utc>,
    keys: Arc<dyn PublicKeys>,
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
    let mut events = verify(vault, keys, options);
    let mut status = DigestStatus::new();
    let (mut verdict, mut found) = (Verdict::Proven, 0_u64);
    while let Some(event) = events.next().await {
        let Event::Finding(finding) = event else {
            continue;
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
    Ok(Proof {
        status: Arc::new(status),
        verdict,
    })
}

/// Of two findings about one file, the one that stands: altered, then valid, then not proven.
fn weight(status: Status) -> u8 {
    match status.verdict() {
        Verdict::Tampered => 2,
        Verdict::Proven => 1,
        Verdict::Incomplete => 0,
    }
}
