//! Which functions need a bound, and how what they make and how long they take follow from their arguments.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::ColumnarValue;

use crate::widths::{lengths, widths};

/// Bytes of a number in a list.
const NUMBER_BYTES: u64 = 8;

/// Bytes of a number's text.
const DIGITS_BYTES: u64 = 24;

/// Bytes of a character.
const CHARACTER_BYTES: u64 = 4;

/// Bytes that one byte of a time's format may become.
const FORMATTED_BYTES: u64 = 16;

/// Bytes of text for which looking for all matches of a pattern costs as much as one byte more of the pattern.
const MATCHED_BYTES: u64 = 64;

/// Days of the shortest month.
const MONTH_DAYS: i128 = 28;

const DAY_NANOSECONDS: i128 = 86_400_000_000_000;

const SECOND_NANOSECONDS: u128 = 1_000_000_000;

/// How the bytes of a result follow from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Growth {
    /// A number or a flag.
    None,
    /// About as many as the arguments have.
    Sums,
    /// The first argument, as often as the second says.
    Repeats,
    /// As many characters as the second argument says.
    Pads,
    /// As many elements as the second argument says, each the third.
    Resizes,
    /// The numbers or times from the first argument to the second, by steps of the third.
    Counts,
    /// The others, with the first between them.
    Joins,
    /// The elements of the first argument, with the second between them, or the third for nulls.
    Lists,
    /// The first argument, with the third for each of the second.
    Replaces,
    /// The first argument, with the third for each match of the second.
    ReplacesMatches,
    /// The first argument, with the third for each of its elements.
    ReplacesElements,
    /// The first argument, for each group of the second.
    Captures,
    /// Each argument with as many elements as the longest.
    Zips,
    /// The second argument, filled in.
    Formats,
}

/// How the time of a call follows from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Effort {
    /// From their bytes.
    Sum,
    /// From the product of the first two.
    Product,
    /// From a text and a pattern, which are the first two.
    Match,
    /// Likewise, where all matches are looked for.
    Matches,
}

impl Effort {
    /// Tells whether the second argument is a regular expression.
    pub(super) fn has_pattern(self) -> bool {
        matches!(self, Self::Match | Self::Matches)
    }
}

/// The functions that make much of little, or take long for it.
const RULES: &[(&str, Growth, Effort)] = &[
    ("repeat", Growth::Repeats, Effort::Sum),
    ("array_repeat", Growth::Repeats, Effort::Sum),
    ("lpad", Growth::Pads, Effort::Sum),
    ("rpad", Growth::Pads, Effort::Sum),
    ("array_resize", Growth::Resizes, Effort::Sum),
    ("range", Growth::Counts, Effort::Sum),
    ("generate_series", Growth::Counts, Effort::Sum),
    ("concat", Growth::Sums, Effort::Sum),
    ("concat_ws", Growth::Joins, Effort::Sum),
    ("overlay", Growth::Sums, Effort::Sum),
    ("encode", Growth::Sums, Effort::Sum),
    ("make_array", Growth::Sums, Effort::Sum),
    ("array_append", Growth::Sums, Effort::Sum),
    ("array_prepend", Growth::Sums, Effort::Sum),
    ("array_concat", Growth::Sums, Effort::Sum),
    ("array_to_string", Growth::Lists, Effort::Sum),
    ("replace", Growth::Replaces, Effort::Sum),
    ("array_replace", Growth::ReplacesElements, Effort::Sum),
    ("array_replace_n", Growth::ReplacesElements, Effort::Sum),
    ("array_replace_all", Growth::ReplacesElements, Effort::Sum),
    ("arrays_zip", Growth::Zips, Effort::Sum),
    ("to_char", Growth::Formats, Effort::Sum),
    ("btrim", Growth::Sums, Effort::Product),
    ("ltrim", Growth::Sums, Effort::Product),
    ("rtrim", Growth::Sums, Effort::Product),
    ("levenshtein", Growth::None, Effort::Product),
    ("strpos", Growth::None, Effort::Product),
    ("array_has_all", Growth::None, Effort::Product),
    ("array_has_any", Growth::None, Effort::Product),
    ("regexp_like", Growth::None, Effort::Match),
    ("regexp_match", Growth::Captures, Effort::Match),
    ("regexp_count", Growth::None, Effort::Matches),
    ("regexp_instr", Growth::None, Effort::Matches),
    ("regexp_replace", Growth::ReplacesMatches, Effort::Matches),
];

