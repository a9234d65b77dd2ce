use super::*;

#[test]
fn every_form_of_a_time() {
    let at = 1_710_322_533_000_000;
    for text in [
        "2024-03-13T09:35:33Z",
        "2024-03-13T09:35:33",
        "2024-03-13 09:35:33",
        "2024-03-13T09:35:33.000Z",
        "2024-03-13 20:35:33+11:00",
        "2024-03-13T04:35:33-0500",
        " 2024-03-13T09:35:33 UTC ",
        "Mar 13, 2024, 9:35:33 AM",
        "Mar 13, 2024 9:35:33 AM",
        "Mar 13, 2024, 9:35:33\u{202f}AM",
        "March 13, 2024, 09:35:33",
    ] {
        assert_eq!(parse(text), Some(at), "{text}");
    }
    assert_eq!(parse("2024-03-13T09:35:33.0000015Z"), Some(at + 1));
    assert_eq!(parse("2016-12-31T23:59:60Z"), parse("2016-12-31T23:59:59Z"));
    assert_eq!(
        parse("Jan 1, 2024, 12:00:00 AM"),
        parse("2024-01-01T00:00:00Z")
    );
    assert_eq!(
        parse("Jan 1, 2024, 12:00:00 PM"),
        parse("2024-01-01T12:00:00Z")
    );
    assert_eq!(parse_number("1710322533"), Some(at));
    assert_eq!(parse_number("1710322533000"), Some(at));
    assert_eq!(parse_number("1710322533.25"), Some(at + 250_000));
}

#[test]
fn what_is_no_time() {
    for text in [
        "",
        "...",
        "eventTime",
        "2024-13-01T00:00:00Z",
        "2024-03-13",
        "2024-03-13T9:35:33Z",
        "2024-03-13T09:35:33.Z",
        "2024-03-13T09:35:33+99:00",
        "Mar 13, 2024, 13:00:00 PM",
        "Foo 1, 2024, 1:00:00 AM",
        "é 1",
        "99999999999999999999",
        "Mär 1, 2024",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse_number("1e300"), None);
    assert_eq!(parse_number("-1"), None);
}
