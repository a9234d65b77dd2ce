//! Taking what is wanted out of JSON that may lack or misshape anything.

use serde_json::{Map, Value};

use super::limits::{LIST_ENTRIES, TEXT_BYTES};
use super::time;

/// The value at a path of member names.
pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// The text at a path, unless it is empty or too long to be kept.
pub(super) fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    at(value, path).and_then(kept)
}

fn kept(value: &Value) -> Option<&str> {
    value
        .as_str()
        .filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES)
}

/// As [`text`], owned.
pub(super) fn owned(value: &Value, path: &[&str]) -> Option<String> {
    text(value, path).map(str::to_owned)
}

/// The time at a path, µs since the epoch.
pub(super) fn time_at(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path).and_then(time::of)
}

/// The flag at a path.
pub(super) fn flag(value: &Value, path: &[&str]) -> Option<bool> {
    at(value, path).and_then(Value::as_bool)
}

/// The elements at a path; none for anything but a list.
pub(super) fn list<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    at(value, path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The texts in the list at a path.
pub(super) fn texts<'v>(value: &'v Value, path: &[&str]) -> impl Iterator<Item = &'v str> {
    list(value, path).iter().filter_map(kept)
}

/// Attributes of an observation; what is not known is left out.
#[derive(Debug, Default)]
pub(super) struct Attributes(Map<String, Value>);

impl Attributes {
    pub(super) fn value(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }

    pub(super) fn text(&mut self, name: &str, text: Option<&str>) {
        let text = text.filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES);
        self.value(name, text.map(Value::from));
    }

    pub(super) fn time(&mut self, name: &str, micros: Option<i64>) {
        self.value(name, micros.and_then(time::text).map(Value::from));
    }

    pub(super) fn flag(&mut self, name: &str, flag: Option<bool>) {
        self.value(name, flag.map(Value::from));
    }

    /// A number at a path of another value.
    pub(super) fn number(&mut self, name: &str, number: Option<&Value>) {
        self.value(name, number.and_then(Value::as_i64).map(Value::from));
    }

    /// A list, if it has entries.
    pub(super) fn list(&mut self, name: &str, entries: impl IntoIterator<Item = impl Into<Value>>) {
        let entries: Vec<Value> = entries
            .into_iter()
            .take(LIST_ENTRIES)
            .map(Into::into)
            .collect();
        if !entries.is_empty() {
            self.0.insert(name.to_owned(), Value::Array(entries));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// The parts of an ARN that tell where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub service: &'a str,
    pub region: Option<&'a str>,
    pub account: Option<&'a str>,
    pub resource: &'a str,
}

/// Reads `arn:partition:service:region:account:resource`.
pub(super) fn arn(text: &str) -> Option<Arn<'_>> {
    let mut parts = text.splitn(6, ':');
    if parts.next()? != "arn" || text.len() > TEXT_BYTES {
        return None;
    }
    let _partition = parts.next()?;
    let service = parts.next()?;
    let filled = |part: &'_ str| !part.is_empty();
    let region = parts.next().filter(|part| filled(part));
    let account = parts.next().filter(|part| filled(part));
    let resource = parts.next()?;
    Some(Arn {
        service,
        region,
        account,
        resource,
    })
}
