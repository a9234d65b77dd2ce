//! Any byte of any file: a change is either without effect on the content, or found.

use proptest::prelude::*;

use super::bucket::*;
use crate::digest::layout::{DigestName, log_day, log_time};
use crate::digest::parse::parse;
use crate::digest::{Options, Status, Verdict};

/// What the file's content comes to, as a reader sees it.
fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .ok()?;
    Some(plain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn a_flipped_byte_is_found(heads: bool, file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let dir = tempfile::tempdir().unwrap();
        let mut trail = Trail::new(dir.path(), "111122223333", "eu-west-1");
        trail.heads = heads;
        let mut trail = trail.hours(&[1, 0]);
        // The newest digest alone always has its metadata.
        trail.heads = true;
        let trail = trail.hours(&[2]);
        let mut keys: Vec<String> = trail.digests.iter().map(|made| made.key.clone()).collect();
        keys.extend(trail.digests.iter().flat_map(|made| made.logs.clone()));
        let key = file.get(&keys);
        let whole = std::fs::read(trail.path(key)).unwrap();
        let mut bytes = whole.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        trail.put(key, &bytes);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(report(dir.path(), Options { lanes: 1, concurrency: 2, ..options() }));
        // Some bits of a gzip file carry nothing: the time and system in its head, and padding.
        if content(&bytes).as_deref() == Some(&gunzip(&whole)) {
            prop_assert_eq!(report.verdict(), Verdict::Proven);
        } else {
            prop_assert_eq!(report.verdict(), Verdict::Tampered);
            let named = report.findings.iter().any(|finding| {
                finding.key == *key && finding.status.verdict() == Verdict::Tampered
            });
            prop_assert!(named, "{:?}", report.findings);
        }
        prop_assert_eq!(report.count(Status::Unreadable), 0);
    }

    #[test]
    fn names_of_any_kind_are_read_without_panic(text in "\\PC{0,60}", at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let trail = Trail::new(std::path::Path::new(""), "111122223333", "eu-west-1");
        let (log, digest) = (trail.log_key(BEGIN, "abc"), trail.digest_key(BEGIN, ""));
        let lane = DigestName::parse(&digest).unwrap().lane;
        for key in [log, digest] {
            let (begin, end) = (at.index(key.len()), cut.index(key.len() + 1));
            let (begin, end) = (begin.min(end), begin.max(end));
            let mangled = format!("{}{text}{}", &key[..begin], &key[end..]);
            let name = DigestName::parse(&mangled);
            prop_assert!(name.is_none_or(|name| mangled.starts_with(&name.lane.base)));
            let time = log_time(&lane, &mangled);
            prop_assert!(time.is_none() || log_day(&lane, &mangled).is_some());
        }
    }

    #[test]
    fn text_of_any_kind_is_parsed_without_panic(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        let text = r#"{"digestStartTime":"2026-03-01T03:00:00Z","digestEndTime":"2026-03-01T04:00:00Z","digestS3Bucket":"b","digestS3Object":"k","digestPublicKeyFingerprint":"f","digestSignatureAlgorithm":"SHA256withRSA","previousDigestS3Bucket":null,"logFiles":[{"s3Bucket":"b","s3Object":"o","hashValue":"00","hashAlgorithm":"SHA-256"}]}"#;
        let mut text = text.as_bytes().to_vec();
        let at = at.index(text.len());
        text.splice(at..(at + bytes.len()).min(text.len()), bytes);
        if let Ok(digest) = parse(&text) {
            prop_assert!(digest.start <= digest.end);
        }
    }
}
