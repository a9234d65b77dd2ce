#![allow(clippy::unwrap_used)]
use super::*;
use std::time::Duration;

#[test]
fn every_error_has_its_code() {
    let text = || "why".to_owned();
    let engine = || Box::new(datafusion::error::DataFusionError::Internal(text()));
    for (error, code, told) in [
        (Error::InvalidQuery(text()), Code::InvalidArgument, "why"),
        (Error::NotFound(text()), Code::NotFound, "why"),
        (
            Error::LimitExceeded(text()),
            Code::ResourceExhausted,
            "the query needs more than it may use: why",
        ),
        (
            Error::TimedOut(Duration::from_mins(1)),
            Code::DeadlineExceeded,
            "the query took longer than 60 s",
        ),
        (
            Error::Busy,
            Code::Unavailable,
            "too many statements run at once; try again",
        ),
        (Error::Stopped(text()), Code::Cancelled, "why"),
        (
            Error::TooSlow,
            Code::Cancelled,
            "the rows were read too slowly while other statements waited; read faster, or ask for fewer",
        ),
        (
            Error::Unavailable {
                what: text(),
                source: engine(),
            },
            Code::Unavailable,
            "the store cannot be read now",
        ),
        (
            Error::Engine {
                what: text(),
                source: engine(),
            },
            Code::Internal,
            INTERNAL,
        ),
    ] {
        let status = refused(&error);
        assert_eq!((status.code(), status.message()), (code, told));
    }
}

#[test]
fn a_refusal_by_the_shell_is_a_status_in_the_headers() {
    let problem = Problem::too_busy("too many: 100 %\n", 1);
    let response = axum::response::IntoResponse::into_response(problem.clone());
    let response = written(&problem, response);
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert_eq!(headers[CONTENT_TYPE], "application/grpc");
    assert_eq!(headers["grpc-status"], "14");
    assert_eq!(headers["grpc-message"], "too%20many:%20100%20%25%0A");
    assert_eq!(headers["retry-after"], "1");

    for (problem, code) in [
        (Problem::unauthorized("no"), Code::Unauthenticated),
        (Problem::forbidden("no"), Code::PermissionDenied),
        (Problem::not_found("no"), Code::Unimplemented),
        (Problem::payload_too_large("no"), Code::ResourceExhausted),
        (Problem::timeout("no"), Code::DeadlineExceeded),
        (Problem::unavailable("no"), Code::Unavailable),
        (Problem::of(StatusCode::IM_A_TEAPOT), Code::Unknown),
    ] {
        assert_eq!(of_problem(&problem).code(), code, "{problem:?}");
    }
    let status = of_problem(&Problem::internal("a secret"));
    assert!(!status.message().contains("secret"));
}
