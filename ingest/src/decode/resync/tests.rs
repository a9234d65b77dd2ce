use super::*;

fn found(text: &str) -> Option<usize> {
    next_start(text.as_bytes(), 1, b"", b"id").map(|restart| restart.at)
}

#[test]
fn starts_of_records() {
    for text in [
        "x,{\"eventVersion\":1}",
        "x\n{\"a\":1}",
        "x, { \"eventID\":1}",
        "x}{\"awsRegion\":1",
        "[{\"id\":1}",
        "x\n{}",
        "2026Z {\"eventName\":1",
        "{\"aws\":{\"cloudtrail\":{\"eventVersion\":1",
    ] {
        assert!(found(text).is_some(), "{text}");
    }
    for text in [
        "x{\"a\":1}",
        "\"a\":{\"id\":1}",
        "\"a\":{\"awsRegion\":1}",
        "x,{\\\"eventVersion\\\"",
        "\"{\"eventVersion\"",
        "x {1",
        "{\"eventVersion\"",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
    let document = next_start(b"x,\n{ \"Records\":[", 1, b"", b"").unwrap();
    assert_eq!(
        document,
        Restart {
            at: 3,
            document: true
        }
    );
    assert_eq!(next_start(b"{\"a\":1}", 0, b"x", b""), None);
    assert_eq!(
        next_start(b"{\"a\":1}", 0, b"\n", b"").map(|restart| restart.at),
        Some(0)
    );
}

#[test]
fn time_stamps_of_export_lines() {
    assert_eq!(time_stamp(b"2026-01-02T03:04:05.000Z {"), Some(25));
    assert_eq!(time_stamp(b"1526951139360 {\"a\""), Some(14));
    for line in [
        &b"2026-01-02T03:04:05Z x {"[..],
        b"1 {",
        b"",
        b"{",
        b"- {",
        b"2026-01-02T03:04:05Z{",
    ] {
        assert_eq!(time_stamp(line), None);
    }
}
