//! Copies without metadata, windows, trails that move or share a bucket, and failing reads.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};

use super::bucket::*;
use super::trail;
use crate::digest::{AskedKeys, LocalFolder, Options, Report, Span, Status, Verdict, verify};

#[tokio::test]
async fn copy_without_metadata_is_proven_but_for_its_last_digest() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
    trail.heads = false;
    let trail = trail.hours(&[2, 0, 3, 1]);
    let report = report(dir.path(), options()).await;
    let last = &trail.digests[3];
    assert_eq!(
        faults(&report),
        [
            (Status::Unproven, last.logs[0].as_str()),
            (Status::SignatureUnavailable, last.key.as_str()),
        ]
    );
    assert_eq!(report.verdict(), Verdict::Incomplete);
    let proven = Span {
        from: BEGIN,
        to: last.start,
    };
    assert_eq!(report.chains[0].proven, [proven]);
}

#[tokio::test]
async fn saved_metadata_of_the_last_digest_proves_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
    trail.heads = false;
    let mut trail = trail.hours(&[2, 0, 3]);
    trail.heads = true;
    let _trail = trail.hours(&[1]);
    let report = report(dir.path(), options()).await;
    assert_eq!(faults(&report), []);
    assert_eq!(report.verdict(), Verdict::Proven);
}

#[tokio::test]
async fn tampering_shows_without_metadata_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
    trail.heads = false;
    let trail = trail.hours(&[1, 1, 1, 1, 1, 1]);
    let unproven = |at: usize| (Status::Unproven, trail.digests[at].logs[0].as_str());
    let digest = |at: usize, status| (status, trail.digests[at].key.as_str());
    trail.remove(&trail.digests[4].key);
    let text = trail
        .text(&trail.digests[1].key)
        .replace("SHA-256", "SHA-255");
    trail.put(&trail.digests[1].key, &gzip(text.as_bytes()));
    let report = report(dir.path(), options()).await;
    // 3 follows a hole, so that nothing gives its signature; 2 is proven by the one in 3, and 0
    // by the one in 1, which is altered elsewhere.
    let mut expected = vec![
        unproven(1),
        unproven(3),
        unproven(5),
        digest(3, Status::SignatureUnavailable),
        digest(5, Status::SignatureUnavailable),
        digest(4, Status::DigestMissing),
        digest(1, Status::DigestAltered),
    ];
    expected.sort_unstable();
    assert_eq!(faults(&report), expected);
}

#[tokio::test]
async fn windows_take_what_covers_them() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let window = Options {
        from: Some(trail.digests[1].start + MINUTE),
        to: Some(trail.digests[2].end),
        ..options()
    };
    let report = report(dir.path(), window).await;
    assert_eq!(faults(&report), []);
    assert_eq!(
        report.chains[0].digests, 4,
        "two more hours may list late files"
    );
    let proven = Span {
        from: trail.digests[1].start + MINUTE,
        to: trail.digests[2].end,
    };
    assert_eq!(report.chains[0].proven, [proven]);
}

#[tokio::test]
async fn windows_beyond_the_chain_are_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let (from, to) = (BEGIN - 5 * HOUR, trail.digests[5].end + 4 * HOUR);
    let window = Options {
        from: Some(from),
        to: Some(to),
        ..options()
    };
    let report = report(dir.path(), window).await;
    let spans: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.status, finding.span))
        .collect();
    let before = Span { from, to: BEGIN };
    let after = Span {
        from: trail.digests[5].end,
        to,
    };
    assert_eq!(
        spans,
        [(Status::Gap, Some(before)), (Status::Gap, Some(after))]
    );
}

#[tokio::test]
async fn trail_moved_to_another_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
    trail.prefix = "old/AWSLogs/".to_owned();
    let mut trail = trail.hours(&[1, 2, 1]);
    trail.prefix = "new/AWSLogs/".to_owned();
    let trail = trail.hours(&[1, 1]);
    let both = report(dir.path(), options()).await;
    assert_eq!(faults(&both), []);
    assert_eq!(both.count(Status::Valid), 5 + 6, "each once");
    let narrow = Options {
        prefix: "new/".to_owned(),
        ..options()
    };
    let followed = report(dir.path(), narrow.clone()).await;
    assert_eq!(faults(&followed), []);
    assert_eq!(followed.count(Status::Valid), 5 + 6);
    assert_eq!(
        followed.chains[0].proven,
        [Span {
            from: BEGIN,
            to: BEGIN + 5 * HOUR
        }]
    );
    // Nobody but the successor in the new folder knows of the last one in the old.
    trail.remove(&trail.digests[2].key);
    for options in [options(), narrow] {
        let report = report(dir.path(), options).await;
        assert!(
            faults(&report).contains(&(Status::DigestMissing, trail.digests[2].key.as_str())),
            "{:?}",
            report.findings
        );
    }
}

