//! What is left out of errors of statements with parameters.
//!
//! The engine's errors quote the values that they are about: a text that is no number, a time that is none. What was
//! given as a parameter is to be in no log, so that only the kind of such an error is kept and logged. Who handed the
//! statement in is told all of it.

use datafusion::error::DataFusionError;

use crate::error::Error;

/// What is kept and logged of an error.
pub(super) fn kept_text(error: &Error, has_parameters: bool) -> String {
    match error {
        // No value is in them.
        Error::TimedOut(_) | Error::Busy | Error::TooSlow | Error::Stopped(_) => error.to_string(),
        _ if has_parameters => format!(
            "{}; its text is not kept, as it may have values of the statement's parameters",
            error.kind()
        ),
        _ => error.to_string(),
    }
}

/// Leaves out of an error what clients are not told but logs are: of others the text goes to the client alone.
pub(super) fn without_values(error: Error) -> Error {
    match error {
        Error::Unavailable { what, source } => Error::Unavailable {
            what,
            source: Box::new(nameless(&source)),
        },
        Error::Engine { what, source } => Error::Engine {
            what,
            source: Box::new(nameless(&source)),
        },
        other => other,
    }
}

fn nameless(error: &DataFusionError) -> DataFusionError {
    let text = of_files(error).unwrap_or_else(|| {
        let kind = match error.find_root() {
            DataFusionError::ArrowError(..) => "an error of Arrow",
            DataFusionError::ParquetError(_) => "an error of Parquet",
            DataFusionError::Internal(_) => "an internal error",
            _ => "an error",
        };
        format!("{kind} that may have values of the statement's parameters")
    });
    DataFusionError::External(text.into())
}

/// What a store or the system says of a file: no value of a statement comes to them.
fn of_files(error: &DataFusionError) -> Option<String> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<datafusion::object_store::Error>()
            || error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.raw_os_error().is_some())
        {
            return Some(error.to_string());
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::error::ArrowError;
    use datafusion::parquet::errors::ParquetError;

    const SECRET: &str = "a-secret-value";

    #[test]
    fn an_error_that_may_have_a_value_is_told_by_its_kind() {
        let cast = || ArrowError::CastError(format!("Cannot cast string '{SECRET}'"));
        let parquet = ParquetError::ArrowError(cast().to_string());
        let what = || "run the query".to_owned();
        for (error, kind) in [
            (Error::InvalidQuery(SECRET.to_owned()), "invalid_query"),
            (
                Error::Unavailable {
                    what: what(),
                    source: Box::new(DataFusionError::ParquetError(Box::new(parquet))),
                },
                "unavailable",
            ),
            (
                Error::Engine {
                    what: what(),
                    source: Box::new(DataFusionError::Internal(SECRET.to_owned())),
                },
                "engine",
            ),
        ] {
            let logged = kept_text(&error, true);
            assert!(
                logged.starts_with(kind) && !logged.contains(SECRET),
                "{logged}"
            );
            assert!(kept_text(&error, false).contains(SECRET));
            let told = without_values(error);
            assert_eq!(told.kind(), kind);
            // Only of what clients are not told is anything left out.
            let left_out = !told.to_string().contains(SECRET);
            assert_eq!(left_out, kind != "invalid_query", "{told}");
        }
    }

    #[test]
    fn what_a_file_is_the_cause_of_is_told_whole() {
        let missing = std::io::Error::from_raw_os_error(2);
        let text = missing.to_string();
        let error = Error::Unavailable {
            what: "run the query".to_owned(),
            source: Box::new(DataFusionError::Context(
                "scan".to_owned(),
                Box::new(DataFusionError::IoError(missing)),
            )),
        };
        let told = without_values(error).to_string();
        assert!(told.contains(&text), "{told}");
    }
}
