//! Which IAM actions a call needs, and on which resources: rules that are data, and how they are read.

mod rows;
mod template;

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::policy::About;
use rows::{ActionRow, Condition, File, ResourceRow, Service, has_source};
use template::Template;

pub(crate) use template::Scope;

/// The rules that ship with podtrail.
const IAM_ACTIONS: &str = include_str!("rules/iam_actions.toml");

/// Longest event name that is taken for one.
const MAX_EVENT_NAME_CHARS: usize = 128;

/// The rules, ready to use.
#[derive(Debug)]
pub(crate) struct IamActions {
    services: HashMap<String, Service>,
    prefixes: HashMap<String, String>,
    actions: HashMap<String, Vec<ActionRow>>,
    resources: HashMap<String, Vec<ResourceRow>>,
    data_events: HashMap<String, String>,
    named: BTreeSet<String>,
}

/// What a call needs to be allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// These actions, and whether the service is one that the rules know.
    Actions {
        prefix: String,
        actions: Vec<String>,
        service_known: bool,
    },
    /// Nothing that a policy could grant.
    Nothing { reason: String },
    /// No telling.
    Unknown { reason: String },
}

/// What a policy should name for an action of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resources {
    /// These, and whether some are wider than the call because the record does not name the resource.
    Arns {
        arns: BTreeSet<String>,
        widened: bool,
    },
    /// `*`, since the action takes no resource.
    NoResourceLevel,
    /// `*`, since the record does not name the resource.
    NotNamed,
    /// `*`, since the rules do not know the action's resources.
    NoRule,
}

/// A call, as far as its resources go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) event_name: &'a str,
    pub(crate) scope: Scope<'a>,
    /// The record's `requestParameters`, or null.
    pub(crate) parameters: &'a Value,
    /// The record's `resources`, or null.
    pub(crate) resources: &'a Value,
    /// Whether those two are known, and what is where they are not.
    pub(crate) about: About<'a>,
}

