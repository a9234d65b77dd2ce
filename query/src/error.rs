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
            E::ResourcesExhausted(reason) => Self::LimitExceeded(reason.clone()),
            E::IoError(_) | E::ObjectStore(_) | E::ParquetError(_) => Self::Unavailable {
                what: what.to_owned(),
                source: Box::new(error),
            },
            _ => Self::Engine {
                what: what.to_owned(),
                source: Box::new(error),
            },
        }
    }
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
