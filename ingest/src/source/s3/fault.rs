//! What a failed request means: try again, fetch credentials, or give up and say what to do.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::aws::causes;

/// Most characters of a cause that are passed on.
const CAUSE_CHARS: usize = 600;

/// Header in which S3 names the region of a bucket, in refusals too.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Codes of S3 and of the front end before it that ask to come again later.
const TRANSIENT: [&str; 12] = [
    "InternalError",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
];

/// Codes that newer credentials heal.
const EXPIRED: [&str; 5] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "TokenRefreshRequired",
];

/// Codes that say that the bucket is elsewhere.
const ELSEWHERE: [&str; 4] = [
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "TemporaryRedirect",
];

/// What the caller can do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The same request may succeed later.
    Transient,
    /// The same request may succeed with newer credentials.
    Expired,
    /// The object is not what was listed.
    Changed,
    /// The object, or the bucket, is not there.
    Gone,
    /// The identity may not.
    Denied,
    /// Anything else: trying again is of no use.
    Fatal,
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) cause: String,
    /// HTTP status of the answer, where there was one.
    pub(super) status: Option<u16>,
    /// The bucket's region, where the answer tells.
    pub(super) region: Option<String>,
}

/// What was asked for, and what a refusal is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// The IAM action that the request needs.
    pub(super) action: &'static str,
    /// Whether the request accepts to pay.
    pub(super) requester_pays: bool,
    /// Whether a role was assumed.
    pub(super) assumed_role: bool,
}

impl Fault {
    pub(super) fn new(kind: Kind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            cause: bounded(cause.into()),
            status: None,
            region: None,
        }
    }

    /// Reads the error of a request.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>, asked: Asked) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut fault = match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                Self::answered(status, service.err().code(), service.err().message(), asked)
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                Self::new(
                    Kind::Transient,
                    format!("unreadable answer (HTTP {status}): {}", causes(error)),
                )
            }
            SdkError::TimeoutError(_) => {
                Self::new(Kind::Transient, format!("timed out: {}", causes(error)))
            }
            _ => Self::unsent(error, asked),
        };
        let answer = error.raw_response();
        fault.status = answer.map(|answer| answer.status().as_u16());
        fault.region = answer
            .and_then(|answer| answer.headers().get(REGION_HEADER))
            .map(str::to_owned);
        if fault.kind == Kind::Fatal
            && let Some(region) = &fault.region
            && (error.code().is_some_and(|code| ELSEWHERE.contains(&code))
                || matches!(fault.status, Some(301 | 307)))
        {
            fault.cause = format!("the bucket is in region {region}: give that region, or none");
        }
        fault
    }

    /// What an answer means.
    fn answered(status: u16, code: Option<&str>, message: Option<&str>, asked: Asked) -> Self {
        let code = code.unwrap_or_default();
        let said = match (code, message) {
            ("", None | Some("")) => format!("HTTP {status}"),
            (code, None | Some("")) => format!("{code} (HTTP {status})"),
            ("", Some(message)) => format!("HTTP {status}: {message}"),
            (code, Some(message)) => format!("{code} (HTTP {status}): {message}"),
        };
        if EXPIRED.contains(&code) {
            let hint = "the credentials are not valid any more: renew them";
            return Self::new(Kind::Expired, format!("{said}; {hint}"));
        }
        let transient = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
        if transient || TRANSIENT.contains(&code) {
            return Self::new(Kind::Transient, said);
        }
        if code == "InvalidObjectState" {
            let hint =
                "the object is archived: restore it, or keep the trail out of Glacier classes";
            return Self::new(Kind::Fatal, format!("{said}; {hint}"));
        }
        match status {
            304 | 412 | 416 => {
                let hint = "the object changed since it was listed: the next run lists it anew";
                Self::new(Kind::Changed, format!("{said}; {hint}"))
            }
            404 => Self::new(Kind::Gone, said),
            401 | 403 => Self::new(Kind::Denied, format!("{said}; {}", needed(&said, asked))),
            _ if mentions_kms(&said) => {
                Self::new(Kind::Denied, format!("{said}; {}", needed(&said, asked)))
            }
            _ => Self::new(Kind::Fatal, said),
        }
    }

    /// What a request that got no answer means.
    fn unsent<E>(error: &SdkError<E, HttpResponse>, asked: Asked) -> Self
    where
        E: std::error::Error + 'static,
    {
        let text = causes(error);
        match credentials_error(error) {
            Some(CredentialsError::ProviderTimedOut(_)) => Self::new(Kind::Transient, text),
            Some(CredentialsError::ProviderError(_)) if !refused(&text) => {
                Self::new(Kind::Transient, format!("no credentials: {text}"))
            }
            Some(CredentialsError::CredentialsNotLoaded(_)) => Self::new(
                Kind::Fatal,
                format!(
                    "no credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run where a role is attached ({text})"
                ),
            ),
            Some(_) if asked.assumed_role => Self::new(
                Kind::Denied,
                format!(
                    "no credentials: {text}; the role's trust policy must allow sts:AssumeRole to this identity (with the external id it asks for)"
                ),
            ),
            Some(_) => Self::new(Kind::Fatal, format!("no credentials: {text}")),
            None => match error {
                SdkError::DispatchFailure(failure) if !failure.is_user() => {
                    Self::new(Kind::Transient, format!("no answer: {text}"))
                }
                _ => Self::new(Kind::Fatal, text),
            },
        }
    }

    /// The same, after so many attempts.
    pub(super) fn after(mut self, attempts: u32) -> Self {
        if attempts > 1 {
            self.cause = format!(
                "gave up after {attempts} attempts, the last: {}",
                self.cause
            );
        }
        self
    }

    /// As an error of reading an object.
    pub(super) fn into_io(self, key: &str) -> std::io::Error {
        use std::io::ErrorKind;
        let kind = match self.kind {
            Kind::Gone => ErrorKind::NotFound,
            Kind::Denied | Kind::Expired => ErrorKind::PermissionDenied,
            Kind::Transient => ErrorKind::TimedOut,
            Kind::Changed | Kind::Fatal => ErrorKind::Other,
        };
        std::io::Error::new(kind, format!("cannot read {key}: {}", self.cause))
    }
}

/// Which permission is missing.
fn needed(said: &str, asked: Asked) -> String {
    if mentions_kms(said) {
        return "the identity needs kms:Decrypt on the key that encrypts the object, in its own policy and in the key's".to_owned();
    }
    let mut text = format!(
        "the identity needs {} here, and the policy of a bucket of another account must allow it too",
        asked.action
    );
    if !asked.requester_pays {
        text.push_str("; if the requester pays for this bucket, say so");
    }
    text
}

/// True where the service that gives credentials refused, rather than failed.
fn refused(text: &str) -> bool {
    [
        "AccessDenied",
        "not authorized",
        "Forbidden",
        "Unauthorized",
    ]
    .iter()
    .any(|word| text.contains(word))
}

fn mentions_kms(said: &str) -> bool {
    said.contains("kms:") || said.starts_with("KMS.") || said.contains("KMS key")
}

fn credentials_error<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a CredentialsError> {
    let mut next: Option<&'a (dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<CredentialsError>() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

fn bounded(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(CAUSE_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
