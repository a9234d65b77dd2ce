//! Between which times a page of the newest calls lies: with it, only those calls are attributed, not the whole history.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::common::ParamValues;

use super::{Listing, Place};
use crate::error::{Error, Result};
use crate::executor::Statement;
use crate::filter::{Filter, has_placeholder};

/// Times of the newest calls that fit a filter, by what the records themselves say.
const NEWEST: &str = include_str!("../listings/events_newest.sql");

/// The same from the calls per hour, by what is known of who made them.
const HOURS: &str = include_str!("../listings/events_hours.sql");

/// Filters that only attribution can tell.
const OF_ATTRIBUTION: [&str; 8] = [
    "cluster",
    "namespace",
    "service_account",
    "access_path",
    "actor",
    "confidence",
    "node",
    "role_arn",
];

/// A question whose answer narrows the times of a page.
#[derive(Debug)]
pub struct Span {
    statement: Statement,
    /// The page's filter, as it was asked for.
    asked: Filter,
    /// The same, from the place on where the page before ended.
    filter: Filter,
}

impl Listing {
    /// Asks between which times a page lies. None where the list is not of the newest first, or the page is of calls
    /// without a time.
    ///
    /// # Errors
    /// As [`Listing::page`].
    pub fn span(&self, filter: &Filter, after: Option<&str>, limit: u64) -> Result<Option<Span>> {
        if !self.newest_first {
            return Ok(None);
        }
        // A wrong filter is named as the list's, not as that of another question.
        filter.parameters(self.name, self.sql)?;
        let asked = filter.clone();
        let mut filter = filter.clone();
        let mut values = Vec::new();
        if let Some(after) = after {
            let place = Place::parse(after)?;
            let Some(time) = place.micros.and_then(DateTime::from_timestamp_micros) else {
                return Ok(None);
            };
            let Some(end) = time.checked_add_signed(TimeDelta::microseconds(1)) else {
                return Ok(None);
            };
            filter.to = Some(filter.to.map_or(end, |to| to.min(end)));
            values = place.values();
        }
        let is_set = |name: &str| filter.get(name).is_some();
        // An id is of one record, which says when; no sum per hour has it.
        let sql = if !is_set("id") && OF_ATTRIBUTION.into_iter().any(is_set) {
            HOURS.to_owned()
        } else if values.is_empty() {
            NEWEST.replace("{rest}", "")
        } else {
            NEWEST.replace(
                "{rest}",
                "AND (event_time < $after_time OR event_id > $after_id)",
            )
        };
        let sql = sql.replace("{limit}", &limit.to_string());
        let known = |name: &str| has_placeholder(&sql, name);
        let mut narrow = Filter::between(filter.from, filter.to);
        for name in Filter::NAMES.into_iter().filter(|name| known(name)) {
            if let Some(value) = filter.get(name) {
                narrow.set(name, value)?;
            }
        }
        let ParamValues::Map(mut parameters) = narrow.parameters(self.name, &sql)? else {
            return Err(Error::InvalidQuery("parameters without names".to_owned()));
        };
        parameters.extend(values.into_iter().filter(|(name, _)| known(name)));
        let statement = Statement {
            parameters: Some(ParamValues::Map(parameters)),
            ..Statement::new(sql)
        };
        Ok(Some(Span {
            statement,
            asked,
            filter,
        }))
    }
}

impl Span {
    /// The question.
    #[must_use]
    pub fn statement(&self) -> Statement {
        self.statement.clone()
    }

    /// Gives the page's filter, narrowed by the question's rows: the page is the same.
    ///
    /// # Errors
    /// [`Error::Engine`] for rows of another question.
    pub fn narrow(self, rows: &[RecordBatch]) -> Result<Filter> {
        let Some(row) = rows.iter().find(|batch| batch.num_rows() == 1) else {
            return Ok(self.asked);
        };
        let (begin, end) = (time(row, "begin_time")?, time(row, "end_time")?);
        let (enough, untimed) = (truth(row, "enough"), truth(row, "untimed"));
        // Calls without a time come last, and no bound lets them through; calls of a role that nobody is named for are
        // in no sum per hour.
        if !truth(row, "agree") || !enough && (untimed || self.asked.get("role_arn").is_some()) {
            return Ok(self.asked);
        }
        let mut filter = self.filter;
        // Without any call, nothing is between the times.
        let begin = begin.unwrap_or(DateTime::UNIX_EPOCH);
        let end = end.unwrap_or(DateTime::UNIX_EPOCH);
        filter.from = Some(filter.from.map_or(begin, |from| from.max(begin)));
        if filter.get("role_arn").is_none() {
            filter.to = Some(filter.to.map_or(end, |to| to.min(end)));
        }
        Ok(filter)
    }
}

fn time(row: &RecordBatch, name: &str) -> Result<Option<DateTime<Utc>>> {
    let Some(column) = row.column_by_name(name) else {
        return Ok(None);
    };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let column = cast(column, &micros)
        .map_err(|error| Error::from_engine("read the times of a page", error.into()))?;
    let column = column.as_primitive::<TimestampMicrosecondType>();
    Ok(column
        .is_valid(0)
        .then(|| DateTime::from_timestamp_micros(column.value(0)))
        .flatten())
}

fn truth(row: &RecordBatch, name: &str) -> bool {
    row.column_by_name(name)
        .and_then(|column| column.as_boolean_opt())
        .is_some_and(|column| column.is_valid(0) && column.value(0))
}
