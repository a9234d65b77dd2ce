//! IAM policy documents: statements that are grouped, ordered and no longer than IAM takes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Grants;

/// Longest managed policy, without whitespace. Source: IAM user guide, "IAM and AWS STS quotas".
pub(super) const MAX_POLICY_CHARS: usize = 6_144;

/// What a document has around its statements.
const ENVELOPE_CHARS: usize = r#"{"Version":"2012-10-17","Statement":[]}"#.len();

/// Room that a statement's Sid may need beyond the first.
const SID_CHARS: usize = 24;

#[derive(Debug, Clone)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
}

/// Writes what is granted as policy documents, the same text for the same grants.
pub(super) fn documents(grants: &Grants) -> Vec<Value> {
    let mut by_resources: BTreeMap<&BTreeSet<String>, Vec<String>> = BTreeMap::new();
    for (action, resources) in grants {
        by_resources
            .entry(resources)
            .or_default()
            .push(action.clone());
    }
    let mut statements: Vec<Statement> = by_resources
        .into_iter()
        .map(|(resources, actions)| Statement {
            actions,
            resources: resources.iter().cloned().collect(),
        })
        .flat_map(Statement::fit)
        .collect();
    statements.sort_by(|a, b| (&a.actions, &a.resources).cmp(&(&b.actions, &b.resources)));

    let mut packed: Vec<Vec<Statement>> = Vec::new();
    let mut left = 0;
    for statement in statements {
        let chars = statement.chars();
        match packed.last_mut() {
            Some(document) if chars <= left => {
                left -= chars;
                document.push(statement);
            }
            _ => {
                left = (MAX_POLICY_CHARS - ENVELOPE_CHARS).saturating_sub(chars);
                packed.push(vec![statement]);
            }
        }
    }
    let mut sids: BTreeMap<String, usize> = BTreeMap::new();
    packed
        .iter()
        .map(|document| {
            let statements: Vec<Value> = document
                .iter()
                .map(|statement| statement.to_json(&mut sids))
                .collect();
            json!({ "Version": "2012-10-17", "Statement": statements })
        })
        .collect()
}

impl Statement {
    /// Length in a document, with the comma before it.
    fn chars(&self) -> usize {
        self.to_json(&mut BTreeMap::new())
            .to_string()
            .chars()
            .filter(|c| !c.is_whitespace())
            .count()
            + SID_CHARS
    }

    /// Splits a statement that no document could hold, by resources and then by actions.
    fn fit(self) -> Vec<Self> {
        if self.chars() <= MAX_POLICY_CHARS - ENVELOPE_CHARS {
            return vec![self];
        }
        let halves = |list: &[String]| {
            let (a, b) = list.split_at(list.len() / 2);
            [a.to_vec(), b.to_vec()]
        };
        let parts: Vec<Self> = if self.resources.len() > 1 {
            halves(&self.resources)
                .map(|resources| Self {
                    actions: self.actions.clone(),
                    resources,
                })
                .into()
        } else if self.actions.len() > 1 {
            halves(&self.actions)
                .map(|actions| Self {
                    actions,
                    resources: self.resources.clone(),
                })
                .into()
        } else {
            return vec![self];
        };
        parts.into_iter().flat_map(Self::fit).collect()
    }

    fn to_json(&self, sids: &mut BTreeMap<String, usize>) -> Value {
        let name = self.sid();
        let number = sids.entry(name.clone()).or_default();
        *number += 1;
        json!({
            "Sid": format!("{name}{number}"),
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resources,
        })
    }

    /// Names a statement by its service. A Sid may hold letters and digits only.
    fn sid(&self) -> String {
        let prefixes: BTreeSet<&str> = self
            .actions
            .iter()
            .filter_map(|action| Some(action.split_once(':')?.0))
            .collect();
        let mut services = prefixes.into_iter();
        let (Some(prefix), None) = (services.next(), services.next()) else {
            return "Several".to_owned();
        };
        prefix
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter_map(|word| {
                let (first, rest) = word.split_at_checked(1)?;
                Some(first.to_ascii_uppercase() + rest)
            })
            .chain(["Use".to_owned()])
            .collect()
    }
}
