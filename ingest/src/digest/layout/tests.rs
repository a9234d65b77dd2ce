use super::*;

const DIGEST: &str = "p/AWSLogs/o-x/111122223333/CloudTrail-Digest/eu-west-1/2026/03/01/\
    111122223333_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260301T040131Z.json.gz";

#[test]
fn digest_names() {
    let name = DigestName::parse(DIGEST).unwrap();
    assert_eq!(name.lane.base, "p/AWSLogs/o-x/111122223333/");
    assert_eq!(
        (name.lane.account.as_str(), name.lane.region.as_str()),
        ("111122223333", "eu-west-1")
    );
    assert_eq!(
        (name.trail.as_str(), name.home_region.as_str()),
        ("my_trail", "us-east-1")
    );
    assert_eq!(name.end, 1_772_337_691_000_000);
    assert!(!name.backfill);
    let backfill = DigestName::parse(&DIGEST.replace("131Z.", "131Z_backfill.")).unwrap();
    assert!(backfill.backfill && backfill.end == name.end && !backfill.same_chain(&name));
}

#[test]
fn other_names() {
    for (from, to) in [
        ("2026/03/01", "2026/03/02"),
        ("2026/03/01", "2026/3/1"),
        ("eu-west-1/", "eu-west-1"),
        ("/111122223333_", "/111122223334_"),
        ("_my_trail", ""),
        (".json.gz", ".json"),
        ("CloudTrail-Digest/", "CloudTrail/"),
        ("T040131Z", "T046131Z"),
        ("20260301T", "é0260301T"),
    ] {
        let key = DIGEST.replacen(from, to, 1);
        assert_eq!(DigestName::parse(&key), None, "{key}");
    }
    assert_eq!(DigestName::parse(""), None);
}

#[test]
fn log_names() {
    let lane = DigestName::parse(DIGEST).unwrap().lane;
    let key = "p/AWSLogs/o-x/111122223333/CloudTrail/eu-west-1/2026/03/01/\
        111122223333_CloudTrail_eu-west-1_20260301T0405Z_abcdefghijklmnop.json.gz";
    assert_eq!(log_time(&lane, key), Some(1_772_337_900_000_000));
    assert_eq!(log_day(&lane, key), NaiveDate::from_ymd_opt(2026, 3, 1));
    assert_eq!(
        lane.logs_of(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()),
        key.rsplit_once('/').unwrap().0.to_owned() + "/"
    );
    for (from, to) in [
        ("2026/03/01", "2026/03/02"),
        ("T0405Z", "T2505Z"),
        ("eu-west-1/", "eu-west-2/"),
        ("CloudTrail/", "CloudTrail-Insight/"),
    ] {
        assert_eq!(log_time(&lane, &key.replacen(from, to, 1)), None);
    }
}

#[test]
fn roots_in_prefixes() {
    assert_eq!(split_root("AWSLogs/1/"), Some(("AWSLogs/", "1/")));
    assert_eq!(split_root("a/b/AWSLogs/"), Some(("a/b/AWSLogs/", "")));
    assert_eq!(split_root("a/bAWSLogs/"), None);
    assert_eq!(split_root(""), None);
}
