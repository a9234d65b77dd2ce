use super::*;

#[test]
fn refusals_are_told_in_the_words_of_kubernetes_only() {
    let body =
        br#"{"kind":"Status","code":403,"message":"pods is forbidden:\n User \"me\" cannot list"}"#;
    assert_eq!(
        failure(403, body),
        Failure::Forbidden("pods is forbidden: User \"me\" cannot list".to_owned())
    );
    assert_eq!(
        failure(410, b""),
        Failure::Gone("no reason given".to_owned())
    );
    // The status of an error event has its own code.
    assert_eq!(
        failure(500, br#"{"code":410,"message":"too old"}"#),
        Failure::Gone("too old".to_owned())
    );
    // A proxy may answer with a page that shows anything.
    let page = b"<html>Cookie: s3cr3t</html>";
    assert_eq!(
        failure(502, page),
        Failure::Status(502, "no reason given".to_owned())
    );
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for (failure, transient) in [
        (failure(429, b""), true),
        (failure(500, b""), true),
        (failure(504, b""), true),
        (Failure::Network("reset".to_owned()), true),
        (failure(400, b""), false),
        (failure(403, b""), false),
        (failure(410, b""), false),
        (Failure::TooLarge(1), false),
        (Failure::Malformed(String::new()), false),
    ] {
        assert_eq!(failure.is_transient(), transient, "{failure:?}");
    }
}
