//! Whom an IAM trust policy lets assume a role with a service account's token (IRSA).
//!
//! Source: IAM user guide, "Create a role for OpenID Connect federation"; EKS user guide, "Assign IAM roles
//! to Kubernetes service accounts".

use serde_json::{Value, json};

use crate::text;

/// One service account, or pattern of them, that a trust policy names.
#[derive(Debug, PartialEq, Eq)]
struct Trusted<'a> {
    issuer: &'a str,
    subject: Option<&'a str>,
}

/// Gives what a trust policy trusts: for each subject of each OIDC provider a JSON object with `issuer`,
/// `namespace`, `service_account` and `wildcard` (true where more than one service account fits).
#[must_use]
pub(crate) fn trusted_service_accounts(policy: &str) -> Option<Vec<String>> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let mut found = Vec::new();
    for statement in many(policy.get("Statement")?) {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        let providers = statement
            .get("Principal")
            .and_then(|principal| principal.get("Federated"));
        for provider in providers
            .into_iter()
            .flat_map(many)
            .filter_map(Value::as_str)
        {
            // Providers without an ARN (accounts.google.com) are not Kubernetes.
            let Some((_, issuer)) = provider.split_once(":oidc-provider/") else {
                continue;
            };
            found.extend(subjects(statement, issuer));
        }
    }
    Some(
        found
            .iter()
            .filter_map(|trusted| {
                let subject = trusted.subject.unwrap_or("*");
                let account = text::service_account(subject);
                let wildcard = subject.contains(['*', '?']);
                (wildcard || account.is_some()).then(|| {
                    json!({
                        "issuer": trusted.issuer,
                        "namespace": account.map(|(namespace, _)| namespace),
                        "service_account": account.map(|(_, name)| name),
                        "wildcard": wildcard,
                    })
                    .to_string()
                })
            })
            .collect(),
    )
}

/// A value, or the values of a list: IAM takes both everywhere.
pub(crate) fn many(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(list) => list.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

fn subjects<'a>(statement: &'a Value, issuer: &'a str) -> Vec<Trusted<'a>> {
    let key = format!("{issuer}:sub");
    let mut found = Vec::new();
    let conditions = statement.get("Condition").and_then(Value::as_object);
    for (operator, tests) in conditions.into_iter().flatten() {
        let operator = operator.rsplit(':').next().unwrap_or(operator);
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        if !matches!(
            operator,
            "StringEquals" | "StringLike" | "StringEqualsIgnoreCase"
        ) {
            continue;
        }
        let values = tests
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.eq_ignore_ascii_case(&key));
        for subject in values
            .flat_map(|(_, value)| many(value))
            .filter_map(Value::as_str)
        {
            found.push(Trusted {
                issuer,
                subject: Some(subject),
            });
        }
    }
    if found.is_empty() {
        found.push(Trusted {
            issuer,
            subject: None,
        });
    }
    found
}

#[cfg(test)]
mod tests;
