//! The rows of `rules/iam_actions.toml`.

use std::collections::BTreeSet;

use podtrail_ingest::RESOURCE_MEMBERS;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::Request;
use super::template::{Scope, Template, is_there, lookup};
use crate::policy::About;

/// A `[[service]]` of `rules/iam_actions.toml`, which explains the members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) prefix: String,
    pub(super) event_sources: Vec<String>,
    #[serde(default)]
    pub(super) any_resource: Vec<String>,
    pub(super) source: String,
}

/// An `[[action]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionRow {
    pub(super) service: String,
    pub(super) events: Vec<String>,
    pub(super) actions: Vec<String>,
    pub(super) reason: Option<String>,
    pub(super) when: Option<String>,
    pub(super) matches: Option<String>,
    pub(super) source: String,
    #[serde(skip)]
    pub(super) condition: Condition,
}

/// A `[[resource]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceRow {
    pub(super) prefix: String,
    pub(super) arn: Vec<String>,
    #[serde(default)]
    pub(super) arn_in: Vec<String>,
    #[serde(default)]
    pub(super) actions: Vec<String>,
    #[serde(default)]
    pub(super) also: Vec<String>,
    #[serde(default)]
    pub(super) events: Vec<String>,
    pub(super) when: Option<String>,
    pub(super) matches: Option<String>,
    pub(super) source: String,
    #[serde(skip)]
    pub(super) templates: Vec<Template>,
    #[serde(skip)]
    pub(super) condition: Condition,
}

/// A `[[data_events]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataEvents {
    pub(super) service: String,
    pub(super) calls: String,
    pub(super) source: String,
}

/// What the request must hold for a row to count.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) when: Option<String>,
    pub(super) pattern: Option<Regex>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) service: Vec<Service>,
    pub(super) action: Vec<ActionRow>,
    pub(super) data_events: Vec<DataEvents>,
    pub(super) resource: Vec<ResourceRow>,
}

impl ResourceRow {
    /// Gives the ARNs that a request names, and whether they are wider than the request.
    pub(super) fn fill(&self, request: &Request<'_>) -> Option<(BTreeSet<String>, bool)> {
        match request.about {
            About::Name(name) if self.takes_parameters() => {
                return self.fill_named(request.scope, name);
            }
            About::Unknown if self.takes_parameters() => return None,
            _ => {}
        }
        let normal = |arn: &str| self.templates.iter().find_map(|one| one.normalise(arn));
        if self.events.is_empty() {
            let arns: BTreeSet<String> = request
                .resources
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|resource| resource.get("ARN")?.as_str())
                .filter_map(normal)
                .collect();
            if !arns.is_empty() {
                return Some((arns, false));
            }
        }
        let arns: BTreeSet<String> = self
            .arn_in
            .iter()
            .map(String::as_str)
            .chain(self.templates.iter().flat_map(Template::parameters))
            .flat_map(|path| lookup(request.parameters, path))
            .filter_map(|value| normal(&value))
            .collect();
        if !arns.is_empty() {
            return Some((arns, false));
        }
        self.templates.iter().enumerate().find_map(|(at, one)| {
            let arns = one.fill(request.scope, request.parameters)?;
            Some((arns, at > 0 && one.is_wide()))
        })
    }

    fn takes_parameters(&self) -> bool {
        let mut parameters = self.templates.iter().flat_map(Template::parameters);
        !self.arn_in.is_empty() || parameters.next().is_some()
    }

    /// Gives the ARNs of a resource that a request named, from that name alone: whatever else stands in its
    /// ARN is taken for anything.
    fn fill_named(&self, scope: Scope<'_>, name: &str) -> Option<(BTreeSet<String>, bool)> {
        if name.starts_with("arn:") {
            let arn = self.templates.iter().find_map(|one| one.normalise(name))?;
            return Some((BTreeSet::from([arn]), false));
        }
        // Whether the first template's own parameter was there is not known otherwise.
        self.templates.first()?.first_of(&RESOURCE_MEMBERS)?;
        let mut arns = BTreeSet::new();
        let mut widened = false;
        for template in &self.templates {
            let filled = template
                .first_of(&RESOURCE_MEMBERS)
                .and_then(|parameter| template.fill_one(scope, parameter, name));
            if let Some((arn, wide)) = filled {
                arns.insert(arn);
                widened |= wide;
            }
        }
        (!arns.is_empty()).then_some((arns, widened))
    }
}

impl Condition {
    pub(super) fn parse(
        what: &str,
        when: Option<String>,
        matches: Option<String>,
    ) -> Result<Self, String> {
        if matches.is_some() && when.is_none() {
            return Err(format!("{what}: matches without when"));
        }
        let pattern = matches
            .map(|pattern| Regex::new(&pattern).map_err(|error| format!("{what}: {error}")))
            .transpose()?;
        Ok(Self { when, pattern })
    }

    pub(super) fn holds(&self, parameters: &Value) -> bool {
        let Some(when) = &self.when else {
            return true;
        };
        match &self.pattern {
            None => is_there(parameters, when),
            Some(pattern) => lookup(parameters, when)
                .iter()
                .any(|value| pattern.is_match(value)),
        }
    }
}

pub(super) fn has_source(what: &str, source: &str) -> Result<(), String> {
    if source.starts_with("https://") {
        return Ok(());
    }
    Err(format!("{what}: source {source} is no address"))
}
