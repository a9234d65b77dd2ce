use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn days(first: &str, last: &str) -> Days {
    Days {
        first: Some(day(first)),
        last: Some(day(last)),
    }
}

#[test]
fn every_level_of_the_layout_is_known() {
    let account = || "111122223333".to_owned();
    let scope = |root: &str, kind, days| Place::Scope {
        scope: Scope::new(kind, root, "111122223333", "eu-west-1"),
        days,
    };
    let root = "p/AWSLogs/o-ab12/111122223333/CloudTrail/";
    for (folder, expected) in [
        ("", Place::Unknown),
        ("logs/", Place::Unknown),
        ("111122223333/CloudTrail/", Place::Unknown),
        ("AWSLogs/", Place::Accounts),
        ("a/b/AWSLogs/o-ab12/", Place::Accounts),
        (
            "AWSLogs/111122223333/",
            Place::Account { account: account() },
        ),
        (
            "AWSLogs/o-ab12/111122223333/CloudTrail/",
            Place::Regions {
                account: account(),
                kind: Kind::Events,
            },
        ),
        (
            "AWSLogs/111122223333/CloudTrail-Insight/",
            Place::Regions {
                account: account(),
                kind: Kind::Insight,
            },
        ),
        (
            "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/",
            Place::Digests,
        ),
        ("AWSLogs/111122223333/Config/eu-west-1/", Place::Other),
        ("AWSLogs/aws-account-id=111122223333/", Place::Other),
        ("AWSLogs//111122223333/", Place::Other),
        (
            "p/AWSLogs/o-ab12/111122223333/CloudTrail/eu-west-1/",
            scope(root, Kind::Events, Days::default()),
        ),
        (
            "p/AWSLogs/o-ab12/111122223333/CloudTrail/eu-west-1/2024/",
            scope(root, Kind::Events, days("2024-01-01", "2024-12-31")),
        ),
        (
            "p/AWSLogs/o-ab12/111122223333/CloudTrail/eu-west-1/2024/02/",
            scope(root, Kind::Events, days("2024-02-01", "2024-02-29")),
        ),
        (
            "p/AWSLogs/o-ab12/111122223333/CloudTrail/eu-west-1/2024/12/31/",
            scope(root, Kind::Events, days("2024-12-31", "2024-12-31")),
        ),
        (
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2024/02/30/",
            Place::Other,
        ),
        (
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2024/2/",
            Place::Other,
        ),
        (
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2024/12/31/x/",
            Place::Other,
        ),
        ("AWSLogs/111122223333/CloudTrail/eu-west-1//", Place::Other),
        ("AWSLogs/111122223333/CloudTrail/x/", Place::Other),
        // The innermost counts: the logs of a bucket that was copied into another's.
        ("AWSLogs/copies/AWSLogs/", Place::Accounts),
    ] {
        assert_eq!(place(folder), expected, "{folder}");
    }
}

#[test]
fn a_scope_names_its_folders() {
    let Place::Scope { scope, .. } = place("AWSLogs/111122223333/CloudTrail/eu-west-1/2024/02/")
    else {
        panic!("no scope")
    };
    let root = "AWSLogs/111122223333/CloudTrail/eu-west-1/";
    assert_eq!(scope.root, root);
    assert_eq!(scope.year(2024), format!("{root}2024/"));
    assert_eq!(scope.month((2024, 2)), format!("{root}2024/02/"));
    assert_eq!(scope.day(day("2024-02-03")), format!("{root}2024/02/03/"));
    assert_eq!(
        scope.first_key(day("2024-02-03"), time("2024-02-03T04:05:59Z")),
        format!("{root}2024/02/03/111122223333_CloudTrail_eu-west-1_20240203T0405")
    );
    let insight = Scope::new(Kind::Insight, "x/", "111122223333", "eu-west-1");
    assert_eq!(
        insight.first_key(day("2024-02-03"), time("2024-02-03T04:05:00Z")),
        "x/eu-west-1/2024/02/03/111122223333_CloudTrail-Insight_eu-west-1_20240203T0405"
    );
}

