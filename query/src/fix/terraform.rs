//! A fix as Terraform.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::json::ordered;
use super::{Cause, Plan};

impl Plan<'_> {
    pub(super) fn terraform(&self) -> Option<String> {
        let mut variables = Vec::new();
        let blocks: Vec<String> = match self.case.cause {
            _ if self.makes_role() => self.role_blocks(&mut variables),
            Cause::AssociationMissingAgent => vec![self.agent(&mut variables)],
            Cause::OidcProviderMissing => vec![self.issuer_block(&mut variables)],
            Cause::TrustDenied => {
                let trust = self.wanted_trust()?;
                vec![block(
                    "locals",
                    &[],
                    &[("assume_role_policy", encoded(&trust))],
                )]
            }
            _ => return None,
        };
        variables.extend(blocks);
        Some(variables.join("\n"))
    }

    fn role_blocks(&self, variables: &mut Vec<String>) -> Vec<String> {
        let id = identifier(self.service_account.as_deref().unwrap_or("workload"));
        let role = self.role_name().unwrap_or_default();
        let mut blocks = Vec::new();
        let agent = (!self.case.agent_seen_in_cluster).then(|| self.agent(variables));
        blocks.push(block(
            "resource",
            &["aws_iam_role", &id],
            &[
                ("name", string(&role)),
                ("assume_role_policy", encoded(&self.pod_identity_trust())),
            ],
        ));
        let documents = &self.case.policy.documents;
        if let [document] = documents.as_slice() {
            blocks.push(block(
                "resource",
                &["aws_iam_role_policy", &id],
                &[
                    ("name", string("observed")),
                    ("role", format!("aws_iam_role.{id}.name")),
                    ("policy", encoded(document)),
                ],
            ));
        } else {
            for (at, document) in documents.iter().enumerate() {
                let part = format!("{id}_{}", at + 1);
                blocks.push(block(
                    "resource",
                    &["aws_iam_policy", &part],
                    &[
                        ("name", string(&format!("{role}-{}", at + 1))),
                        ("policy", encoded(document)),
                    ],
                ));
                blocks.push(block(
                    "resource",
                    &["aws_iam_role_policy_attachment", &part],
                    &[
                        ("role", format!("aws_iam_role.{id}.name")),
                        ("policy_arn", format!("aws_iam_policy.{part}.arn")),
                    ],
                ));
            }
        }
        let cluster = given(self.cluster, "cluster_name", variables);
        let namespace = given(self.namespace, "namespace", variables);
        let account = given(
            self.service_account.as_deref(),
            "service_account",
            variables,
        );
        let account = if self.new_service_account {
            blocks.push(service_account(&id, account, namespace.clone()));
            format!("kubernetes_service_account_v1.{id}.metadata[0].name")
        } else {
            account
        };
        blocks.push(block(
            "resource",
            &["aws_eks_pod_identity_association", &id],
            &[
                ("cluster_name", cluster),
                ("namespace", namespace),
                ("service_account", account),
                ("role_arn", format!("aws_iam_role.{id}.arn")),
            ],
        ));
        blocks.extend(agent);
        blocks
    }

    fn agent(&self, variables: &mut Vec<String>) -> String {
        let cluster = given(self.cluster, "cluster_name", variables);
        block(
            "resource",
            &["aws_eks_addon", "eks_pod_identity_agent"],
            &[
                ("cluster_name", cluster),
                ("addon_name", string("eks-pod-identity-agent")),
            ],
        )
    }

    fn issuer_block(&self, variables: &mut Vec<String>) -> String {
        let url = match self.issuer {
            Some(issuer) => string(&format!("https://{issuer}")),
            None => given(None, "oidc_issuer_url", variables),
        };
        block(
            "resource",
            &["aws_iam_openid_connect_provider", "cluster"],
            &[
                ("url", url),
                ("client_id_list", value(&json!(["sts.amazonaws.com"]), 1)),
            ],
        )
    }
}

/// Gives a value, or a variable for one that is not known.
fn given(known: Option<&str>, variable: &str, variables: &mut Vec<String>) -> String {
    if let Some(known) = known {
        return string(known);
    }
    let declared = block("variable", &[variable], &[("type", "string".to_owned())]);
    if !variables.contains(&declared) {
        variables.push(declared);
    }
    format!("var.{variable}")
}

/// Writes a service account: the one resource of the provider `hashicorp/kubernetes`.
fn service_account(id: &str, name: String, namespace: String) -> String {
    let members = [("name", name), ("namespace", namespace)];
    format!(
        "resource \"kubernetes_service_account_v1\" {} {{\n  metadata {{\n{}  }}\n}}\n",
        string(id),
        aligned(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
            2
        )
    )
}

/// Writes a block as `terraform fmt` would.
fn block(kind: &str, labels: &[&str], arguments: &[(&str, String)]) -> String {
    let mut text = kind.to_owned();
    for label in labels {
        text.push(' ');
        text.push_str(&string(label));
    }
    text.push_str(" {\n");
    text.push_str(&aligned(
        arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
        1,
    ));
    text.push_str("}\n");
    text
}

/// Writes `name = value` lines with the signs of neighbouring lines below each other.
fn aligned(members: impl Iterator<Item = (String, String)>, depth: usize) -> String {
    let members: Vec<(String, String)> = members.collect();
    let mut text = String::new();
    let mut at = 0;
    while at < members.len() {
        // A value of several lines ends the lines that are aligned, as their last.
        let lines = members[at..]
            .iter()
            .position(|(_, value)| value.contains('\n'))
            .map_or(members.len() - at, |position| position.max(1));
        let group = &members[at..at + lines];
        let width = group
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or_default();
        for (name, value) in group {
            text.push_str(&"  ".repeat(depth));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:width$} = {value}");
        }
        at += lines;
    }
    text
}

fn encoded(document: &Value) -> String {
    format!("jsonencode({})", value(document, 1))
}

/// Writes JSON as an HCL expression.
fn value(json: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match json {
        Value::String(text) => string(text),
        Value::Array(members) => match members.as_slice() {
            [] => "[]".to_owned(),
            [one] if !one.is_object() && !one.is_array() => format!("[{}]", value(one, depth)),
            _ => {
                let mut lines = String::new();
                for member in members {
                    let _ = writeln!(lines, "{indent}  {},", value(member, depth + 1));
                }
                format!("[\n{lines}{indent}]")
            }
        },
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let lines = aligned(
                ordered(members)
                    .into_iter()
                    .map(|(name, member)| (key(name), value(member, depth + 1))),
                depth + 1,
            );
            format!("{{\n{lines}{indent}}}")
        }
        // Numbers, booleans and null are written alike.
        other => other.to_string(),
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { string(name) }
}

/// Writes a string in which nothing has a meaning. Source: HCL native syntax specification, string
/// literals and template sequences.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut rest = text.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // The doubled sign is the usual way, and is ambiguous behind a third.
            '$' | '%' if rest.peek() == Some(&'{') && before != Some(c) => {
                quoted.push(c);
                quoted.push(c);
            }
            '$' if rest.peek() == Some(&'{') => quoted.push_str("\\u0024"),
            '%' if rest.peek() == Some(&'{') => quoted.push_str("\\u0025"),
            _ => quoted.push(c),
        }
        before = Some(c);
    }
    quoted.push('"');
    quoted
}

/// Makes a name that Terraform takes for a resource.
fn identifier(name: &str) -> String {
    let text: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return text;
    }
    format!("workload_{text}")
}
