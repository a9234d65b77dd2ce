//! Functions that make much of little, such as `repeat`, within a bound.
//!
//! A value is made in one go, before memory limits see it and often while a statement is still planned. So the size
//! is told from the arguments, and too large a result is refused before it is made.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// Bytes that one call may make, for all rows of its batch.
const MOST_BYTES: i128 = 64 << 20;

/// Bytes of a value that is the same for all rows: it is made once, and copied for each row of a batch.
const MOST_CONSTANT_BYTES: i128 = 256 << 10;

/// Bytes of a number in a list.
const NUMBER_BYTES: i128 = 8;

/// How the size of a result follows from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// The first argument, as often as the second says.
    Repeats,
    /// As many characters or elements as the second argument says.
    Fills,
    /// The numbers from the first argument to the second, by steps of the third.
    Counts,
}

const GROWING: [(&str, Growth); 7] = [
    ("repeat", Growth::Repeats),
    ("array_repeat", Growth::Repeats),
    ("lpad", Growth::Fills),
    ("rpad", Growth::Fills),
    ("array_resize", Growth::Fills),
    ("range", Growth::Counts),
    ("generate_series", Growth::Counts),
];

/// Puts the bound around the functions that need one.
pub(crate) fn register(context: &SessionContext) {
    let functions = context.state().scalar_functions().clone();
    for (name, growth) in GROWING {
        if let Some(inner) = functions.get(name) {
            context.register_udf(ScalarUDF::from(Bounded {
                inner: Arc::clone(inner),
                growth,
            }));
        }
    }
}

/// A function that refuses to make too much.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}
impl Eq for Bounded {}
impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> DfResult<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> DfResult<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let scalars = arguments
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if scalars { 1 } else { arguments.number_rows };
        let values = arguments
            .args
            .iter()
            .map(|value| value.to_array(rows))
            .collect::<DfResult<Vec<ArrayRef>>>()?;
        let most = if scalars {
            MOST_CONSTANT_BYTES
        } else {
            MOST_BYTES
        };
        if size(self.growth, &values, rows) > most {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} would make more than {} KiB at once",
                self.name(),
                most >> 10
            )));
        }
        self.inner.invoke_with_args(arguments)
    }
}

/// Bytes that a call will make.
fn size(growth: Growth, values: &[ArrayRef], rows: usize) -> i128 {
    let number = |place: usize| {
        let array = cast(values.get(place)?, &DataType::Int64).ok()?;
        Some(array.as_primitive::<Int64Type>().clone())
    };
    let (Some(first), Some(second)) = (values.first(), number(1).or_else(|| number(0))) else {
        // Times and the like: their counts are bounded by what times there are.
        return 0;
    };
    let at = |array: &arrow::array::Int64Array, row: usize, default: i64| {
        i128::from(if array.is_valid(row) {
            array.value(row)
        } else {
            default
        })
    };
    match growth {
        Growth::Repeats => {
            let bytes = first.get_array_memory_size() / rows.max(1);
            let bytes = i128::try_from(bytes).unwrap_or(i128::MAX);
            (0..rows)
                .map(|row| at(&second, row, 0).max(0).saturating_mul(bytes.max(1)))
                .sum()
        }
        Growth::Fills => (0..rows).map(|row| at(&second, row, 0).max(0)).sum(),
        Growth::Counts => {
            let (start, step) = (number(0), number(2));
            (0..rows)
                .map(|row| {
                    let from = match (&start, values.len()) {
                        (Some(start), 2..) => at(start, row, 0),
                        _ => 0,
                    };
                    let step = step.as_ref().map_or(1, |step| at(step, row, 1));
                    let span = (at(&second, row, 0) - from).abs();
                    (span / step.abs().max(1)).saturating_mul(NUMBER_BYTES)
                })
                .sum()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::RecordBatch;

    async fn run(sql: &str) -> DfResult<Vec<RecordBatch>> {
        let context = SessionContext::new();
        register(&context);
        context.sql(sql).await?.collect().await
    }

    #[tokio::test]
    async fn what_would_make_too_much_is_refused_before_it_is_made() {
        for sql in [
            "SELECT repeat('x', 2000000000)",
            "SELECT length(repeat('abcdefgh', 100000000))",
            "SELECT lpad('x', 2000000000, 'y')",
            "SELECT rpad('x', 2000000000)",
            "SELECT array_repeat(1, 1000000000)",
            "SELECT list_repeat(1, 1000000000)",
            "SELECT array_resize(make_array(1), 1000000000, 0)",
            "SELECT range(1000000000)",
            "SELECT range(0, 1000000000)",
            "SELECT generate_series(1, 9000000000000000000)",
            "SELECT range(0, -1000000000, -2)",
            "SELECT repeat('x', v * 1000000) FROM (VALUES (1), (100)) AS t(v)",
        ] {
            let error = run(sql).await.unwrap_err();
            assert!(
                matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
                "{sql}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_small_is_made_as_before() {
        for (sql, shown) in [
            ("SELECT repeat('ab', 3) AS v", "ababab"),
            ("SELECT lpad('x', 3, 'y') AS v", "yyx"),
            ("SELECT range(3) AS v", "[0, 1, 2]"),
            ("SELECT range(5, 0, -2) AS v", "[5, 3, 1]"),
            ("SELECT generate_series(1, 3) AS v", "[1, 2, 3]"),
            ("SELECT array_repeat('a', 2) AS v", "[a, a]"),
            ("SELECT repeat('x', NULL) AS v", ""),
            (
                "SELECT range(DATE '2026-05-01', DATE '2026-05-03', INTERVAL '1' DAY) AS v",
                "[2026-05-01, 2026-05-02]",
            ),
        ] {
            let rows = run(sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
            let value = arrow::util::display::array_value_to_string(rows[0].column(0), 0).unwrap();
            assert_eq!(value, shown, "{sql}");
        }
    }
}
