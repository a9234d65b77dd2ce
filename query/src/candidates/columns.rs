//! Columns of the rows that the search reads, without a copy of each row's text.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

use super::names::Names;
use crate::error::{Error, Result};

/// Columns of one batch of a view, by name.
pub(super) struct Rows<'a> {
    pub(super) view: &'static str,
    pub(super) batch: &'a RecordBatch,
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    fn failed(&self, name: &str, error: ArrowError) -> Error {
        Error::from_engine(&format!("{}.{name}", self.view), error.into())
    }

    fn plain(&self, name: &str) -> Result<&ArrayRef> {
        let index = self.batch.schema_ref().index_of(name);
        let index = index.map_err(|error| self.failed(name, error))?;
        Ok(self.batch.column(index))
    }

    fn column(&self, name: &str, kind: &DataType) -> Result<ArrayRef> {
        cast(self.plain(name)?, kind).map_err(|error| self.failed(name, error))
    }

    /// A column of texts, in whatever way it holds them.
    pub(super) fn texts(&self, name: &str) -> Result<Texts> {
        let column = self.plain(name)?;
        Ok(match column.data_type() {
            DataType::Utf8View => Texts::View(column.as_string_view().clone()),
            DataType::Dictionary(_, _) => {
                let dictionary = column.as_any_dictionary();
                let failed = |error| self.failed(name, error);
                let keys = cast(dictionary.keys(), &DataType::UInt32).map_err(failed)?;
                let values = cast(dictionary.values(), &DataType::Utf8).map_err(failed)?;
                Texts::Words(
                    keys.as_primitive().clone(),
                    values.as_string::<i32>().clone(),
                )
            }
            _ => Texts::Plain(self.strings(name)?),
        })
    }

    /// A column of texts, one beside the other.
    pub(super) fn strings(&self, name: &str) -> Result<StringArray> {
        Ok(self.column(name, &DataType::Utf8)?.as_string().clone())
    }

    /// Numbers of a column's texts.
    pub(super) fn numbers(&self, name: &str, names: &mut Names) -> Result<Vec<Option<u32>>> {
        let texts = self.texts(name)?;
        let Texts::Words(keys, values) = &texts else {
            return Ok((0..self.len())
                .map(|row| texts.get(row).map(|text| names.number(text)))
                .collect());
        };
        // Each word is looked up once, and only where a row has it.
        let mut known: Vec<Option<u32>> = vec![None; values.len()];
        Ok((0..self.len())
            .map(|row| {
                let text = texts.get(row)?;
                let word = &mut known[keys.value(row) as usize];
                Some(*word.get_or_insert_with(|| names.number(text)))
            })
            .collect())
    }

    pub(super) fn flags(&self, name: &str) -> Result<impl Fn(usize) -> bool + use<>> {
        let flags: BooleanArray = self.column(name, &DataType::Boolean)?.as_boolean().clone();
        Ok(move |row: usize| flags.is_valid(row) && flags.value(row))
    }

    pub(super) fn ints(&self, name: &str) -> Result<Int64Array> {
        Ok(self.column(name, &DataType::Int64)?.as_primitive().clone())
    }

    /// A column of times, in microseconds since the epoch.
    pub(super) fn times(&self, name: &str) -> Result<impl Fn(usize) -> Option<i64> + use<>> {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let column = self.column(name, &kind)?;
        let times: TimestampMicrosecondArray = column.as_primitive().clone();
        Ok(move |row: usize| times.is_valid(row).then(|| times.value(row)))
    }
}

/// A column of texts.
pub(super) enum Texts {
    Plain(StringArray),
    View(StringViewArray),
    /// Rows name their words.
    Words(UInt32Array, StringArray),
}

impl Texts {
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Plain(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::View(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Words(keys, words) => {
                let word = keys.is_valid(row).then(|| keys.value(row) as usize)?;
                words.is_valid(word).then(|| words.value(word))
            }
        }
    }
}
