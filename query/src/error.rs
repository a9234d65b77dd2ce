//! What can go wrong in `query`, by what a caller can do about it.

/// Result of `query`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of `query`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be read, or is none.
    #[error(transparent)]
    Store(#[from] podtrail_ingest::Error),
    /// The user's SQL or parameter is wrong or not allowed.
    #[error("{0}")]
    InvalidQuery(String),
    /// A query needed more than it may have.
    #[error("the query needs more than it may use: {0}")]
    LimitExceeded(String),
    /// A query took longer than it may.
    #[error("the query took longer than {} s", .0.as_secs())]
    TimedOut(std::time::Duration),
    /// Too many statements run and wait.
    #[error("too many statements run at once; try again")]
    Busy,
    /// The rows of a statement were read slowly, and others waited for its turn.
    #[error(
        "the rows were read too slowly while other statements waited; read faster, or ask for fewer"
    )]
    TooSlow,
    /// A statement was stopped.
    #[error("{0}")]
    Stopped(String),
    /// Nothing is known by that name.
    #[error("{0}")]
    NotFound(String),
    /// A rules file is malformed.
    #[error("rules {file}: {reason}")]
    Rules {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A data file cannot be read now.
    #[error("{what}: {source}")]
    Unavailable {
        /// What was attempted.
        what: String,
        /// The failure.
        source: Box<datafusion::error::DataFusionError>,
    },
    /// The engine failed.
    #[error("{what}: {source}")]
    Engine {
        /// What was attempted.
        what: String,
        /// The failure.
        source: Box<datafusion::error::DataFusionError>,
    },
}

impl Error {
    /// Names the kind of the error in a word: for metrics, and for logs that may not have its text.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::InvalidQuery(_) => "invalid_query",
            Self::LimitExceeded(_) => "limit_exceeded",
            Self::TimedOut(_) => "timed_out",
            Self::Busy => "busy",
            Self::TooSlow => "too_slow",
            Self::Stopped(_) => "stopped",
            Self::NotFound(_) => "not_found",
            Self::Rules { .. } => "rules",
            Self::Unavailable { .. } => "unavailable",
            Self::Engine { .. } => "engine",
        }
    }
}

/// What the engine says where the disk space for spilled data is used up. It is an I/O error to it.
const SPILL_IS_FULL: &str = "during the spilling process has exceeded the allowable limit";

impl Error {
    /// Sorts an engine error by what a caller can do about it.
    pub(crate) fn from_engine(what: &str, error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as E;
        match error.find_root() {
            E::SQL(..)
            | E::Plan(_)
            | E::SchemaError(..)
            | E::NotImplemented(_)
            | E::Configuration(_)
            | E::Execution(_) => Self::InvalidQuery(error.strip_backtrace()),
            E::ArrowError(cause, _) if is_of_values(cause) => {
                Self::InvalidQuery(error.strip_backtrace())
            }
            root if root.to_string().contains(SPILL_IS_FULL) => {
                Self::LimitExceeded("disk space for what does not fit into memory".to_owned())
            }
            E::ResourcesExhausted(reason) => Self::LimitExceeded(reason.clone()),
            E::External(cause) if is_of_pattern(cause.as_ref()) => {
                Self::InvalidQuery(error.strip_backtrace())
            }
            root => match of_condition(root) {
                Some(reason) if reason.contains(REFUSED) => Self::LimitExceeded(reason),
                Some(reason) => Self::InvalidQuery(reason),
                None if is_of_files(root) => Self::Unavailable {
                    what: what.to_owned(),
                    source: Box::new(error),
                },
                None => Self::Engine {
                    what: what.to_owned(),
                    source: Box::new(error),
                },
            },
        }
    }
}

/// How the engine writes into a text that something would need too much.
const REFUSED: &str = "ResourcesExhausted(";

