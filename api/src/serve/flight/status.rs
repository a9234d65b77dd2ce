//! Errors as gRPC has them: a code and a text. What clients should not read goes into the log.

use arrow_flight::error::FlightError;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use podtrail_query::Error;
use tonic::{Code, Status};

use crate::serve::problem::Problem;

/// Text of errors whose cause is told to the log only.
const INTERNAL: &str = "internal error; the server's log tells why";

/// Gives the status of an error of the engine: the one place that knows both.
pub(super) fn refused(error: &Error) -> Status {
    let code = match error {
        Error::InvalidQuery(_) => Code::InvalidArgument,
        Error::NotFound(_) => Code::NotFound,
        Error::LimitExceeded(_) => Code::ResourceExhausted,
        Error::TimedOut(_) => Code::DeadlineExceeded,
        Error::Busy => Code::Unavailable,
        Error::Stopped(_) | Error::TooSlow => Code::Cancelled,
        Error::Store(_) | Error::Unavailable { .. } => {
            tracing::warn!(%error, "the store cannot be read");
            return Status::unavailable("the store cannot be read now");
        }
        _ => return internal(error),
    };
    Status::new(code, error.to_string())
}

/// Gives the status of a failure that is the server's own.
pub(super) fn internal(error: &dyn std::error::Error) -> Status {
    tracing::error!(%error, "a call of Arrow Flight failed");
    Status::internal(INTERNAL)
}

/// Gives the status of what ends a stream of rows.
pub(super) fn cut_off(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        error => internal(&error),
    }
}

/// Gives the status of a request that the shell or the gate has refused.
fn of_problem(problem: &Problem) -> Status {
    let code = match problem.status() {
        StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::InvalidArgument,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => Code::PermissionDenied,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
        StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::URI_TOO_LONG
        | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        StatusCode::INTERNAL_SERVER_ERROR => Code::Internal,
        _ => Code::Unknown,
    };
    Status::new(code, problem.shown())
}

/// Makes the response say a problem in gRPC: in its headers, as nothing else follows. Its other headers stay.
pub(in crate::serve) fn written(problem: &Problem, response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::OK;
    for name in [CONTENT_LENGTH, CONTENT_ENCODING] {
        parts.headers.remove(name);
    }
    let kind = HeaderValue::from_static("application/grpc");
    parts.headers.insert(CONTENT_TYPE, kind);
    let never = HeaderValue::from_static("no-store");
    parts.headers.insert(CACHE_CONTROL, never);
    if of_problem(problem).add_header(&mut parts.headers).is_err() {
        // A text that fits into no header: the code alone does.
        parts
            .headers
            .insert("grpc-status", HeaderValue::from(Code::Internal as i32));
    }
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests;
