//! Chains as CloudTrail delivers them, and each way to tamper with them.

mod bucket;
mod edges;
mod random;

use bucket::*;

use super::{Event, Span, Status, Subject, Verdict};

/// Six hours over midnight: with log files, an empty hour, and many.
const HOURS: [usize; 6] = [3, 2, 0, 4, 12, 2];

fn trail(root: &std::path::Path) -> Trail {
    Trail::new(root, "111122223333", "eu-west-1").hours(&HOURS)
}

fn digests_only(trail: &Trail, at: usize, status: Status) -> Vec<(Status, &str)> {
    vec![(status, trail.digests[at].key.as_str())]
}

/// Adds that the log files of a digest can no longer be proven.
fn with_logs<'a>(
    trail: &'a Trail,
    at: usize,
    mut faults: Vec<(Status, &'a str)>,
) -> Vec<(Status, &'a str)> {
    faults.extend(
        trail.digests[at]
            .logs
            .iter()
            .map(|key| (Status::Unproven, key.as_str())),
    );
    faults.sort_unstable();
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn untouched_chains_of_accounts_and_regions_are_valid() {
    let dir = tempfile::tempdir().unwrap();
    let mut trails = Vec::new();
    for (account, region) in [
        ("111122223333", "eu-west-1"),
        ("111122223333", "us-east-1"),
        ("444455556666", "eu-west-1"),
    ] {
        let mut trail = Trail::new(dir.path(), account, region);
        trail.prefix = "logs/of/all/AWSLogs/o-exampleorg/".to_owned();
        trails.push(trail.hours(&HOURS));
    }
    let report = report(dir.path(), options()).await;
    assert_eq!(faults(&report), []);
    assert_eq!(report.verdict(), Verdict::Proven);
    let logs: usize = trails.iter().map(Trail::all_logs).sum();
    assert_eq!(report.count(Status::Valid), 3 * 6 + logs as u64);
    assert_eq!(report.chains.len(), 3);
    for (chain, trail) in report.chains.iter().zip(&trails) {
        assert_eq!(chain.chain.account, trail.account);
        assert_eq!(chain.chain.region, trail.region);
        assert_eq!(chain.chain.trail, "main_trail");
        assert_eq!(chain.chain.home_region, "eu-central-1");
        assert_eq!((chain.digests, chain.logs), (6, trail.all_logs() as u64));
        let all = Span {
            from: BEGIN,
            to: BEGIN + 6 * HOUR,
        };
        assert_eq!((&chain.proven, &chain.unproven), (&vec![all], &vec![]));
    }
}

#[tokio::test]
async fn every_object_gets_one_finding() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let mut expected: Vec<_> = trail
        .digests
        .iter()
        .flat_map(|made| made.logs.clone())
        .collect();
    expected.extend(trail.digests.iter().map(|made| made.key.clone()));
    expected.sort();
    let mut found: Vec<_> = events(dir.path(), options())
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Finding(finding) => Some(finding.key),
            Event::Chain(_) => None,
        })
        .collect();
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn altered_log() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let key = &trail.digests[3].logs[1];
    let mut text = trail.text(key).into_bytes();
    let middle = text.len() / 2;
    text[middle] ^= 1;
    trail.put(key, &gzip(&text));
    let report = report(dir.path(), options()).await;
    assert_eq!(faults(&report), [(Status::LogAltered, key.as_str())]);
    assert_eq!(
        report.findings[0].digest.as_deref(),
        Some(trail.digests[3].key.as_str())
    );
    assert_eq!(report.verdict(), Verdict::Tampered);
}

#[tokio::test]
async fn log_cut_short_continued_or_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let logs = &trail.digests[4].logs;
    let stored = |key: &str| std::fs::read(trail.path(key)).unwrap();
    let bytes = stored(&logs[0]);
    trail.put(&logs[0], &bytes[..bytes.len() - 5]);
    let mut bytes = stored(&logs[1]);
    bytes.extend_from_slice(b"more");
    trail.put(&logs[1], &bytes);
    let mut bytes = stored(&logs[2]);
    bytes.extend(gzip(b"{\"Records\":[]}"));
    trail.put(&logs[2], &bytes);
    trail.put(&logs[3], b"");
    // The same content without gzip is the same content.
    trail.put(&logs[4], trail.text(&logs[4]).as_bytes());
    let report = report(dir.path(), options()).await;
    let mut expected: Vec<_> = logs[..4]
        .iter()
        .map(|key| (Status::LogAltered, key.as_str()))
        .collect();
    expected.sort_unstable();
    assert_eq!(faults(&report), expected);
}

