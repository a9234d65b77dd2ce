//! Functions that make much of little, such as `repeat`, or take long for it, such as `levenshtein`, within bounds.
//!
//! A value is made in one go, before memory limits see it and often while a statement is still planned. So the size
//! is told from the arguments, and too large a result is refused before it is made. What takes long is done a few rows
//! at a time, and ends with its statement. Views are made of the functions as they were: they have no bounds, and cost
//! nothing more.

mod costs;
mod operators;
mod work;

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use crate::widths::widths;
use costs::{Costs, Effort, Growth};
use operators::Operators;
pub(crate) use work::Work;

/// Bytes that one call may make, for all rows of its batch.
const MOST_BYTES: usize = 64 << 20;

/// Bytes that it may make for each row of a batch that has more rows than usual: one of what is held in memory.
const MOST_ROW_BYTES: usize = 8 << 10;

/// Bytes of a value that is the same for all rows: it is made once, and copied for each row of a batch.
const MOST_CONSTANT_BYTES: usize = 256 << 10;

/// How much more that is for lists that the statement itself has.
const LISTED: usize = 4;

/// Bytes that a call makes at once, where one row is not more.
const PORTION_BYTES: u64 = 16 << 20;

/// Steps that a call may take for one row: fractions of a second, or seconds of the worst patterns.
const MOST_STEPS: u64 = 1 << 28;

/// Steps after which a call looks whether its statement goes on.
const PORTION_STEPS: u64 = 1 << 26;

/// Puts bounds around the functions and operators that need them.
///
/// # Errors
/// Where the session cannot have them.
pub(crate) fn register(context: &SessionContext) -> DfResult<()> {
    let functions = context.state().scalar_functions().clone();
    for name in costs::names() {
        if let (Some(inner), Some((growth, effort))) = (functions.get(name), costs::rule(name)) {
            context.register_udf(ScalarUDF::from(Bounded {
                inner: Arc::clone(inner),
                growth,
                effort,
            }));
        }
    }
    let inner = Given(Signature::any(1, Volatility::Immutable));
    let given = Arc::new(ScalarUDF::from(Bounded {
        inner: Arc::new(ScalarUDF::from(inner)),
        growth: Growth::Sums,
        effort: Effort::Sum,
    }));
    let operators = Operators::of(context.state().scalar_functions(), given);
    match operators {
        Some(operators) => context
            .state_ref()
            .write()
            .register_function_rewrite(Arc::new(operators)),
        None => Ok(()),
    }
}

