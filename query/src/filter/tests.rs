use super::*;

#[test]
fn a_filter_that_a_report_does_not_have_is_refused() {
    let filter = Filter::default().with("node", "i-0a").unwrap();
    let error = filter
        .parameters("readiness", "SELECT $cluster, $node_name")
        .unwrap_err();
    assert_eq!(error.to_string(), "readiness cannot be filtered by node");
    assert!(filter.parameters("nodes", "WHERE node = $node").is_ok());
}

#[test]
fn a_filter_that_does_not_exist_is_refused() {
    let error = Filter::default().with("colour", "red").unwrap_err();
    assert_eq!(error.to_string(), "there is no filter colour");
}

#[test]
fn placeholders_are_whole_words() {
    for (sql, name, expected) in [
        ("$from IS NULL", "from", true),
        ("$from", "from", true),
        ("x = $from_time", "from", false),
        ("from", "from", false),
        ("$to OR $from)", "from", true),
    ] {
        assert_eq!(has_placeholder(sql, name), expected, "{sql}");
    }
}

#[test]
fn a_filter_of_words_takes_no_others() {
    let with = |name, value: &str| Filter::default().with(name, value).map(drop);
    for (name, words) in WORDS {
        for word in words {
            assert!(with(name, word).is_ok(), "{name}={word}");
        }
        let error = with(name, "nonsense").unwrap_err().to_string();
        assert_eq!(error, format!("{name}: one of {}", words.join(", ")));
        assert!(with(name, "").is_err());
    }
    assert!(with("cluster", "nonsense").is_ok());
}

#[test]
fn times_that_nothing_lies_between_are_refused() {
    let time = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
    let (early, late) = (time("2026-05-01T00:00:00Z"), time("2026-05-02T00:00:00Z"));
    for (from, to, fits) in [
        (early, late, true),
        (early, None, true),
        (None, early, true),
        (early, early, false),
        (late, early, false),
    ] {
        assert_eq!(Filter::within(from, to).is_ok(), fits, "{from:?} {to:?}");
    }
}