impl IamActions {
    /// Gives the rules that ship with podtrail.
    pub(crate) fn built_in() -> Result<&'static Self> {
        // They never change, and reading them takes longer than using them.
        static RULES: LazyLock<Result<IamActions>> =
            LazyLock::new(|| IamActions::parse("iam_actions.toml", IAM_ACTIONS));
        RULES.as_ref().map_err(|error| Error::Rules {
            file: "iam_actions.toml".to_owned(),
            reason: error.to_string(),
        })
    }

    fn parse(file: &str, text: &str) -> Result<Self> {
        let refuse = |reason: String| Error::Rules {
            file: file.to_owned(),
            reason,
        };
        let parsed: File = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let mut rules = Self {
            services: HashMap::new(),
            prefixes: HashMap::new(),
            actions: HashMap::new(),
            resources: HashMap::new(),
            data_events: HashMap::new(),
            named: BTreeSet::new(),
        };
        for service in parsed.service {
            rules.add_service(service).map_err(refuse)?;
        }
        for row in parsed.action {
            rules.add_action(row).map_err(refuse)?;
        }
        for row in parsed.resource {
            rules.add_resource(row).map_err(refuse)?;
        }
        for row in parsed.data_events {
            rules.known_service(&row.service).map_err(refuse)?;
            has_source(&row.service, &row.source).map_err(refuse)?;
            rules.data_events.insert(row.service, row.calls);
        }
        Ok(rules)
    }

    fn add_service(&mut self, service: Service) -> Result<(), String> {
        has_source(&service.prefix, &service.source)?;
        for event_source in &service.event_sources {
            let before = self
                .prefixes
                .insert(event_source.clone(), service.prefix.clone());
            if before.is_some() {
                return Err(format!("service {event_source}: stands twice"));
            }
        }
        self.named.extend(
            service
                .any_resource
                .iter()
                .filter(|name| !name.ends_with('*'))
                .map(|name| format!("{}:{name}", service.prefix)),
        );
        let prefix = service.prefix.clone();
        if self.services.insert(prefix.clone(), service).is_some() {
            return Err(format!("service {prefix}: stands twice"));
        }
        Ok(())
    }

    fn add_action(&mut self, mut row: ActionRow) -> Result<(), String> {
        self.known_service(&row.service)?;
        has_source(&row.service, &row.source)?;
        row.condition = Condition::parse(&row.service, row.when.take(), row.matches.take())?;
        if row.actions.is_empty() && row.reason.is_none() {
            return Err(format!(
                "action {:?}: neither actions nor a reason",
                row.events
            ));
        }
        if let Some(action) = row.actions.iter().find(|action| !action.contains(':')) {
            return Err(format!("action {action}: has no service prefix"));
        }
        self.named.extend(row.actions.iter().cloned());
        self.actions
            .entry(row.service.clone())
            .or_default()
            .push(row);
        Ok(())
    }

    fn add_resource(&mut self, mut row: ResourceRow) -> Result<(), String> {
        self.known_service(&row.prefix)?;
        has_source(&row.prefix, &row.source)?;
        row.condition = Condition::parse(&row.prefix, row.when.take(), row.matches.take())?;
        if row.arn.is_empty() {
            return Err(format!("resource of {}: no template", row.prefix));
        }
        row.templates = row
            .arn
            .iter()
            .map(|text| Template::parse(text))
            .collect::<Result<_, String>>()?;
        self.named.extend(
            row.actions
                .iter()
                .chain(&row.also)
                .map(|name| format!("{}:{name}", row.prefix)),
        );
        self.resources
            .entry(row.prefix.clone())
            .or_default()
            .push(row);
        Ok(())
    }

    fn known_service(&self, prefix: &str) -> Result<(), String> {
        if self.services.contains_key(prefix) {
            return Ok(());
        }
        Err(format!("{prefix}: no such service"))
    }

    /// Gives the actions that a call needs.
    pub(crate) fn needs(&self, event_source: &str, event_name: &str, parameters: &Value) -> Needs {
        // The China partition writes some sources with its own ending.
        let event_source = event_source.strip_suffix(".cn").unwrap_or(event_source);
        let name = without_version(event_name);
        let well_formed = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= MAX_EVENT_NAME_CHARS
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        if !well_formed {
            return Needs::Unknown {
                reason: "the event's name is no name of an API operation".to_owned(),
            };
        }
        let Some((prefix, service_known)) = self.prefix(event_source) else {
            return Needs::Unknown {
                reason: "no service prefix is known for the event source".to_owned(),
            };
        };
        let rows = self.actions.get(prefix).map_or(&[][..], Vec::as_slice);
        let fits = |row: &&ActionRow| row.events.iter().any(|wanted| is_like(name, wanted));
        let mut actions: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row.condition.when.is_some() && row.condition.holds(parameters))
            .filter(fits)
            .flat_map(|row| row.actions.iter().map(String::as_str))
            .collect();
        if actions.is_empty() {
            let row = rows
                .iter()
                .filter(|row| row.condition.when.is_none())
                .find(fits);
            let Some(row) = row else {
                return Needs::Actions {
                    prefix: prefix.to_owned(),
                    actions: vec![format!("{prefix}:{name}")],
                    service_known,
                };
            };
            if let (true, Some(reason)) = (row.actions.is_empty(), &row.reason) {
                return Needs::Nothing {
                    reason: reason.clone(),
                };
            }
            actions.extend(row.actions.iter().map(String::as_str));
        }
        Needs::Actions {
            prefix: prefix.to_owned(),
            actions: actions.into_iter().map(str::to_owned).collect(),
            service_known,
        }
    }

    /// Gives the prefix of an event source, and whether the rules name the source. The general rule is
    /// that the source is the prefix and the domain.
    fn prefix<'a>(&'a self, event_source: &'a str) -> Option<(&'a str, bool)> {
        if let Some(prefix) = self.prefixes.get(event_source) {
            return Some((prefix, true));
        }
        let label = event_source.strip_suffix(".amazonaws.com")?;
        let plain = label.starts_with(|first: char| first.is_ascii_lowercase())
            && label
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        plain.then_some((label, false))
    }

    /// Tells whether the rules name an action; the others come from the general rule.
    pub(crate) fn names(&self, action: &str) -> bool {
        self.named.contains(action)
    }

    /// Gives the calls of a service that only data events show.
    pub(crate) fn data_events(&self, prefix: &str) -> Option<&str> {
        self.data_events.get(prefix).map(String::as_str)
    }

    /// Gives the services that the rules know to have data events, and those calls.
    pub(crate) fn all_data_events(&self) -> impl Iterator<Item = (&str, &str)> {
        self.data_events
            .iter()
            .map(|(prefix, calls)| (prefix.as_str(), calls.as_str()))
    }

    /// Gives the resources of a call that a policy should name for one of the call's actions.
    pub(crate) fn resources(&self, action: &str, request: &Request<'_>) -> Resources {
        let Some((prefix, name)) = action.split_once(':') else {
            return Resources::NoRule;
        };
        let any = self.services.get(prefix).is_some_and(|service| {
            service
                .any_resource
                .iter()
                .any(|wanted| is_like(name, wanted))
        });
        let event = without_version(request.event_name);
        let mut rows: Vec<&ResourceRow> = self
            .resources
            .get(prefix)
            .into_iter()
            .flatten()
            .filter(|row| {
                row.actions
                    .iter()
                    .chain(&row.also)
                    .any(|wanted| wanted == name)
            })
            .filter(|row| row.events.is_empty() || row.events.iter().any(|wanted| wanted == event))
            .collect();
        if rows.iter().any(|row| !row.events.is_empty()) {
            rows.retain(|row| !row.events.is_empty());
        }
        if rows.is_empty() {
            return if any {
                Resources::NoResourceLevel
            } else {
                Resources::NoRule
            };
        }
        // Which of these rows hold can only be told from the request.
        let conditional = rows.iter().any(|row| row.condition.when.is_some());
        if conditional && request.about != About::Request {
            return Resources::NotNamed;
        }
        rows.retain(|row| row.condition.holds(request.parameters));
        let mut all = BTreeSet::new();
        let mut widened = false;
        for row in rows {
            match row.fill(request) {
                Some((arns, wide)) => {
                    all.extend(arns);
                    widened |= wide;
                }
                // Without it the action would be refused.
                None if row.actions.iter().any(|wanted| wanted == name) => {
                    return Resources::NotNamed;
                }
                None => {}
            }
        }
        if all.is_empty() {
            return Resources::NotNamed;
        }
        Resources::Arns { arns: all, widened }
    }
}

