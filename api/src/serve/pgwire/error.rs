//! What went wrong, as SQLSTATE codes.
//!
//! The codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::io::ErrorKind;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};
use podtrail_query::Error;

pub(super) const SYNTAX_ERROR: &str = "42601";
pub(super) const UNDEFINED_TABLE: &str = "42P01";
pub(super) const UNDEFINED_COLUMN: &str = "42703";
pub(super) const UNDEFINED_FUNCTION: &str = "42883";
pub(super) const UNDEFINED_OBJECT: &str = "42704";
pub(super) const AMBIGUOUS_COLUMN: &str = "42702";
pub(super) const READ_ONLY: &str = "25006";
pub(super) const NO_TRANSACTION: &str = "25P01";
pub(super) const ABORTED_TRANSACTION: &str = "25P02";
pub(super) const NOT_SUPPORTED: &str = "0A000";
pub(super) const LIMIT_EXCEEDED: &str = "53400";
pub(super) const TOO_MANY: &str = "53300";
pub(super) const CANCELLED: &str = "57014";
pub(super) const SHUTDOWN: &str = "57P01";
pub(super) const CANNOT_CONNECT_NOW: &str = "57P03";
pub(super) const IDLE: &str = "57P05";
pub(super) const PROTOCOL_VIOLATION: &str = "08P01";
pub(super) const INVALID_VALUE: &str = "22023";
pub(super) const INVALID_TEXT: &str = "22P02";
pub(super) const OUT_OF_RANGE: &str = "22003";
pub(super) const DIVISION_BY_ZERO: &str = "22012";
pub(super) const INVALID_AUTHORIZATION: &str = "28000";
pub(super) const INVALID_PASSWORD: &str = "28P01";
pub(super) const NO_STATEMENT: &str = "26000";
pub(super) const NO_CURSOR: &str = "34000";
pub(super) const CURSOR_EXISTS: &str = "42P03";
pub(super) const TOO_COMPLEX: &str = "54001";
pub(super) const SYSTEM_ERROR: &str = "58000";
pub(super) const INTERNAL_ERROR: &str = "XX000";

/// What a client is told whose password can neither be accepted nor refused now.
pub(super) const UNCHECKED: &str = "the password cannot be checked at present: try again";

/// An error that ends the statement.
pub(super) fn error(code: &str, message: impl Into<String>) -> PgWireError {
    info("ERROR", code, message.into())
}

/// An error that ends the connection.
pub(super) fn fatal(code: &str, message: impl Into<String>) -> PgWireError {
    info("FATAL", code, message.into())
}

fn info(severity: &str, code: &str, message: String) -> PgWireError {
    let mut info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message);
    info.severity_nonlocalized = Some(severity.to_owned());
    PgWireError::UserError(Box::new(info))
}

/// Tells what the client did wrong where reading from it failed for that.
pub(super) fn of_reading(failure: PgWireError) -> PgWireError {
    match failure {
        PgWireError::IoError(failure) if failure.kind() == ErrorKind::InvalidData => {
            fatal(PROTOCOL_VIOLATION, failure.to_string())
        }
        other => other,
    }
}

/// The error for a statement that does more than read.
pub(super) fn only_reads(what: &str) -> PgWireError {
    error(
        READ_ONLY,
        format!("{what} is not allowed: podtrail's SQL only reads"),
    )
}

/// The error for SQL that cannot be read.
pub(super) fn of_parser(failure: ParserError) -> PgWireError {
    let (ParserError::TokenizerError(message) | ParserError::ParserError(message)) = failure else {
        return error(
            TOO_COMPLEX,
            "the statement nests too much: a query in FROM can go on from what another gives",
        );
    };
    error(SYNTAX_ERROR, message)
}

/// The error for a statement that failed.
pub(super) fn of_query(failure: &Error) -> PgWireError {
    let code = match failure {
        Error::InvalidQuery(message) => of_text(message),
        Error::LimitExceeded(_) => LIMIT_EXCEEDED,
        Error::TimedOut(_) | Error::Stopped(_) | Error::TooSlow => CANCELLED,
        Error::Busy => TOO_MANY,
        Error::NotFound(_) => UNDEFINED_OBJECT,
        Error::Engine { source, .. } => return of_engine(source),
        Error::Store(_) | Error::Unavailable { .. } => {
            tracing::error!(error = %failure, "a statement could not read the store");
            return error(SYSTEM_ERROR, "the store cannot be read");
        }
        _ => INTERNAL_ERROR,
    };
    error(code, failure.to_string())
}

/// The error for a statement that could not be planned or run.
pub(super) fn of_engine(failure: &DataFusionError) -> PgWireError {
    let root = failure.find_root();
    let code = match root {
        DataFusionError::SQL(..) => SYNTAX_ERROR,
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { .. } => UNDEFINED_COLUMN,
            SchemaError::AmbiguousReference { .. } => AMBIGUOUS_COLUMN,
            _ => SYNTAX_ERROR,
        },
        DataFusionError::Plan(message) => of_text(message),
        DataFusionError::NotImplemented(_) => NOT_SUPPORTED,
        DataFusionError::ResourcesExhausted(_) => LIMIT_EXCEEDED,
        DataFusionError::Execution(message)
            if message.starts_with("unrecognized configuration") =>
        {
            UNDEFINED_OBJECT
        }
        DataFusionError::Execution(_) => "22000",
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::DivideByZero => DIVISION_BY_ZERO,
            ArrowError::CastError(_) | ArrowError::ParseError(_) => INVALID_TEXT,
            ArrowError::ArithmeticOverflow(_) => OUT_OF_RANGE,
            _ => INTERNAL_ERROR,
        },
        _ => INTERNAL_ERROR,
    };
    error(code, root.strip_backtrace())
}

/// Sorts what the engine has but a text for.
fn of_text(message: &str) -> &'static str {
    if message.ends_with("podtrail's SQL only reads") {
        READ_ONLY
    } else if message.contains("table '") && message.contains("' not found") {
        UNDEFINED_TABLE
    } else if message.contains("No field named") {
        UNDEFINED_COLUMN
    } else if message.contains("Invalid function") {
        UNDEFINED_FUNCTION
    } else if message.contains("unrecognized configuration") {
        UNDEFINED_OBJECT
    } else if message.contains("Divide by zero") {
        DIVISION_BY_ZERO
    } else if message.contains("Cast error") || message.contains("Parser error") {
        INVALID_TEXT
    } else if message.contains("Arithmetic overflow") {
        OUT_OF_RANGE
    } else if message.contains("not implemented") {
        NOT_SUPPORTED
    } else {
        SYNTAX_ERROR
    }
}

#[cfg(test)]
mod tests;
