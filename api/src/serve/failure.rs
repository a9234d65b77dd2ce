//! Errors of the engine as clients see them: the one place that knows both.

use podtrail_query::Error;

use super::problem::Problem;

/// Seconds after which another try makes sense when too much runs at once.
const RETRY_AFTER: u32 = 1;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidQuery(_) => Self::bad_request(error.to_string()),
            Error::NotFound(_) => Self::not_found(error.to_string()),
            Error::LimitExceeded(_) => {
                Self::unprocessable(error.to_string()).kind("limit-exceeded", "limit exceeded")
            }
            Error::TimedOut(_) => Self::timeout(error.to_string()),
            Error::Busy => Self::too_busy(error.to_string(), RETRY_AFTER),
            Error::Stopped(_) | Error::TooSlow => Self::unavailable(error.to_string()),
            Error::Store(_) | Error::Unavailable { .. } => {
                Self::unavailable("the store cannot be read now").because(error)
            }
            other => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn every_error_has_its_status() {
        let text = || "why".to_owned();
        for (error, status) in [
            (Error::InvalidQuery(text()), StatusCode::BAD_REQUEST),
            (Error::NotFound(text()), StatusCode::NOT_FOUND),
            (
                Error::LimitExceeded(text()),
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            (
                Error::TimedOut(std::time::Duration::from_mins(1)),
                StatusCode::GATEWAY_TIMEOUT,
            ),
            (Error::Busy, StatusCode::SERVICE_UNAVAILABLE),
            (Error::Stopped(text()), StatusCode::SERVICE_UNAVAILABLE),
            (Error::TooSlow, StatusCode::SERVICE_UNAVAILABLE),
            (
                Error::Rules {
                    file: text(),
                    reason: text(),
                },
                StatusCode::INTERNAL_SERVER_ERROR,
            ),
        ] {
            assert_eq!(Problem::from(error).status(), status);
        }
    }
}
