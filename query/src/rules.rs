//! Rules that are data: which calls of a node's session are the node's own work.

pub(crate) mod images;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use regex::Regex;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::text::is_kube2iam_session;

/// The rules that ship with podtrail.
const NODE_AGENTS: &str = include_str!("rules/node_agents.toml");

/// One rule of `rules/node_agents.toml`, which explains the members.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeAgentRule {
    name: String,
    component: String,
    actor: String,
    confidence: String,
    event_source: Option<String>,
    #[serde(default)]
    event_names: Vec<String>,
    user_agent_contains: Option<String>,
    user_agent_prefix: Option<String>,
    #[serde(default)]
    user_agent_bare_sdk: bool,
    session_name_pattern: Option<String>,
    #[serde(default)]
    session_name_kube2iam: bool,
    pattern: Option<String>,
    source: String,
    #[serde(skip)]
    session_name: Option<Regex>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<NodeAgentRule>,
}

/// Node agent rules, in order.
#[derive(Debug)]
pub(crate) struct NodeAgentRules {
    rules: Vec<NodeAgentRule>,
}

impl NodeAgentRules {
    /// Reads the rules that ship with podtrail.
    pub(crate) fn built_in() -> Result<Self> {
        Self::parse("node_agents.toml", NODE_AGENTS)
    }

    /// Puts rules of the user's own before those that ship with podtrail; one of the same name takes the
    /// other's place.
    pub(crate) fn with(file: &str, own: Vec<NodeAgentRule>) -> Result<Self> {
        let mut rules = Self::check(file, own)?;
        let names: HashSet<String> = rules.rules.iter().map(|rule| rule.name.clone()).collect();
        let built_in = Self::built_in()?.rules;
        rules.rules.extend(
            built_in
                .into_iter()
                .filter(|rule| !names.contains(&rule.name)),
        );
        Ok(rules)
    }

    fn parse(file: &str, text: &str) -> Result<Self> {
        let parsed: File = toml::from_str(text).map_err(|error| Error::Rules {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
        Self::check(file, parsed.rule)
    }

    fn check(file: &str, mut rules: Vec<NodeAgentRule>) -> Result<Self> {
        let refuse = |reason: String| Error::Rules {
            file: file.to_owned(),
            reason,
        };
        let mut names = HashSet::new();
        for rule in &rules {
            // Rules are joined by name.
            if !names.insert(rule.name.as_str()) {
                return Err(refuse(format!("rule {}: stands twice", rule.name)));
            }
        }
        for rule in &mut rules {
            let allowed = |what: &str, value: &str, values: &[&str]| {
                if values.contains(&value) {
                    return Ok(());
                }
                Err(refuse(format!(
                    "rule {}: {what} {value} is none of {}",
                    rule.name,
                    values.join(", ")
                )))
            };
            allowed("actor", &rule.actor, &["node_agent", "workload"])?;
            allowed("confidence", &rule.confidence, &["exact", "inferred"])?;
            allowed(
                "pattern",
                rule.pattern.as_deref().unwrap_or("boot"),
                &["boot", "pull"],
            )?;
            if let Some(pattern) = &rule.session_name_pattern {
                rule.session_name = Some(
                    Regex::new(pattern)
                        .map_err(|error| refuse(format!("rule {}: {error}", rule.name)))?,
                );
            }
        }
        Ok(Self { rules })
    }

    /// Gives the name of the first rule that fits a call.
    pub(crate) fn find(
        &self,
        event_source: Option<&str>,
        event_name: Option<&str>,
        user_agent: Option<&str>,
        issued_session_name: Option<&str>,
        issued_role_arn: Option<&str>,
    ) -> Option<&str> {
        let (source, name) = (
            event_source.unwrap_or_default(),
            event_name.unwrap_or_default(),
        );
        let (agent, session) = (
            user_agent.unwrap_or_default(),
            issued_session_name.unwrap_or_default(),
        );
        self.rules
            .iter()
            .find(|rule| {
                rule.event_source
                    .as_ref()
                    .is_none_or(|wanted| wanted == source)
                    && (rule.event_names.is_empty()
                        || rule.event_names.iter().any(|wanted| wanted == name))
                    && rule
                        .user_agent_contains
                        .as_ref()
                        .is_none_or(|wanted| agent.contains(wanted.as_str()))
                    && rule
                        .user_agent_prefix
                        .as_ref()
                        .is_none_or(|wanted| agent.starts_with(wanted.as_str()))
                    && (!rule.user_agent_bare_sdk || is_bare_go_sdk(agent))
                    && (!rule.session_name_kube2iam
                        || is_kube2iam_session(session, issued_role_arn.unwrap_or_default()))
                    && rule
                        .session_name
                        .as_ref()
                        .is_none_or(|wanted| wanted.is_match(session))
            })
            .map(|rule| rule.name.as_str())
    }

    /// Gives the rules as rows, for joins and for people.
    pub(crate) fn rows(&self) -> Result<RecordBatch> {
        let text = |pick: fn(&NodeAgentRule) -> Option<&str>| -> ArrayRef {
            Arc::new(self.rules.iter().map(pick).collect::<StringArray>())
        };
        let columns: [(&str, ArrayRef); 6] = [
            ("name", text(|rule| Some(&rule.name))),
            ("component", text(|rule| Some(&rule.component))),
            ("actor", text(|rule| Some(&rule.actor))),
            ("confidence", text(|rule| Some(&rule.confidence))),
            ("pattern", text(|rule| rule.pattern.as_deref())),
            ("source", text(|rule| Some(&rule.source))),
        ];
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, _)| Field::new(*name, DataType::Utf8, true))
            .collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| Error::Rules {
            file: "node_agents.toml".to_owned(),
            reason: error.to_string(),
        })
    }
}

/// True for an AWS SDK for Go whose user agent names no program: every part is one that the SDK itself
/// writes. Source: the SDKs' user agent format, `aws-sdk-go-v2` `aws/middleware/user_agent.go`.
fn is_bare_go_sdk(agent: &str) -> bool {
    if let Some(rest) = agent.strip_prefix("aws-sdk-go/") {
        // aws-sdk-go/1.44.322 (go1.19.12; linux; amd64)
        return rest.split_once(" (").is_some_and(|(_, tail)| {
            tail.ends_with(')') && !tail.trim_end_matches(')').contains(')')
        });
    }
    agent.starts_with("aws-sdk-go-v2/")
        && agent.split(' ').skip(1).all(|part| {
            ["ua/", "os/", "lang/", "md/", "api/", "m/", "cfg/", "ft/"]
                .iter()
                .any(|known| part.starts_with(known))
        })
}

#[cfg(test)]
mod tests;
