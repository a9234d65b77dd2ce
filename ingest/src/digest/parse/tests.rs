use super::*;

#[test]
fn a_digest_named_in_part_is_malformed() {
    let text = |previous: &str| {
        format!(
            r#"{{"digestStartTime":"2026-03-01T03:00:00Z","digestEndTime":"2026-03-01T04:00:00Z",
            "digestS3Bucket":"b","digestS3Object":"k","digestPublicKeyFingerprint":"f",
            "digestSignatureAlgorithm":"SHA256withRSA",{previous}"logFiles":[]}}"#
        )
    };
    let first = parse(text("").as_bytes()).unwrap();
    assert_eq!((first.previous, first.previous_signature), (None, None));
    assert_eq!(first.end - first.start, 3_600_000_000);
    let part = r#""previousDigestS3Bucket":"b","#;
    assert!(parse(text(part).as_bytes()).is_err());
    let foreign = r#""previousDigestS3Bucket":"b","previousDigestS3Object":"o",
        "previousDigestHashValue":"00","previousDigestHashAlgorithm":"MD5","#;
    assert_eq!(
        parse(text(foreign).as_bytes())
            .unwrap()
            .previous
            .unwrap()
            .hash,
        None
    );
    let late = text("").replace("T03:", "T05:");
    assert!(parse(late.as_bytes()).unwrap_err().contains("after"));
}
