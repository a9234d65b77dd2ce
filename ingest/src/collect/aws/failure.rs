//! What a failed call means and what to do about it.

use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};

use crate::collect::output::{causes, line};
use crate::collect::permissions::Call;
use crate::collect::{Reason, Warning};

/// Error codes of a missing permission: EKS, IAM and STS, EC2.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
];

/// Error codes of credentials that are not accepted at all.
const CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Error codes of an object that is not there.
const GONE: &[&str] = &["NoSuchEntity", "ResourceNotFoundException"];

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    reason: Reason,
    gone: bool,
    detail: String,
}

/// What an error of the SDK means.
pub(super) fn of<E>(error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(service) = error {
        let meta = service.err().meta();
        let code = meta.code().unwrap_or("no error code");
        let status = service.raw().status().as_u16();
        return answered(code, meta.message(), status);
    }
    let text = causes(error);
    let reason = match error {
        SdkError::ResponseError(_) => Reason::Malformed,
        // The provider's failure is wrapped in a dispatch failure and told by its text only.
        _ if text.contains("redentials") => Reason::Credentials,
        _ => Reason::Unavailable,
    };
    Failure {
        reason,
        gone: false,
        detail: text,
    }
}

/// What an error that the service answered means.
pub(super) fn answered(code: &str, message: Option<&str>, status: u16) -> Failure {
    let reason = if DENIED.contains(&code) {
        Reason::Denied
    } else if CREDENTIALS.contains(&code) {
        Reason::Credentials
    } else if status == 403 {
        Reason::Denied
    } else {
        Reason::Unavailable
    };
    Failure {
        reason,
        gone: GONE.contains(&code),
        detail: match message.map(line) {
            Some(message) if !message.is_empty() => format!("{code}: {message}"),
            _ => format!("{code}, status {status}"),
        },
    }
}

impl Failure {
    pub(super) const fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn warning(&self, call: Call, object: &str, place: &str) -> Warning {
        let advice = match self.reason {
            Reason::Denied => format!(
                "allow {} on {} (podtrail doctor --permissions prints the policy)",
                call.action,
                call.on.arn(object)
            ),
            Reason::Credentials => {
                "renew the credentials; for a role, check its trust policy, and allow sts:AssumeRole \
                 on it"
                    .to_owned()
            }
            Reason::Unavailable | Reason::Malformed => String::new(),
        };
        let place = match object {
            "" => place.to_owned(),
            object => format!("{object}, {place}"),
        };
        Warning {
            call: call.action.to_owned(),
            place,
            reason: self.reason,
            detail: self.detail.clone(),
            advice,
        }
    }
}

#[cfg(test)]
mod tests;
