use super::*;

const ASKED: Asked = Asked {
    action: "s3:GetObject",
    requester_pays: false,
    assumed_role: false,
};

#[test]
fn answers_are_told_apart() {
    for (status, code, kind) in [
        (503, Some("SlowDown"), Kind::Transient),
        (503, None, Kind::Transient),
        (500, Some("InternalError"), Kind::Transient),
        (429, None, Kind::Transient),
        (400, Some("ThrottlingException"), Kind::Transient),
        (403, Some("RequestTimeTooSkewed"), Kind::Transient),
        (400, Some("ExpiredToken"), Kind::Expired),
        (403, Some("InvalidAccessKeyId"), Kind::Expired),
        (412, Some("PreconditionFailed"), Kind::Changed),
        (412, None, Kind::Changed),
        (416, Some("InvalidRange"), Kind::Changed),
        (404, Some("NoSuchKey"), Kind::Gone),
        (404, None, Kind::Gone),
        (403, Some("AccessDenied"), Kind::Denied),
        (403, None, Kind::Denied),
        (403, Some("SignatureDoesNotMatch"), Kind::Denied),
        (400, Some("KMS.NotFoundException"), Kind::Denied),
        (301, Some("PermanentRedirect"), Kind::Fatal),
        (400, None, Kind::Fatal),
        (400, Some("SomethingNew"), Kind::Fatal),
    ] {
        let fault = Fault::answered(status, code, None, ASKED);
        assert_eq!(fault.kind, kind, "HTTP {status} {code:?}: {fault:?}");
        assert!(fault.cause.contains(&format!("HTTP {status}")), "{fault:?}");
        assert!(fault.cause.contains(code.unwrap_or_default()), "{fault:?}");
    }
}

#[test]
fn long_causes_are_cut_between_characters() {
    let fault = Fault::new(Kind::Fatal, "ä".repeat(5_000));
    assert_eq!(fault.cause.chars().count(), CAUSE_CHARS + 1);
    assert!(fault.cause.ends_with('…'));
    let fault = Fault::new(Kind::Fatal, "short").after(1);
    assert_eq!(fault.cause, "short");
    assert_eq!(
        fault.after(3).cause,
        "gave up after 3 attempts, the last: short"
    );
}

#[test]
fn causes_are_named_once() {
    let inner = std::io::Error::other("the cable");
    let outer = Outer(std::io::Error::other(inner));
    assert_eq!(causes(&outer), "no answer: the cable");
}

#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct Outer(#[source] std::io::Error);

#[test]
fn errors_of_reading_name_the_object_and_tell_the_kind() {
    use std::io::ErrorKind;
    for (kind, expected) in [
        (Kind::Gone, ErrorKind::NotFound),
        (Kind::Denied, ErrorKind::PermissionDenied),
        (Kind::Expired, ErrorKind::PermissionDenied),
        (Kind::Transient, ErrorKind::TimedOut),
        (Kind::Changed, ErrorKind::Other),
        (Kind::Fatal, ErrorKind::Other),
    ] {
        let error = Fault::new(kind, "why").into_io("s3://trail/a");
        assert_eq!(error.kind(), expected);
        assert_eq!(error.to_string(), "cannot read s3://trail/a: why");
    }
}
