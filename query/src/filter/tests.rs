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
