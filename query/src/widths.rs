//! How many bytes the values of columns have, row by row.

use arrow::array::{Array, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::datatypes::DataType;

/// Gives the bytes of each value of a column; of rare kinds the average.
pub(crate) fn widths(array: &dyn Array) -> Vec<usize> {
    match array.data_type() {
        DataType::Utf8 => spans(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => spans(array.as_string::<i64>().value_offsets()),
        DataType::Binary => spans(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => spans(array.as_binary::<i64>().value_offsets()),
        DataType::Utf8View => {
            let lengths = array.as_string_view().lengths();
            lengths.map(|length| length as usize).collect()
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            sums(list.values().as_ref(), list.value_offsets())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            sums(list.values().as_ref(), list.value_offsets())
        }
        DataType::Dictionary(..) if array.null_count() < array.len() => {
            let dictionary = array.as_any_dictionary();
            let values = widths(dictionary.values().as_ref());
            let keys = dictionary.normalized_keys();
            keys.into_iter().map(|key| values[key]).collect()
        }
        kind => {
            let bytes = kind
                .primitive_width()
                .unwrap_or_else(|| average(array, array.len()));
            vec![bytes; array.len()]
        }
    }
}

/// Gives the bytes of a batch's values.
pub(crate) fn batch_bytes(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| widths(column.as_ref()).into_iter().sum::<usize>())
        .sum()
}

/// Gives the elements of each list of a column; one for what is no list.
pub(crate) fn lengths(array: &dyn Array) -> Vec<usize> {
    match array.data_type() {
        DataType::List(_) => spans(array.as_list::<i32>().value_offsets()),
        DataType::LargeList(_) => spans(array.as_list::<i64>().value_offsets()),
        DataType::FixedSizeList(_, length) => {
            vec![usize::try_from(*length).unwrap_or(0); array.len()]
        }
        _ => vec![1; array.len()],
    }
}

fn spans<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<usize> {
    let ends = offsets.windows(2);
    ends.map(|ends| ends[1].as_usize() - ends[0].as_usize())
        .collect()
}

/// Bytes of the elements of each list.
fn sums<O: OffsetSizeTrait>(elements: &dyn Array, offsets: &[O]) -> Vec<usize> {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return Vec::new();
    };
    let first = first.as_usize();
    let elements = widths(elements.slice(first, last.as_usize() - first).as_ref());
    let lists = offsets.windows(2);
    lists
        .map(|ends| &elements[ends[0].as_usize() - first..ends[1].as_usize() - first])
        .map(|list| list.iter().sum())
        .collect()
}

fn average(array: &dyn Array, rows: usize) -> usize {
    let bytes = array.to_data().get_slice_memory_size();
    let bytes = bytes.unwrap_or_else(|_| array.get_buffer_memory_size());
    bytes.div_ceil(rows.max(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, ListArray, StringArray};
    use arrow::datatypes::{Int32Type, Int64Type};
    use std::sync::Arc;

    #[test]
    fn each_value_has_its_bytes() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("abc"), None, Some("abcdef")]));
        assert_eq!(widths(texts.as_ref()), [3, 0, 6]);
        assert_eq!(widths(texts.slice(1, 2).as_ref()), [0, 6]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        assert_eq!(widths(numbers.as_ref()), [8, 8, 8]);
        let named: DictionaryArray<Int32Type> = vec!["abc", "a", "abc"].into_iter().collect();
        assert_eq!(widths(&named), [3, 1, 3]);
        let nothing: DictionaryArray<Int32Type> = vec![None::<&str>, None].into_iter().collect();
        assert_eq!(widths(&nothing).len(), 2);
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(1), Some(2)]),
            None,
            Some(vec![Some(3)]),
        ]);
        assert_eq!(widths(&lists), [16, 0, 8]);
        assert_eq!(widths(&lists.slice(2, 1)), [8]);
        assert_eq!(lengths(&lists), [2, 0, 1]);
        assert_eq!(lengths(&lists.slice(1, 2)), [0, 1]);
        let batch =
            RecordBatch::try_from_iter([("a", texts), ("b", Arc::new(lists) as ArrayRef)]).unwrap();
        assert_eq!(batch_bytes(&batch), 33);
    }
}