#[tokio::test]
async fn altered_digest() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let key = &trail.digests[3].key;
    let text = trail
        .text(key)
        .replacen("\"hashValue\":\"", "\"hashValue\":\"0", 1);
    trail.put(key, &gzip(text.as_bytes()));
    let report = report(dir.path(), options()).await;
    let expected = with_logs(&trail, 3, digests_only(&trail, 3, Status::DigestAltered));
    assert_eq!(faults(&report), expected);
    let hole = Span {
        from: trail.digests[3].start,
        to: trail.digests[3].end,
    };
    assert_eq!(report.chains[0].unproven, [hole]);
    assert_eq!(report.chains[0].proven.len(), 2);
}

#[tokio::test]
async fn digest_signed_anew_by_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    // In the middle the successor tells; at the end only the signature can.
    for (at, status) in [(2, Status::DigestAltered), (5, Status::SignatureInvalid)] {
        let key = &trail.digests[at].key;
        let text = trail
            .text(key)
            .replace("\"newestEventTime\":null", "\"newestEventTime\":\"\"");
        let before = std::fs::read(trail.path(key)).unwrap();
        let head = std::fs::read(trail.path(&format!("{key}.head.json"))).unwrap();
        trail.put_digest(key, &text, foreign_key());
        let report = report(dir.path(), options()).await;
        let expected = with_logs(&trail, at, digests_only(&trail, at, status));
        assert_eq!(faults(&report), expected);
        trail.put(key, &before);
        trail.put(&format!("{key}.head.json"), &head);
    }
}

#[tokio::test]
async fn forged_signature_in_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let forged = sign(foreign_key(), "something");
    trail.put_head(&trail.digests[1].key, &forged);
    let once = report(dir.path(), options()).await;
    // The chain proves the content of the digest, and hence its log files.
    assert_eq!(
        faults(&once),
        digests_only(&trail, 1, Status::SignatureInvalid)
    );
    trail.put_head(&trail.digests[1].key, "not hexadecimal");
    let twice = report(dir.path(), options()).await;
    assert_eq!(
        faults(&twice),
        digests_only(&trail, 1, Status::SignatureInvalid)
    );
}

#[tokio::test]
async fn deleted_log() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let key = &trail.digests[0].logs[2];
    trail.remove(key);
    let report = report(dir.path(), options()).await;
    assert_eq!(faults(&report), [(Status::LogMissing, key.as_str())]);
}

#[tokio::test]
async fn deleted_digest() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    trail.remove(&trail.digests[2].key);
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        digests_only(&trail, 2, Status::DigestMissing)
    );
    assert_eq!(
        report.findings[0].digest.as_deref(),
        Some(trail.digests[3].key.as_str())
    );
    let hole = Span {
        from: trail.digests[2].start,
        to: trail.digests[2].end,
    };
    assert_eq!(report.chains[0].unproven, [hole]);
}

#[tokio::test]
async fn deleted_first_digest() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    trail.remove(&trail.digests[0].key);
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        digests_only(&trail, 0, Status::DigestMissing)
    );
    assert!(report.findings[0].cause.contains("lifecycle"));
}

#[tokio::test]
async fn deleted_digest_with_its_logs() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    for key in &trail.digests[3].logs {
        trail.remove(key);
    }
    trail.remove(&trail.digests[3].key);
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        digests_only(&trail, 3, Status::DigestMissing)
    );
}

#[tokio::test]
async fn swapped_digests() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let (a, b) = (&trail.digests[1].key, &trail.digests[4].key);
    for suffix in ["", ".head.json"] {
        let (a, b) = (
            trail.path(&format!("{a}{suffix}")),
            trail.path(&format!("{b}{suffix}")),
        );
        let kept = std::fs::read(&a).unwrap();
        std::fs::copy(&b, &a).unwrap();
        std::fs::write(&b, kept).unwrap();
    }
    let report = report(dir.path(), options()).await;
    let moved = |at: usize| (Status::DigestMoved, trail.digests[at].key.as_str());
    let found = faults(&report);
    let digests: Vec<_> = found
        .iter()
        .copied()
        .filter(|(status, _)| *status != Status::Unproven)
        .collect();
    assert_eq!(digests, [moved(1), moved(4)]);
    assert_eq!(
        found.len() - 2,
        trail.digests[1].logs.len() + trail.digests[4].logs.len()
    );
}

#[tokio::test]
async fn added_logs() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let added = trail.log_key(BEGIN + 2 * HOUR + 20 * MINUTE, "Added00000000000");
    trail.put_log(&added);
    let odd = added.replace("Added00000000000.json.gz", "odd.txt");
    trail.put(&odd, b"odd");
    // Too new: the next digest may list it.
    trail.put_log(&trail.log_key(BEGIN + 6 * HOUR - 10 * MINUTE, "New0000000000000"));
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        [
            (Status::LogUnlisted, added.as_str()),
            (Status::LogUnlisted, odd.as_str())
        ]
    );
}

