//! Templates of ARNs: filled from request parameters, and compared with ARNs that a record names.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use regex::Regex;
use serde_json::Value;

/// Most ARNs that one template gives for one call: a call can name many resources.
const MAX_FILLED: usize = 100;

/// Where a call was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
}

/// What text may stand in a variable's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Partition,
    Region,
    Account,
    /// `{a}`: without `/` and `:`.
    Segment,
    /// `{:a}`: without `/`.
    NoSlash,
    /// `{+a}`: any text.
    Any,
    /// `{/a}`: any text, after exactly one `/`.
    AfterSlash,
    /// `{~a}`: a URL path, to be decoded.
    UrlPath,
    /// `{a[-n]}`: the n-th part from the end.
    FromEnd(usize),
}

#[derive(Debug)]
enum Part {
    Text(String),
    Variable { kind: Kind, path: String },
}

/// A template of `rules/iam_actions.toml`, which explains the notation.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    shape: Regex,
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (variable, after) = after
                .split_once('}')
                .ok_or_else(|| format!("template {text}: a brace is not closed"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(
                variable_part(variable)
                    .ok_or_else(|| format!("template {text}: {variable} is no variable"))?,
            );
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let shape = shape(&parts).map_err(|error| format!("template {text}: {error}"))?;
        Ok(Self { parts, shape })
    }

    /// Gives the request parameters that the template names.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { path, .. } if !path.is_empty() => Some(path.as_str()),
            _ => None,
        })
    }

    /// Gives the first of some parameters that the template takes.
    pub(super) fn first_of<'a>(&self, parameters: &[&'a str]) -> Option<&'a str> {
        parameters
            .iter()
            .copied()
            .find(|wanted| self.parameters().any(|own| own == *wanted))
    }

    /// Tells whether the template itself ends in a wildcard for what a call does not tell.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Text(text)) if text == "*" || text.ends_with("/*"))
    }

    /// Gives an ARN as the template would write it, if it has the template's form.
    pub(super) fn normalise(&self, arn: &str) -> Option<String> {
        let found = self.shape.captures(arn)?;
        let mut group = 0;
        let mut text = String::with_capacity(arn.len());
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable { .. } => {
                    group += 1;
                    text.push_str(&literal_text(found.get(group)?.as_str()));
                }
            }
        }
        Some(text)
    }

    /// Fills the template from a request; none when the request lacks a parameter, or holds one that
    /// cannot stand in its place.
    pub(super) fn fill(&self, scope: Scope<'_>, parameters: &Value) -> Option<BTreeSet<String>> {
        let mut filled = vec![String::new()];
        for part in &self.parts {
            let values = match part {
                Part::Text(literal) => vec![literal.clone()],
                Part::Variable { kind, path } => kind.values(scope, parameters, path)?,
            };
            if filled.len().saturating_mul(values.len()) > MAX_FILLED {
                return None;
            }
            filled = filled
                .iter()
                .flat_map(|start| values.iter().map(move |value| format!("{start}{value}")))
                .collect();
        }
        Some(filled.into_iter().collect())
    }

    /// Fills the template from one parameter, and `*` for the others, and tells whether there were others;
    /// none when the parameter's value cannot stand in its place.
    pub(super) fn fill_one(
        &self,
        scope: Scope<'_>,
        parameter: &str,
        value: &str,
    ) -> Option<(String, bool)> {
        let mut text = String::new();
        let mut has_others = false;
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable { kind, path } if path == parameter => {
                    text.push_str(&kind.value(value)?);
                }
                Part::Variable { kind, path } if path.is_empty() => {
                    text.push_str(&kind.values(scope, &Value::Null, path)?.concat());
                }
                Part::Variable { .. } => {
                    text.push('*');
                    has_others = true;
                }
            }
        }
        Some((text, has_others))
    }
}

impl Kind {
    /// Gives the texts for a variable; none if there is none, or one that does not fit.
    fn values(self, scope: Scope<'_>, parameters: &Value, path: &str) -> Option<Vec<String>> {
        match self {
            Self::Partition => return given(scope.partition),
            Self::Region => return given(scope.region),
            Self::Account => return given(scope.account),
            _ => {}
        }
        let found: Option<Vec<String>> = lookup(parameters, path)
            .iter()
            .map(|value| self.value(value))
            .collect();
        found.filter(|values| !values.is_empty())
    }

