//! Why a service of AWS refused, in words that say what to do.

use std::error::Error as StdError;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::aws::causes;

/// Codes that mean "slower, please". `LookupEvents` sends its own with HTTP status 400.
const THROTTLING: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

/// Codes of credentials that are expired, unknown or damaged.
const CREDENTIALS: [&str; 8] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "RequestExpired",
];

/// True where the service asks for fewer requests.
pub(super) fn is_throttling<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    status == Some(429) || error.code().is_some_and(|code| THROTTLING.contains(&code))
}

/// True where the same request may succeed a little later: throttling, a lost connection, an answer
/// that broke off, a fault of the service.
pub(super) fn is_passing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // The client names a kind for what it would try again itself: a connection that ended early.
        SdkError::DispatchFailure(failure) => {
            failure.is_io() || failure.is_timeout() || failure.as_other().is_some()
        }
        SdkError::ServiceError(service) => {
            is_throttling(error) || service.raw().status().is_server_error()
        }
        _ => false,
    }
}

/// True where the caller lacks the permission.
fn is_denied<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code().is_some_and(|code| {
        code.contains("AccessDenied")
            || code.contains("NotAuthorized")
            || code == "UnauthorizedOperation"
    })
}

/// Says why a request failed. `action` is the IAM action it needs.
pub(super) fn explain<E>(error: &SdkError<E, HttpResponse>, action: &str) -> String
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let Some(code) = error.code() else {
        return causes(error);
    };
    let said = match error.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    };
    if code.to_ascii_lowercase().starts_with("kms") && is_denied(error) {
        return format!("{said}; allow kms:Decrypt on the key it is encrypted with");
    }
    if is_denied(error) {
        return format!("{said}; allow the IAM action {action}");
    }
    if CREDENTIALS.contains(&code) {
        return format!("{said}; renew the credentials");
    }
    said
}