/// Tells whether a regular expression that is none, or a too large one, is the cause.
fn is_of_pattern(error: &(dyn std::error::Error + 'static)) -> bool {
    let text = error.to_string();
    // Several libraries read them, each with an error of its own.
    error.is::<regex::Error>()
        || text.starts_with("regex parse error")
        || text.starts_with("error parsing regex")
}

/// Tells what is wrong with the values that a condition works on, where it is worked out while files are read: to
/// the reader of files all errors are its own.
fn of_condition(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    use arrow::error::ArrowError as A;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(
            A::ComputeError(_)
            | A::CastError(_)
            | A::ParseError(_)
            | A::DivideByZero
            | A::ArithmeticOverflow(_),
        ) = error.downcast_ref()
        {
            return Some(error.to_string());
        }
        next = error.source();
    }
    None
}

/// Tells whether the values that a query works on are the cause: a text that is no number, a division by zero.
fn is_of_values(error: &arrow::error::ArrowError) -> bool {
    use arrow::error::ArrowError as A;
    matches!(
        error,
        A::CastError(_)
            | A::ParseError(_)
            | A::ComputeError(_)
            | A::DivideByZero
            | A::ArithmeticOverflow(_)
            | A::InvalidArgumentError(_)
            | A::NotYetImplemented(_)
    )
}

/// Tells whether a file that cannot be read is the cause, however deep it lies.
fn is_of_files(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<datafusion::object_store::Error>()
            || error.is::<datafusion::parquet::errors::ParquetError>()
            || error.is::<std::io::Error>()
            || matches!(
                error.downcast_ref::<arrow::error::ArrowError>(),
                Some(
                    arrow::error::ArrowError::IoError(..)
                        | arrow::error::ArrowError::ParquetError(_)
                )
            )
        {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::error::ArrowError;
    use datafusion::error::DataFusionError as E;
    use datafusion::parquet::errors::ParquetError;

    #[test]
    fn what_users_get_wrong_is_theirs_wherever_it_is_found() {
        let parquet = |cause: ArrowError| ParquetError::External(Box::new(cause));
        let condition = |text: &str| ArrowError::ComputeError(text.to_owned());
        // What is not closed.
        let pattern = ["(", "a"].concat();
        let regex = regex::Regex::new(&pattern).map(drop).unwrap_err();
        for error in [
            E::External(Box::new(regex.clone())),
            E::Context(
                "Invalid regex".to_owned(),
                Box::new(E::External(Box::new(regex))),
            ),
            E::ParquetError(Box::new(parquet(condition("no time")))),
            E::External(Box::new(parquet(ArrowError::ParseError("no".to_owned())))),
            E::ArrowError(
                Box::new(ArrowError::ExternalError(Box::new(parquet(
                    ArrowError::CastError("no".to_owned()),
                )))),
                None,
            ),
        ] {
            let text = error.to_string();
            assert!(
                matches!(Error::from_engine("read", error), Error::InvalidQuery(_)),
                "{text}"
            );
        }
        let refused = condition("Error evaluating filter predicate: ResourcesExhausted(\"much\")");
        let refused = E::ParquetError(Box::new(parquet(refused)));
        assert!(matches!(
            Error::from_engine("read", refused),
            Error::LimitExceeded(_)
        ));
    }

    #[test]
    fn what_cannot_be_read_is_unavailable_however_it_is_wrapped() {
        let io = || std::io::Error::other("gone");
        let parquet = || ParquetError::External(Box::new(io()));
        for error in [
            E::IoError(io()),
            E::ParquetError(Box::new(parquet())),
            E::External(Box::new(parquet())),
            E::Context("scan".to_owned(), Box::new(E::External(Box::new(io())))),
            E::ArrowError(Box::new(ArrowError::ParquetError("gone".to_owned())), None),
            E::ArrowError(
                Box::new(ArrowError::ExternalError(Box::new(parquet()))),
                None,
            ),
        ] {
            let text = error.to_string();
            assert!(
                matches!(Error::from_engine("read", error), Error::Unavailable { .. }),
                "{text}"
            );
        }
        let internal = E::Internal("a fault".to_owned());
        assert!(matches!(
            Error::from_engine("read", internal),
            Error::Engine { .. }
        ));
    }
}
