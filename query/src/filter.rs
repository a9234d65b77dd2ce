//! What narrows a report: placeholders of its SQL that stand for all when they are null.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::ParamValues;
use datafusion::common::ScalarValue;

use crate::error::{Error, Result};

const HOUR_MICROS: i64 = 3_600_000_000;

/// Filters by columns that have few values.
const WORDS: [(&str, &[&str]); 3] = [
    (
        "access_path",
        &[
            "irsa",
            "pod_identity",
            "node_role",
            "cluster_role",
            "eks_service_linked_role",
            "fargate_execution_role",
            "kube2iam",
            "kiam",
        ],
    ),
    ("confidence", &["exact", "inferred", "candidate", "unknown"]),
    (
        "actor",
        &["workload", "node_agent", "control_plane", "unknown"],
    ),
];

/// Narrows a report or list. A filter that is not set lets everything through.
///
/// Times bound when calls were made: from `from` on, before `to`. Reports count activities, which last at most five
/// minutes, by their begin; at multiples of five minutes the bounds are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// First time that counts.
    pub from: Option<DateTime<Utc>>,
    /// First time that does not count any more.
    pub to: Option<DateTime<Utc>>,
    /// Texts, by the filter's name in [`Filter::NAMES`], in one order: answers are found again by how this is shown.
    texts: BTreeMap<&'static str, String>,
}

impl Filter {
    /// Names of the filters that take a text; each is the placeholder's name in SQL.
    pub const NAMES: [&'static str; 12] = [
        "account",
        "region",
        "cluster",
        "namespace",
        "service_account",
        "role_arn",
        "access_path",
        "confidence",
        "actor",
        "node",
        "event_source",
        "id",
    ];

    /// Gives the words that a filter takes, where it takes no others.
    #[must_use]
    pub fn words(name: &str) -> Option<&'static [&'static str]> {
        WORDS
            .iter()
            .find(|(each, _)| *each == name)
            .map(|(_, words)| *words)
    }

    /// Makes a filter of the times that a user asks for.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] where no time lies between them: what is asked for by mistake must not look as if there
    /// were nothing.
    pub fn within(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Result<Self> {
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Error::InvalidQuery(
                "from, to: no time lies between them, as from is not before to".to_owned(),
            ));
        }
        Ok(Self::between(from, to))
    }

    /// Makes a filter of times.
    #[must_use]
    pub fn between(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Self {
        Self {
            from,
            to,
            texts: BTreeMap::new(),
        }
    }

    /// Sets a filter that takes a text.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] where there is no filter of the name, or it takes [words](Self::words) and the value is
    /// none of them.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<()> {
        let name = Self::NAMES
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| Error::InvalidQuery(format!("there is no filter {name}")))?;
        let value = value.into();
        if let Some(words) = Self::words(name)
            && !words.contains(&value.as_str())
        {
            return Err(Error::InvalidQuery(format!(
                "{name}: one of {}",
                words.join(", ")
            )));
        }
        self.texts.insert(name, value);
        Ok(())
    }

    /// Gives a filter with one more text.
    ///
    /// # Errors
    /// As [`Filter::set`].
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Result<Self> {
        self.set(name, value)?;
        Ok(self)
    }

    /// Gives the value of a filter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Tells whether its times, where it has any, are full hours.
    pub(crate) fn is_of_full_hours(&self) -> bool {
        [self.from, self.to]
            .into_iter()
            .flatten()
            .all(|time| time.timestamp_micros() % HOUR_MICROS == 0)
    }

    /// Names of the filters that are set.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let times = [
            self.from.is_some().then_some("from"),
            self.to.is_some().then_some("to"),
        ];
        let mut names: Vec<&'static str> = times
            .into_iter()
            .flatten()
            .chain(self.texts.keys().copied())
            .collect();
        names.sort_unstable();
        names
    }

    /// Makes values for the placeholders of `sql`.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] where a filter is set that the SQL has no placeholder for: to ignore it would answer
    /// another question.
    pub(crate) fn parameters(&self, what: &str, sql: &str) -> Result<ParamValues> {
        for name in self.names() {
            if !has_placeholder(sql, name) {
                return Err(Error::InvalidQuery(format!(
                    "{what} cannot be filtered by {name}"
                )));
            }
        }
        let time = |time: Option<DateTime<Utc>>| {
            let micros = time.map(|time| time.timestamp_micros());
            ScalarValue::TimestampMicrosecond(micros, Some(Arc::from("UTC")))
        };
        // Only what the SQL has: values that nothing asks for are refused.
        let mut values = HashMap::new();
        for (name, micros) in [("from", time(self.from)), ("to", time(self.to))] {
            if has_placeholder(sql, name) {
                values.insert(name.to_owned(), micros.into());
            }
        }
        for name in Self::NAMES {
            if has_placeholder(sql, name) {
                let text = self.get(name).map(str::to_owned);
                values.insert(name.to_owned(), ScalarValue::Utf8(text).into());
            }
        }
        Ok(ParamValues::Map(values))
    }
}

/// Tells whether SQL has the placeholder `$name`.
pub(crate) fn has_placeholder(sql: &str, name: &str) -> bool {
    sql.match_indices('$').any(|(place, _)| {
        sql[place + 1..].strip_prefix(name).is_some_and(|rest| {
            !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
        })
    })
}

#[cfg(test)]
mod tests;