/// Gives how a function grows and how long it takes, if it needs a bound.
pub(super) fn rule(name: &str) -> Option<(Growth, Effort)> {
    let rule = RULES.iter().find(|(known, ..)| *known == name);
    rule.map(|(_, growth, effort)| (*growth, *effort))
}

/// Gives the names of the functions that need a bound.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, ..)| *name)
}

/// What each row of a call costs.
pub(super) struct Costs {
    growth: Growth,
    effort: Effort,
    arguments: Vec<Argument>,
}

impl Costs {
    /// Looks at the arguments of a call.
    pub(super) fn of(
        growth: Growth,
        effort: Effort,
        arguments: &[ColumnarValue],
    ) -> DfResult<Self> {
        Ok(Self {
            growth,
            effort,
            arguments: arguments
                .iter()
                .map(Argument::of)
                .collect::<DfResult<_>>()?,
        })
    }

    /// Bytes that will be made of a row: where they cannot be told, as many as it may be at worst.
    pub(super) fn bytes(&self, row: usize) -> u64 {
        let sum = (0..self.arguments.len()).fold(0, |sum: u64, place| {
            sum.saturating_add(self.size(place, row))
        });
        let all = self.arguments.len() as u64;
        let more = match self.growth {
            Growth::None => return 0,
            Growth::Sums => 0,
            Growth::Repeats => {
                return self.times(row).saturating_mul(self.size(0, row).max(1));
            }
            Growth::Pads => self.times(row).saturating_mul(CHARACTER_BYTES),
            Growth::Resizes => self
                .times(row)
                .saturating_mul(self.size(2, row).max(NUMBER_BYTES)),
            Growth::Counts => return self.count(row).saturating_mul(NUMBER_BYTES),
            Growth::Joins => all.saturating_mul(self.size(0, row)),
            Growth::Lists => {
                let between = self.size(1, row).saturating_add(self.size(2, row));
                let each = between.saturating_add(DIGITS_BYTES);
                self.length(0, row).saturating_mul(each)
            }
            Growth::Replaces => {
                // Of nothing there is one before each character, and one at the end.
                let found = self.size(0, row) / self.size(1, row).max(1) + 1;
                found.saturating_mul(self.size(2, row))
            }
            Growth::ReplacesMatches => {
                let found = self.size(0, row).saturating_add(1);
                found.saturating_mul(self.size(2, row))
            }
            Growth::ReplacesElements => self.length(0, row).saturating_mul(self.size(2, row)),
            Growth::Captures => self.groups(row).saturating_mul(self.size(0, row)),
            Growth::Zips => {
                let longest = (0..self.arguments.len()).map(|place| self.length(place, row));
                let longest = longest.max().unwrap_or(0);
                longest.saturating_mul(all.saturating_mul(NUMBER_BYTES))
            }
            Growth::Formats => self.size(1, row).saturating_mul(FORMATTED_BYTES),
        };
        sum.saturating_add(more)
    }

    /// Steps that a row takes beyond reading it.
    pub(super) fn steps(&self, row: usize) -> u64 {
        let text = self.size(0, row);
        match self.effort {
            Effort::Sum => 0,
            Effort::Product => {
                let lists = self.arguments.first().is_some_and(Argument::is_list);
                if lists {
                    self.length(0, row).saturating_mul(self.length(1, row))
                } else {
                    text.saturating_mul(self.size(1, row))
                }
            }
            Effort::Match => text.saturating_mul(self.size(1, row)),
            Effort::Matches => {
                let pattern = self.size(1, row).saturating_add(text / MATCHED_BYTES);
                text.saturating_mul(pattern)
            }
        }
    }

    fn at<T>(&self, place: usize, get: impl Fn(&Argument) -> Option<T>) -> Option<T> {
        self.arguments.get(place).and_then(get)
    }