#[tokio::test]
async fn trail_moved_to_another_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
    trail.bucket = "older-bucket".to_owned();
    let mut trail = trail.hours(&[1, 2]);
    trail.bucket = "example-trail-bucket".to_owned();
    let trail = trail.hours(&[1, 1]);
    // A copy of both buckets in one folder, which stands for any bucket.
    let any = report(
        dir.path(),
        Options {
            bucket: None,
            ..options()
        },
    )
    .await;
    assert_eq!(faults(&any), []);
    assert_eq!(any.verdict(), Verdict::Proven);
    // A copy of the new bucket only: the rest cannot be read, which is not the same as missing.
    for made in &trail.digests[..2] {
        trail.remove(&made.key);
        made.logs.iter().for_each(|key| trail.remove(key));
    }
    let one = report(dir.path(), options()).await;
    assert_eq!(
        faults(&one),
        [(Status::Unreadable, trail.digests[1].key.as_str())]
    );
    assert!(one.findings[0].cause.contains("older-bucket"));
}

#[tokio::test]
async fn two_trails_in_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let mut other = Trail::new(dir.path(), "111122223333", "eu-west-1");
    other.name = "other".to_owned();
    let other = other.hours(&[1, 1, 1, 1, 1, 1]);
    let both = report(dir.path(), options()).await;
    assert_eq!(faults(&both), []);
    assert_eq!(both.chains.len(), 2);
    // A hole of one trail: its files are not held to be added by the other.
    other.remove(&other.digests[3].key);
    let holed = report(dir.path(), options()).await;
    assert_eq!(
        faults(&holed),
        [
            (Status::Unproven, other.digests[3].logs[0].as_str()),
            (Status::DigestMissing, other.digests[3].key.as_str()),
        ]
    );
    assert_eq!(
        holed.count(Status::Valid),
        (6 + trail.all_logs() + 5 + 5) as u64
    );
}

#[tokio::test]
async fn backfill_digest_lists_late_logs() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = trail(dir.path());
    trail.previous = None;
    let (start, end) = (trail.digests[2].start, trail.digests[2].end);
    let backfill = trail.deliver(start, end, 2, "_backfill");
    let whole = report(dir.path(), options()).await;
    assert_eq!(faults(&whole), []);
    assert_eq!(
        whole.count(Status::Valid),
        (6 + 1 + trail.all_logs() + 2) as u64
    );
    trail.remove(&backfill.logs[1]);
    let lacking = report(dir.path(), options()).await;
    assert_eq!(
        faults(&lacking),
        [(Status::LogMissing, backfill.logs[1].as_str())]
    );
    // A second names the first, which is deleted with what it listed.
    trail.previous = Some(backfill.clone());
    trail.deliver(end, end + HOUR, 1, "_backfill");
    trail.remove(&backfill.key);
    trail.remove(&backfill.logs[0]);
    let deleted = report(dir.path(), options()).await;
    assert_eq!(
        faults(&deleted),
        [(Status::DigestMissing, backfill.key.as_str())]
    );
}

#[tokio::test]
async fn backfill_digest_of_the_newest_hour() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = trail(dir.path());
    trail.previous = None;
    trail.deliver(trail.digests[5].start, trail.digests[5].end, 1, "_backfill");
    trail.remove(&trail.digests[4].key);
    for log in &trail.digests[4].logs {
        trail.remove(log);
    }
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        [(Status::DigestMissing, trail.digests[4].key.as_str())]
    );
}

#[tokio::test]
async fn digest_that_no_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut trail = trail(dir.path());
    trail.previous = None;
    let end = trail.digests[3].end - 20 * MINUTE;
    let stray = trail.deliver(end - HOUR, end, 1, "");
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        [
            (Status::Unproven, stray.logs[0].as_str()),
            (Status::ChainBroken, stray.key.as_str()),
        ]
    );
}

