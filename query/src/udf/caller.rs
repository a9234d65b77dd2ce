//! `caller_id`: one short text for all that a record says of the credentials that a call was made with.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use podtrail_ingest::{Framed, hex};

/// Length of an id, in hexadecimal digits.
const ID_CHARS: usize = 32;

/// The function: a hash of its arguments, texts and times. Times are hashed as microseconds since the epoch.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallerId {
    signature: Signature,
}

impl CallerId {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::variadic_any(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for CallerId {
    fn name(&self) -> &'static str {
        "caller_id"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let columns = args
            .args
            .iter()
            .map(|arg| Column::of(&arg.to_array(args.number_rows)?))
            .collect::<DfResult<Vec<_>>>()?;
        let mut ids = StringBuilder::with_capacity(args.number_rows, ID_CHARS * args.number_rows);
        let mut hash = Framed::default();
        for row in 0..args.number_rows {
            hash.clear();
            for column in &columns {
                column.add(row, &mut hash);
            }
            ids.append_value(hex(&hash.digest()));
        }
        Ok(ColumnarValue::Array(Arc::new(ids.finish())))
    }
}

/// Values of one argument.
enum Column {
    Texts(ArrayRef),
    Times(ArrayRef),
}

impl Column {
    fn of(values: &ArrayRef) -> DfResult<Self> {
        Ok(match values.data_type() {
            DataType::Timestamp(_, zone) => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                Self::Times(cast(&cast(values, &micros)?, &DataType::Int64)?)
            }
            _ => Self::Texts(cast(values, &DataType::Utf8)?),
        })
    }

    fn add(&self, row: usize, hash: &mut Framed) {
        match self {
            Self::Texts(texts) => {
                let texts = texts.as_string::<i32>();
                hash.add(texts.is_valid(row).then(|| texts.value(row).as_bytes()));
            }
            Self::Times(times) => {
                let times = times.as_primitive::<Int64Type>();
                let time = times.is_valid(row).then(|| times.value(row).to_le_bytes());
                hash.add(time.as_ref().map(<[u8; 8]>::as_slice));
            }
        }
    }
}

#[cfg(test)]
mod tests;