    fn size(&self, place: usize, row: usize) -> u64 {
        let size = self.at(place, |argument| {
            argument.bytes.get(argument.row(row)).copied()
        });
        size.unwrap_or(0) as u64
    }

    fn length(&self, place: usize, row: usize) -> u64 {
        let length = self.at(place, |argument| {
            argument.elements.get(argument.row(row)).copied()
        });
        length.unwrap_or(0) as u64
    }

    /// A number; of times the seconds.
    fn number(&self, place: usize, row: usize) -> Option<i64> {
        self.at(place, |argument| {
            let numbers = argument.numbers.as_ref()?;
            let row = argument.row(row);
            numbers.is_valid(row).then(|| numbers.value(row))
        })
    }

    /// How often the second argument says; none is never.
    fn times(&self, row: usize) -> u64 {
        u64::try_from(self.number(1, row).unwrap_or(0)).unwrap_or(0)
    }

    /// Groups of a pattern at most, and the whole.
    fn groups(&self, row: usize) -> u64 {
        let groups = self.at(1, |argument| {
            let row = argument.row(row);
            let patterns = argument.array.as_string_opt::<i32>()?;
            let pattern = patterns.is_valid(row).then(|| patterns.value(row))?;
            Some(pattern.matches('(').count() as u64 + 1)
        });
        groups.unwrap_or_else(|| self.size(1, row).saturating_add(1))
    }

    /// How many numbers or times there are from the first to the second, by steps of the third.
    fn count(&self, row: usize) -> u64 {
        let (from, to) = match (self.number(0, row), self.number(1, row)) {
            (Some(from), Some(to)) => (from, to),
            (Some(to), None) if self.arguments.len() == 1 => (0, to),
            // A range from or to null is none.
            _ => return 0,
        };
        let span = from.abs_diff(to);
        let step = self.at(2, |argument| argument.step_nanoseconds(row));
        match (step, self.number(2, row)) {
            // Parts of a second are in no span.
            (Some(step), _) => {
                let span = (u128::from(span) + 1) * SECOND_NANOSECONDS;
                u64::try_from(span / step.max(1)).unwrap_or(u64::MAX)
            }
            (None, step) => span / step.map_or(1, i64::unsigned_abs).max(1),
        }
    }
}

/// An argument of a call: a value for each row, or one for all.
struct Argument {
    array: ArrayRef,
    is_same: bool,
    bytes: Vec<usize>,
    elements: Vec<usize>,
    numbers: Option<Int64Array>,
}

impl Argument {
    fn of(value: &ColumnarValue) -> DfResult<Self> {
        let (array, is_same) = match value {
            ColumnarValue::Array(array) => (ArrayRef::clone(array), false),
            ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
        };
        Ok(Self {
            bytes: widths(array.as_ref()),
            elements: lengths(array.as_ref()),
            numbers: numbers(&array),
            array,
            is_same,
        })
    }

    fn row(&self, row: usize) -> usize {
        if self.is_same { 0 } else { row }
    }

    fn is_list(&self) -> bool {
        matches!(
            self.array.data_type(),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
        )
    }

    /// Nanoseconds of an interval, whichever way it goes: at least so many.
    fn step_nanoseconds(&self, row: usize) -> Option<u128> {
        let steps = self.array.as_primitive_opt::<IntervalMonthDayNanoType>()?;
        let row = self.row(row);
        let step = steps.is_valid(row).then(|| steps.value(row))?;
        let days = i128::from(step.months) * MONTH_DAYS + i128::from(step.days);
        let nanoseconds = days * DAY_NANOSECONDS + i128::from(step.nanoseconds);
        Some(nanoseconds.unsigned_abs())
    }
}

/// Reads numbers, and times as seconds.
fn numbers(array: &ArrayRef) -> Option<Int64Array> {
    let seconds = DataType::Timestamp(TimeUnit::Second, None);
    let numbers = match array.data_type() {
        kind if kind.is_integer() => cast(array, &DataType::Int64).ok()?,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            cast(&cast(array, &seconds).ok()?, &DataType::Int64).ok()?
        }
        _ => return None,
    };
    Some(numbers.as_primitive::<Int64Type>().clone())
}