    fn value(self, value: &str) -> Option<String> {
        // A whole ARN of another form can be no part of one.
        if value.is_empty() || value.starts_with("arn:") {
            return None;
        }
        let text = match self {
            Self::Segment if value.contains(['/', ':']) => return None,
            Self::NoSlash if value.contains('/') => return None,
            Self::FromEnd(back) => value
                .rsplit('/')
                .nth(back - 1)
                .filter(|part| !part.is_empty() && !part.contains(':'))?
                .to_owned(),
            Self::AfterSlash => format!("/{}", value.strip_prefix('/').unwrap_or(value)),
            Self::UrlPath => url_decode(value.strip_prefix('/').unwrap_or(value))?,
            _ => value.to_owned(),
        };
        Some(literal_text(&text))
    }

    /// A regular expression for the texts that may stand in the variable's place.
    const fn pattern(self) -> &'static str {
        match self {
            Self::Partition => "(aws[a-z-]*)",
            Self::Region => "([a-z0-9-]*)",
            Self::Account => "([0-9]*|aws)",
            Self::Segment | Self::FromEnd(_) => "([^/:]+)",
            Self::NoSlash => "([^/]+)",
            Self::Any | Self::UrlPath => "(.+)",
            Self::AfterSlash => "(/.+)",
        }
    }
}

fn given(text: &str) -> Option<Vec<String>> {
    (!text.is_empty()).then(|| vec![text.to_owned()])
}

fn variable_part(text: &str) -> Option<Part> {
    let (kind, path) = match text {
        "partition" => (Kind::Partition, ""),
        "region" => (Kind::Region, ""),
        "account" => (Kind::Account, ""),
        _ => match text.as_bytes().first()? {
            b'+' => (Kind::Any, &text[1..]),
            b':' => (Kind::NoSlash, &text[1..]),
            b'/' => (Kind::AfterSlash, &text[1..]),
            b'~' => (Kind::UrlPath, &text[1..]),
            _ => match text.strip_suffix(']') {
                Some(head) => {
                    let (path, back) = head.split_once("[-")?;
                    let back: usize = back.parse().ok().filter(|back| *back > 0)?;
                    (Kind::FromEnd(back), path)
                }
                None => (Kind::Segment, text),
            },
        },
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_#".contains(c);
    let scope = matches!(kind, Kind::Partition | Kind::Region | Kind::Account);
    (scope || (!path.is_empty() && path.chars().all(is_name))).then(|| Part::Variable {
        kind,
        path: path.to_owned(),
    })
}

fn shape(parts: &[Part]) -> Result<Regex, regex::Error> {
    let mut pattern = String::from("^");
    for part in parts {
        match part {
            Part::Variable { kind, .. } => pattern.push_str(kind.pattern()),
            Part::Text(literal) => {
                for c in literal.chars() {
                    match c {
                        '*' => pattern.push_str(".*"),
                        '?' => pattern.push('.'),
                        _ => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                    }
                }
            }
        }
    }
    pattern.push('$');
    Regex::new(&pattern)
}

/// Writes text so that a policy takes it literally: `*`, `?` and `$` have a meaning there.
/// Source: IAM user guide, "IAM policy elements: Variables and tags", special characters.
fn literal_text(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '$') {
            // Writing to a string cannot fail.
            let _ = write!(literal, "${{{c}}}");
        } else {
            literal.push(c);
        }
    }
    literal
}

/// Decodes a URL path; none when it is no text.
fn url_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Tells whether a request holds a parameter.
pub(super) fn is_there(parameters: &Value, path: &str) -> bool {
    !step(parameters, path).is_empty()
}

/// Gives the texts of a request parameter. Dots step into objects, and into every member of a list;
/// `#` takes an object's names.
pub(super) fn lookup(parameters: &Value, path: &str) -> Vec<String> {
    if let Some(head) = path.strip_suffix(".#") {
        return step(parameters, head)
            .into_iter()
            .filter_map(Value::as_object)
            .flat_map(|object| object.keys().cloned())
            .collect();
    }
    step(parameters, path)
        .into_iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .collect()
}

fn step<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut at = vec![value];
    for name in path.split('.') {
        at = at
            .into_iter()
            .filter_map(|value| value.get(name))
            .flat_map(|value| match value {
                Value::Array(members) => members.iter().collect(),
                Value::Null => Vec::new(),
                other => vec![other],
            })
            .collect();
    }
    at
}
