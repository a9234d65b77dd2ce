//! The `aws-auth` config map: IAM identities to Kubernetes users and groups, as YAML inside JSON.

use serde_json::Value;

use super::collect::{Collector, Scope};
use super::json::{Attributes, text, texts};
use super::observation::{Kind, Observation};
use super::{Error, Sink};

/// Reads the rows of `mapRoles` and `mapUsers`. The config map is a complete list of them, so it gives a
/// listing too, unless a row could not be read.
pub(super) fn config_map<S: Sink>(
    object: &Value,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<(), Error> {
    let mut items = 0u64;
    let mut complete = true;
    for (member, entry, key) in [
        ("mapRoles", "role", "rolearn"),
        ("mapUsers", "user", "userarn"),
    ] {
        // Longer than any single text that is kept: up to the size of an object.
        let yaml = object.get("data").and_then(|data| data.get(member));
        let Some(yaml) = yaml.and_then(Value::as_str) else {
            continue;
        };
        let Some(rows) = rows(yaml) else {
            complete = false;
            let detail = format!("{member} is not a YAML list");
            out.reject("invalid_aws_auth", &detail, b"")?;
            continue;
        };
        for row in &rows {
            let Some(observation) = self::row(row, entry, key, scope) else {
                complete = false;
                let detail = format!("a row of {member} has no {key}");
                out.reject("invalid_aws_auth", &detail, b"")?;
                continue;
            };
            items += 1;
            out.emit(observation)?;
        }
    }
    if complete && scope.cluster.is_some() {
        out.listed_all(listing(items, scope))?;
    }
    Ok(())
}

/// A listing of the rows.
pub(super) fn listing(items: u64, scope: &Scope) -> Observation {
    let place = scope.observation(Kind::AwsAuth, Kind::AwsAuth.as_str());
    let mut attributes = Attributes::default();
    attributes.value("items", Some(items.into()));
    Observation {
        kind: Kind::Listing,
        attributes: attributes.into_map(),
        ..place
    }
}

/// The rows of a YAML list; an empty text is an empty list.
fn rows(yaml: &str) -> Option<Vec<Value>> {
    if yaml.trim().is_empty() {
        return Some(Vec::new());
    }
    serde_saphyr::from_str::<Option<Vec<Value>>>(yaml)
        .ok()
        .map(Option::unwrap_or_default)
}

fn row(row: &Value, entry: &str, key: &str, scope: &Scope) -> Option<Observation> {
    let mut observation = scope.observation(Kind::AwsAuth, text(row, &[key])?);
    let mut attributes = Attributes::default();
    attributes.text("entry", Some(entry));
    attributes.text("username", text(row, &["username"]));
    attributes.list("groups", texts(row, &["groups"]));
    observation.attributes = attributes.into_map();
    Some(observation)
}

#[cfg(test)]
mod tests;