/// A function that refuses to make too much, or to take too long.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    effort: Effort,
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

    fn schema_name(&self, arguments: &[Expr]) -> DfResult<String> {
        self.inner.schema_name(arguments)
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

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn simplify(
        &self,
        arguments: Vec<Expr>,
        context: &SimplifyContext,
    ) -> DfResult<ExprSimplifyResult> {
        // A small pattern needs no bound, and is looked for faster by an operator. What others become has none.
        let is_small = self.effort == Effort::Match
            && self.growth == Growth::None
            && arguments.get(1).is_some_and(operators::is_known_small);
        if is_small {
            return self.inner.simplify(arguments, context);
        }
        Ok(ExprSimplifyResult::Original(arguments))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let options = Arc::clone(&arguments.config_options);
        let work = Work::behind(&options);
        work.map_or(Ok(()), Work::go_on)?;
        if let Some(pattern) = arguments.args.get(1).filter(|_| self.effort.has_pattern()) {
            operators::check_patterns(pattern)?;
        }
        let costs = Costs::of(self.growth, self.effort, &arguments.args)?;
        let scalars = arguments
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        if scalars {
            let most = self.most_of_constant(arguments.return_field.data_type(), work);
            self.portions(&costs, 1, most)?;
            let made = self.inner.invoke_with_args(arguments)?;
            self.check(bytes(&made)?, most)?;
            return Ok(made);
        }
        let rows = arguments.number_rows;
        let most = work.map_or(MOST_BYTES, Work::call_bytes);
        let most = most.max(rows.saturating_mul(MOST_ROW_BYTES));
        let portions = self.portions(&costs, rows, most)?;
        let mut parts = Vec::with_capacity(portions.len());
        let mut sum = 0;
        for portion in &portions {
            work.map_or(Ok(()), Work::go_on)?;
            let made = if portion.len() == rows {
                self.inner.invoke_with_args(arguments.clone())?
            } else {
                self.inner.invoke_with_args(part(&arguments, portion))?
            };
            if self.growth != Growth::None {
                sum += bytes(&made)?;
                self.check(sum, most)?;
            }
            if portion.len() == rows {
                return Ok(made);
            }
            parts.push(made.into_array(portion.len())?);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }
}

impl Bounded {
    /// Cuts the rows of a call into portions that make little and take little time. Fails for a row that alone is too
    /// much.
    fn portions(&self, costs: &Costs, rows: usize, most: usize) -> DfResult<Vec<Range<usize>>> {
        let mut portions = Vec::new();
        let (mut start, mut made, mut taken) = (0, 0_u64, 0_u64);
        for row in 0..rows {
            let (bytes, steps) = (costs.bytes(row), costs.steps(row));
            if bytes > most as u64 {
                return Err(self.makes_too_much(most));
            }
            if steps > MOST_STEPS {
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "{} would take too long for what is so large",
                    self.name()
                )));
            }
            if row > start && (made + bytes > PORTION_BYTES || taken + steps > PORTION_STEPS) {
                portions.push(start..row);
                (start, made, taken) = (row, 0, 0);
            }
            (made, taken) = (made + bytes, taken + steps);
        }
        portions.push(start..rows);
        Ok(portions)
    }

    /// Bytes of a value that is the same for all rows.
    fn most_of_constant(&self, kind: &DataType, work: Option<&Work>) -> usize {
        let most = work.map_or(MOST_CONSTANT_BYTES, Work::constant_bytes);
        // A list of numbers that stands in the statement has a few times the bytes of its text.
        let is_written = self.growth == Growth::Sums && matches!(kind, DataType::List(_));
        if is_written { LISTED * most } else { most }
    }

    fn check(&self, bytes: usize, most: usize) -> DfResult<()> {
        if bytes > most {
            return Err(self.makes_too_much(most));
        }
        Ok(())
    }

    fn makes_too_much(&self, most: usize) -> DataFusionError {
        DataFusionError::ResourcesExhausted(format!(
            "{} would make more than {} KiB at once",
            self.name(),
            most >> 10
        ))
    }
}

/// Gives the call for some of the rows.
fn part(arguments: &ScalarFunctionArgs, rows: &Range<usize>) -> ScalarFunctionArgs {
    let values = arguments.args.iter().map(|value| match value {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(rows.start, rows.len())),
        ColumnarValue::Scalar(scalar) => ColumnarValue::Scalar(scalar.clone()),
    });
    ScalarFunctionArgs {
        args: values.collect(),
        arg_fields: arguments.arg_fields.clone(),
        number_rows: rows.len(),
        return_field: Arc::clone(&arguments.return_field),
        config_options: Arc::clone(&arguments.config_options),
    }
}

/// Bytes of the values that were made.
fn bytes(made: &ColumnarValue) -> DfResult<usize> {
    let array = match made {
        ColumnarValue::Array(array) => ArrayRef::clone(array),
        ColumnarValue::Scalar(scalar) => scalar.to_array()?,
    };
    Ok(widths(array.as_ref()).into_iter().sum())
}

/// Gives what it gets.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Given(Signature);

impl ScalarUDFImpl for Given {
    fn name(&self) -> &'static str {
        "within_bounds"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Null))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let mut values = arguments.args;
        values
            .pop()
            .ok_or_else(|| DataFusionError::Internal("a value that was not given".to_owned()))
    }
}

#[cfg(test)]
mod tests;