#[test]
fn names_of_files_are_read() {
    let of = |name: &str| format!("some/where/111122223333_{name}");
    let file = |kind, delivered: Option<&str>| {
        Some(FileName {
            account: "111122223333",
            kind,
            region: "us-gov-west-1",
            delivered: delivered.map(time),
        })
    };
    let minute = Some("2024-02-03T04:05:00Z");
    for (name, expected) in [
        (
            "CloudTrail_us-gov-west-1_20240203T0405Z_x1.json.gz",
            file(Kind::Events, minute),
        ),
        (
            "CloudTrail-Insight_us-gov-west-1_20240203T0405Z_x1.json.gz",
            file(Kind::Insight, minute),
        ),
        (
            "CloudTrail-Digest_us-gov-west-1_my_trail_us-gov-west-1_20240203T040506Z.json.gz",
            file(Kind::Digest, None),
        ),
        (
            "CloudTrail_us-gov-west-1_20240203T9905Z_x1.json.gz",
            file(Kind::Events, None),
        ),
        ("Config_us-gov-west-1_20240203T0405Z_x1.json.gz", None),
        ("CloudTrail", None),
        ("CloudTrail_x_20240203T0405Z_x1.json.gz", None),
    ] {
        assert_eq!(FileName::of(&of(name)), expected, "{name}");
    }
    assert_eq!(FileName::of("records.json"), None);
    assert_eq!(FileName::of(""), None);
}

#[test]
fn days_meet() {
    let november = days("2026-11-01", "2026-11-30");
    let open = Days {
        first: Some(day("2026-11-20")),
        last: None,
    };
    assert_eq!(november.and(open), days("2026-11-20", "2026-11-30"));
    assert_eq!(open.and(november), days("2026-11-20", "2026-11-30"));
    assert_eq!(Days::default().and(november), november);
    assert!(november.and(days("2026-12-01", "2026-12-02")).is_empty());
    assert!(!november.is_empty());
    assert!(!open.is_empty());

    let turn = days("2025-12-30", "2026-01-02");
    assert_eq!(turn.years().unwrap().collect::<Vec<_>>(), [2025, 2026]);
    assert_eq!((turn.months(2025), turn.months(2026)), (vec![12], vec![1]));
    assert_eq!(
        turn.days((2025, 12)),
        [day("2025-12-30"), day("2025-12-31")]
    );
    assert_eq!(turn.days((2026, 1)), [day("2026-01-01"), day("2026-01-02")]);
    assert_eq!(turn.days((2026, 2)), []);
    assert_eq!(turn.days((2026, 13)), []);
    assert!(open.years().is_none());
    assert_eq!(open.months(2026), [11, 12]);
    assert_eq!(open.months(2027).len(), 12);
}

#[test]
fn the_window_is_of_deliveries() {
    let window = Window::new(
        Some(time("2026-11-20T10:07:00Z")),
        Some(time("2026-11-21T08:00:00Z")),
        Duration::days(1),
    );
    assert_eq!(window.days(), days("2026-11-20", "2026-11-22"));
    for (delivered, wanted) in [
        ("2026-11-20T09:51:00Z", false),
        ("2026-11-20T09:52:00Z", true),
        ("2026-11-22T08:00:00Z", true),
        ("2026-11-22T08:05:00Z", false),
    ] {
        assert_eq!(window.has(time(delivered)), wanted, "{delivered}");
    }
    assert_eq!(
        window.cut(day("2026-11-20")),
        Some(time("2026-11-20T09:52:00Z"))
    );
    assert_eq!(window.cut(day("2026-11-21")), None);

    // Slots do not cross midnight: a file of the day before holds nothing of this one.
    let midnight = Window::new(Some(time("2026-11-20T00:02:00Z")), None, Duration::days(1));
    assert_eq!(midnight.days().first, Some(day("2026-11-20")));
    assert!(midnight.has(time("2026-11-20T00:00:00Z")));

    let all = Window::default();
    assert_eq!(all.days(), Days::default());
    assert!(all.has(time("1999-01-01T00:00:00Z")));
}
