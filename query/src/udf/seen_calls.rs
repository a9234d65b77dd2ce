//! `seen_calls`: calls put together, as JSON from which `fallback_fix` makes a policy.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

use crate::fallback::{Alike, SeenCalls};
use crate::policy;

/// Number of the function's arguments.
const ARGUMENTS: usize = 7;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SeenCallsFunction {
    signature: Signature,
}

impl SeenCallsFunction {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::any(ARGUMENTS, Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for SeenCallsFunction {
    fn name(&self) -> &'static str {
        "seen_calls"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        Ok(Box::new(Gathering::default()))
    }
}

/// What one group's calls come to. Its state is what it gives: parts are put together as their calls would be.
#[derive(Debug, Default)]
struct Gathering(SeenCalls);

impl Gathering {
    fn json(&self) -> DfResult<ScalarValue> {
        self.0.to_json().map(ScalarValue::Utf8).map_err(failed)
    }
}

impl Accumulator for Gathering {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let columns = values.iter().map(texts).collect::<DfResult<Vec<_>>>()?;
        let columns: Vec<&StringArray> = columns.iter().map(AsArray::as_string).collect();
        let &[
            sources,
            names,
            error_codes,
            categories,
            regions,
            accounts,
            resources,
        ] = columns.as_slice()
        else {
            let text = format!("seen_calls takes {ARGUMENTS} arguments");
            return Err(DataFusionError::Internal(text));
        };
        for row in 0..sources.len() {
            let (Some(event_source), Some(event_name)) = (text(sources, row), text(names, row))
            else {
                continue;
            };
            let owned = |column| text(column, row).map(str::to_owned);
            let alike = Alike {
                event_source: event_source.to_owned(),
                event_name: event_name.to_owned(),
                denied: text(error_codes, row).is_some_and(policy::is_denied),
                management_event: match text(categories, row) {
                    Some("Management") => Some(true),
                    Some("Data") => Some(false),
                    _ => None,
                },
                region: owned(regions).unwrap_or_default(),
                account_id: owned(accounts).unwrap_or_default(),
            };
            self.0.add(alike, BTreeSet::from([owned(resources)]));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.json()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.bytes()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.json()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        for state in states {
            for json in texts(state)?.as_string::<i32>().iter().flatten() {
                self.0.add_list(json).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn texts(column: &ArrayRef) -> DfResult<ArrayRef> {
    Ok(cast(column, &DataType::Utf8)?)
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn failed(error: serde_json::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