#[tokio::test]
async fn predecessor_of_another_trail_breaks_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = Trail::new(dir.path(), "444455556666", "eu-west-1");
    other.prefix = "elsewhere/".to_owned();
    let other = other.hours(&[1]);
    let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
    trail.now = other.now;
    trail.previous = other.previous.clone();
    let _trail = trail.hours(&[1]);
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        [(Status::ChainBroken, other.digests[0].key.as_str())]
    );
}

#[tokio::test]
async fn logs_without_digests_are_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let bare = Trail::new(dir.path(), "444455556666", "us-east-1");
    bare.put_log(&bare.log_key(BEGIN, "Lonely0000000000"));
    let report = report(dir.path(), options()).await;
    let folder = "AWSLogs/444455556666/CloudTrail/us-east-1/";
    assert_eq!(faults(&report), [(Status::Gap, folder)]);
    assert_eq!(report.chains.len(), 1);
    assert_eq!(report.chains[0].logs, trail.all_logs() as u64);
}

#[tokio::test]
async fn nothing_at_all_is_not_proven() {
    let dir = tempfile::tempdir().unwrap();
    let report = report(dir.path(), options()).await;
    assert_eq!(faults(&report), []);
    assert_eq!(report.verdict(), Verdict::Incomplete);
}

#[cfg(unix)]
#[tokio::test]
async fn failing_reads_are_not_missing_files() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let log = &trail.digests[1].logs[0];
    trail.remove(log);
    std::os::unix::fs::symlink(trail.path(log), trail.path(log)).unwrap();
    trail.put(&format!("{}.head.json", trail.digests[2].key), b"{");
    let report = report(dir.path(), options()).await;
    let folder = log.rsplit_once('/').unwrap().0.to_owned() + "/";
    let mut expected = vec![
        (Status::Unreadable, trail.digests[2].key.as_str()),
        (Status::Unreadable, log.as_str()),
        (Status::Unreadable, folder.as_str()),
    ];
    expected.sort_unstable();
    assert_eq!(faults(&report), expected);
}

#[tokio::test]
async fn filters_and_prefixes_narrow() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = 0;
    for account in ["111122223333", "444455556666"] {
        for region in ["eu-west-1", "us-east-1"] {
            let mut trail = Trail::new(dir.path(), account, region);
            trail.prefix = "p/AWSLogs/o-exampleorg/".to_owned();
            let trail = trail.hours(&[1, 1]);
            all += trail.digests.len() + trail.all_logs();
        }
    }
    let narrowed = |prefix: &str, accounts: &[&str], regions: &[&str]| Options {
        prefix: prefix.to_owned(),
        accounts: accounts.iter().map(ToString::to_string).collect(),
        regions: regions.iter().map(ToString::to_string).collect(),
        lanes: 1,
        concurrency: 1,
        ..options()
    };
    for (options, part) in [
        (narrowed("", &[], &[]), 1),
        (narrowed("/p", &[], &[]), 1),
        (narrowed("p/AWSLogs/", &[], &[]), 1),
        (
            narrowed("p/AWSLogs/o-exampleorg", &["444455556666"], &[]),
            2,
        ),
        (narrowed("", &[], &["eu-west-1"]), 2),
        (
            narrowed("p/AWSLogs/o-exampleorg/111122223333/", &[], &[]),
            2,
        ),
        (
            narrowed(
                "p/AWSLogs/o-exampleorg/111122223333/CloudTrail/us-east-1/",
                &[],
                &[],
            ),
            4,
        ),
    ] {
        let report = report(dir.path(), options.clone()).await;
        assert_eq!(faults(&report), [], "{options:?}");
        assert_eq!(
            report.count(Status::Valid),
            (all / part) as u64,
            "{options:?}"
        );
    }
}

#[tokio::test]
async fn digests_alone() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    trail.remove(&trail.digests[0].logs[0]);
    let report = report(
        dir.path(),
        Options {
            check_logs: false,
            ..options()
        },
    )
    .await;
    assert_eq!(faults(&report), []);
    assert_eq!((report.count(Status::Valid), report.chains[0].logs), (6, 0));
}

#[tokio::test]
async fn a_part_of_a_bucket_finds_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let root = dir.path().join("AWSLogs/111122223333");
    let copy = LocalFolder::open(root, None).await.unwrap();
    assert_eq!(copy.base(), "AWSLogs/111122223333/");
    let keys = Arc::new(key_file(FINGERPRINT));
    let report = Report::collect(verify(Arc::new(copy), keys, Options::default())).await;
    assert_eq!(faults(&report), []);
    assert_eq!(report.count(Status::Valid), (6 + trail.all_logs()) as u64);
}

