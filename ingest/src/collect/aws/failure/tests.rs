use super::*;
use crate::collect::permissions::{DESCRIBE_CLUSTER, GET_ROLE};

#[test]
fn a_missing_permission_names_action_and_resource() {
    let failure = answered(
        "AccessDeniedException",
        Some("User: x is not authorized"),
        403,
    );
    let warning = failure.warning(DESCRIBE_CLUSTER, "prod", "own credentials, eu-west-1");
    assert_eq!(warning.reason, Reason::Denied);
    assert_eq!(warning.place, "prod, own credentials, eu-west-1");
    assert!(
        warning
            .advice
            .starts_with("allow eks:DescribeCluster on arn:aws:eks:*:*:cluster/prod")
    );
    let failure = answered("AccessDenied", None, 403);
    let warning = failure.warning(GET_ROLE, "web", "own credentials");
    assert!(
        warning
            .advice
            .contains("iam:GetRole on arn:aws:iam::*:role/web")
    );
    assert_eq!(warning.detail, "AccessDenied, status 403");
}

#[test]
fn codes_tell_what_is_wrong() {
    for (code, status, reason, gone) in [
        ("UnauthorizedOperation", 403, Reason::Denied, false),
        ("SomethingNew", 403, Reason::Denied, false),
        ("ExpiredToken", 403, Reason::Credentials, false),
        ("AuthFailure", 401, Reason::Credentials, false),
        ("ThrottlingException", 400, Reason::Unavailable, false),
        ("NoSuchEntity", 404, Reason::Unavailable, true),
        ("ResourceNotFoundException", 404, Reason::Unavailable, true),
    ] {
        let failure = answered(code, None, status);
        assert_eq!(
            (failure.reason, failure.is_gone()),
            (reason, gone),
            "{code}"
        );
    }
}