/// Compares a name with a rule's, where a trailing `*` is any rest.
fn is_like(name: &str, wanted: &str) -> bool {
    wanted
        .strip_suffix('*')
        .map_or(name == wanted, |start| name.starts_with(start))
}

/// Drops the API version that some services write behind an event's name, `20150331`, `2020_05_31`
/// or `20150331v2`. Source: CloudTrail user guide and Lambda developer guide, "Logging with CloudTrail".
fn without_version(event_name: &str) -> &str {
    let head = event_name
        .rsplit_once('v')
        .filter(|(_, version)| {
            (1..=2).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit())
        })
        .map_or(event_name, |(head, _)| head);
    for pattern in ["dddddddd", "dddd_dd_dd"] {
        let Some(at) = head.len().checked_sub(pattern.len()) else {
            continue;
        };
        let (Some(name), Some(date)) = (head.get(..at), head.get(at..)) else {
            continue;
        };
        let is_date = date.starts_with("20")
            && date.bytes().zip(pattern.bytes()).all(|(byte, kind)| {
                if kind == b'd' {
                    byte.is_ascii_digit()
                } else {
                    byte == kind
                }
            });
        if is_date && !name.is_empty() {
            return name;
        }
    }
    event_name
}

#[cfg(test)]
mod tests;