#[tokio::test]
async fn log_added_where_time_is_not_proven() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let added = trail.log_key(trail.digests[2].start + 20 * MINUTE, "Added00000000000");
    trail.put_log(&added);
    trail.remove(&trail.digests[2].key);
    let report = report(dir.path(), options()).await;
    let missing = trail.digests[2].key.as_str();
    assert_eq!(
        faults(&report),
        [
            (Status::Unproven, added.as_str()),
            (Status::DigestMissing, missing)
        ]
    );
}

#[tokio::test]
async fn renamed_log() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let from = &trail.digests[1].logs[0];
    let to = trail.log_key(trail.digests[1].start + 30 * MINUTE, "Renamed000000000");
    std::fs::rename(trail.path(from), trail.path(&to)).unwrap();
    let report = report(dir.path(), options()).await;
    assert_eq!(
        faults(&report),
        [
            (Status::LogMissing, from.as_str()),
            (Status::LogMoved, to.as_str())
        ]
    );
    let moved = report
        .findings
        .iter()
        .find(|finding| finding.status == Status::LogMoved)
        .unwrap();
    assert!(moved.cause.contains(from.as_str()), "{}", moved.cause);
}

#[tokio::test]
async fn wrong_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let other = super::Options {
        bucket: Some("another-bucket".to_owned()),
        ..options()
    };
    let report = report(dir.path(), other).await;
    assert_eq!(report.count(Status::DigestMoved), 6);
    assert_eq!(report.count(Status::Unproven), trail.all_logs() as u64);
    assert_eq!(report.count(Status::Valid), 0);
    assert_eq!(report.chains[0].proven, []);
}

#[tokio::test]
async fn unknown_key() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let keys = key_file("ffffffffffffffffffffffffffffffff");
    let report = report_with(dir.path(), options(), keys).await;
    assert_eq!(report.count(Status::PublicKeyUnknown), 6);
    assert_eq!(report.count(Status::Unproven), trail.all_logs() as u64);
    assert_eq!(report.count(Status::Valid), 0);
    assert_eq!(report.verdict(), Verdict::Incomplete);
}

#[tokio::test]
async fn malformed_digests() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    // An empty hour: no log file is unproven by it.
    let key = &trail.digests[2].key;
    let stored = std::fs::read(trail.path(key)).unwrap();
    let not_digest = gzip(b"{\"Records\":[]}");
    for bytes in [
        &b""[..],
        b"not gzip",
        &stored[..stored.len() / 2],
        &not_digest,
        &gzip(b"[1,2"),
    ] {
        trail.put(key, bytes);
        let report = report(dir.path(), options()).await;
        assert_eq!(
            faults(&report),
            digests_only(&trail, 2, Status::DigestAltered)
        );
    }
}

#[tokio::test]
async fn stopped_and_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let trail = Trail::new(dir.path(), "111122223333", "eu-west-1")
        .hours(&[2, 1])
        .pause(30)
        .hours(&[1, 2]);
    let silent = trail.log_key(BEGIN + 10 * HOUR, "Undigested000000");
    trail.put_log(&silent);
    let report = report(dir.path(), options()).await;
    let newer = trail.digests[2].key.as_str();
    assert_eq!(
        faults(&report),
        [(Status::Unproven, silent.as_str()), (Status::Gap, newer)]
    );
    let gap = report
        .findings
        .iter()
        .find(|finding| finding.subject == Subject::Time)
        .unwrap();
    let span = Span {
        from: BEGIN + 2 * HOUR,
        to: BEGIN + 32 * HOUR,
    };
    assert_eq!(gap.span, Some(span));
    assert_eq!(report.chains[0].unproven, [span]);
    assert_eq!(report.verdict(), Verdict::Incomplete);
}

#[tokio::test]
async fn started_again_at_once_leaves_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let _trail = Trail::new(dir.path(), "111122223333", "eu-west-1")
        .hours(&[2, 1])
        .pause(0)
        .hours(&[1, 2]);
    let report = report(dir.path(), options()).await;
    assert_eq!(faults(&report), []);
    assert_eq!(report.verdict(), Verdict::Proven);
}

#[tokio::test]
async fn digest_beyond_the_limit_is_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    let trail = trail(dir.path());
    let key = &trail.digests[2].key;
    trail.put(key, &gzip(&vec![b' '; 100_000]));
    let bounded = super::Options {
        max_digest_bytes: 20_000,
        ..options()
    };
    let report = report(dir.path(), bounded).await;
    assert_eq!(faults(&report), digests_only(&trail, 2, Status::Unreadable));
    assert!(report.findings[0].cause.contains("20000"));
}
