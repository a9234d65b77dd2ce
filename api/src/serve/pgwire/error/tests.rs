use std::time::Duration;

use datafusion::error::DataFusionError;

use super::*;

fn code(failure: PgWireError) -> String {
    ErrorInfo::from(failure).code
}

#[test]
fn a_failure_of_a_statement_has_the_code_of_its_kind() {
    let cases = [
        (Error::InvalidQuery("sql parser error".to_owned()), "42601"),
        (
            Error::InvalidQuery("table 'podtrail.public.nothing' not found".to_owned()),
            "42P01",
        ),
        (Error::InvalidQuery("No field named x".to_owned()), "42703"),
        (
            Error::InvalidQuery("COPY is not allowed: podtrail's SQL only reads".to_owned()),
            "25006",
        ),
        (Error::LimitExceeded("rows".to_owned()), "53400"),
        (Error::TimedOut(Duration::from_secs(1)), "57014"),
        (Error::Stopped("stopped".to_owned()), "57014"),
        (Error::TooSlow, "57014"),
        (Error::Busy, "53300"),
    ];
    for (failure, expected) in cases {
        let shown = failure.to_string();
        assert_eq!(code(of_query(&failure)), expected, "{shown}");
    }
}

#[test]
fn a_failure_of_the_engine_has_the_code_of_its_root() {
    let cases = [
        (DataFusionError::NotImplemented("it".to_owned()), "0A000"),
        (
            DataFusionError::ResourcesExhausted("it".to_owned()),
            "53400",
        ),
        (
            DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None),
            "22012",
        ),
        (DataFusionError::Internal("it".to_owned()), "XX000"),
    ];
    for (failure, expected) in cases {
        let failure = failure.context("while it ran");
        let shown = failure.to_string();
        assert_eq!(code(of_engine(&failure)), expected, "{shown}");
    }
}

#[test]
fn a_store_that_fails_is_not_described_to_clients() {
    let failure = podtrail_ingest::Error::NoTable {
        location: "s3://secret-bucket".to_owned(),
        table: "events",
    };
    let info = ErrorInfo::from(of_query(&Error::Store(failure)));
    assert_eq!(info.code, "58000");
    assert!(!info.message.contains("secret"), "{}", info.message);
}