#[tokio::test]
async fn dropping_the_stream_stops_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let _trail = trail(dir.path());
    let vault = Arc::new(LocalFolder::new(dir.path().to_owned(), String::new(), None));
    let keys = Arc::new(key_file(FINGERPRINT));
    let held = Arc::clone(&vault);
    let mut events = verify(vault, keys, Options::default());
    assert!(events.next().await.is_some());
    drop(events);
    // All tasks hold the vault: when they have ended, this is the only one.
    while Arc::strong_count(&held) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn keys_that_cannot_be_asked_for_accuse_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let vault = Arc::new(LocalFolder::new(dir.path().to_owned(), String::new(), None));
    let keys = AskedKeys::new(Box::new(|region, signed| {
        assert_eq!(region, "eu-west-1");
        assert!(signed.from >= BEGIN && signed.to > signed.from);
        let denied = std::io::Error::other("denied: needs cloudtrail:ListPublicKeys");
        futures::future::ready(Err(denied)).boxed()
    }));
    let report = Report::collect(verify(vault, Arc::new(keys), options())).await;
    assert_eq!(report.count(Status::Unreadable), 6);
    assert_eq!(report.count(Status::Unproven), trail.all_logs() as u64);
    assert_eq!(report.verdict(), Verdict::Incomplete);
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.cause.contains("ListPublicKeys"))
    );
}

#[tokio::test]
async fn deleted_run_of_digests() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::new(dir.path(), "111122223333", "eu-west-1").hours(&[1, 1, 0, 0, 1]);
    trail.remove(&trail.digests[2].key);
    trail.remove(&trail.digests[3].key);
    let report = report(dir.path(), options()).await;
    // What was before the first missing one only that could tell; the time tells of both.
    assert_eq!(
        faults(&report),
        [(Status::DigestMissing, trail.digests[3].key.as_str())]
    );
    let hole = Span {
        from: trail.digests[1].end,
        to: trail.digests[4].start,
    };
    assert_eq!(report.chains[0].unproven, [hole]);
}

#[tokio::test]
async fn any_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::new(dir.path(), "111122223333", "eu-west-1").hours(&[2, 0, 1, 3]);
    let newest = trail.digests.last().unwrap();
    for made in &trail.digests {
        for key in made
            .logs
            .iter()
            .chain([&made.key])
            .filter(|key| **key != newest.key)
        {
            let kept = std::fs::read(trail.path(key)).unwrap();
            trail.remove(key);
            let report = report(dir.path(), options()).await;
            assert_eq!(report.verdict(), Verdict::Tampered);
            let missing = if *key == made.key {
                Status::DigestMissing
            } else {
                Status::LogMissing
            };
            assert_eq!(faults(&report).last(), Some(&(missing, key.as_str())));
            trail.put(key, &kept);
        }
    }
    // Only the time tells of the newest.
    trail.remove(&newest.key);
    let late = Options {
        to: Some(newest.end + 3 * HOUR),
        ..options()
    };
    let report = report(dir.path(), late).await;
    let gap = report
        .findings
        .iter()
        .find(|finding| finding.status == Status::Gap)
        .unwrap();
    assert_eq!(
        gap.span,
        Some(Span {
            from: newest.start,
            to: newest.end + 3 * HOUR
        })
    );
}

#[cfg(unix)]
#[tokio::test]
async fn unlistable_digests_accuse_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let digests = dir
        .path()
        .join("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03");
    let odd = digests.join("loop");
    std::os::unix::fs::symlink(&odd, &odd).unwrap();
    let report = report(dir.path(), options()).await;
    let folder = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/";
    assert_eq!(faults(&report), [(Status::Unreadable, folder)]);
    assert_eq!(report.verdict(), Verdict::Incomplete);
    assert_eq!(trail.digests.len(), 6);
}

#[tokio::test]
async fn reports_are_plain_json() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::new(dir.path(), "111122223333", "eu-west-1").hours(&[1, 1]);
    trail.remove(&trail.digests[0].logs[0]);
    let report = serde_json::to_value(report(dir.path(), options()).await).unwrap();
    assert_eq!(
        report["counts"],
        serde_json::json!({"valid": 3, "log_missing": 1})
    );
    assert_eq!(report["findings"][0]["status"], "log_missing");
    assert_eq!(report["findings"][0]["chain"]["trail"], "main_trail");
    assert_eq!(report["chains"][0]["proven"][0]["from"], BEGIN);
}
