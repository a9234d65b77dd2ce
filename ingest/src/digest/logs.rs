//! Checks a log file against the hash in the digest that lists it.

use std::sync::Arc;

use super::Run;
use super::inflate::{Failure, inflate};
use super::parse::{LogFile, SHA_256};
use super::proof::Weight;
use super::report::{ChainId, Finding, Span, Status, Subject};

/// Missing log files of one account and region whose content is looked for under other names.
pub(super) const MISSING_KEPT: usize = 1_000;

/// A listed log file that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) key: String,
    pub(super) hash: String,
}

/// A log file to check.
#[derive(Debug)]
pub(super) struct LogCheck {
    pub(super) run: Arc<Run>,
    pub(super) chain: Arc<ChainId>,
    /// The digest that lists it, and what is known of that.
    pub(super) digest: String,
    pub(super) status: Status,
    pub(super) weight: Weight,
    /// The time that the digest covers.
    pub(super) time: Span,
    pub(super) log: LogFile,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) finding: Finding,
    pub(super) missing: Option<Missing>,
    /// The time that the digest covers.
    pub(super) time: Span,
}

/// Reads the log file and compares.
pub(super) async fn check_log(check: LogCheck) -> Checked {
    let (status, cause) = compare(&check).await;
    let (log, time) = (check.log, check.time);
    let missing = (status == Status::LogMissing).then(|| Missing {
        key: log.key.clone(),
        hash: log.hash,
    });
    let finding = Finding {
        chain: check.chain,
        status,
        subject: Subject::Log,
        bucket: Some(log.bucket),
        key: log.key,
        digest: Some(check.digest),
        span: None,
        cause,
    };
    Checked {
        finding,
        missing,
        time,
    }
}

async fn compare(check: &LogCheck) -> (Status, String) {
    let unproven = || {
        let cause = format!("its digest {} is {}", check.digest, check.status);
        (Status::Unproven, cause)
    };
    if check.weight == Weight::Suspect {
        return unproven();
    }
    let log = &check.log;
    if log.algorithm != SHA_256 {
        let cause = format!("hash algorithm {} is not {SHA_256}", log.algorithm);
        return (Status::Unreadable, cause);
    }
    let run = &check.run;
    let bucket = run.bucket().map(|_| log.bucket.as_str());
    let got = match run.vault.get(bucket, &log.key).await {
        Ok(Some(got)) => got,
        Ok(None) => return (Status::LogMissing, "the object is not there".to_owned()),
        Err(error) => return (Status::Unreadable, error.to_string()),
    };
    match inflate(got.body, run.options.max_log_bytes, false).await {
        Ok(content) if !content.hash.eq_ignore_ascii_case(&log.hash) => {
            let cause = "its SHA-256 is not the one that its digest lists".to_owned();
            (Status::LogAltered, cause)
        }
        Ok(_) if check.weight < Weight::Proven => unproven(),
        Ok(_) => (Status::Valid, String::new()),
        Err(Failure::Corrupt(reason)) => (Status::LogAltered, reason),
        Err(Failure::Unreadable(reason)) => (Status::Unreadable, reason),
        Err(Failure::TooLarge(limit)) => {
            let cause = format!("larger than the limit of {limit} bytes");
            (Status::Unreadable, cause)
        }
    }
}
