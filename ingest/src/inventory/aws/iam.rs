//! IAM roles with their policies, and instance profiles.

use serde_json::{Value, json};

use super::super::json::at;
use super::super::limits::{LIST_ENTRIES, POLICY_BYTES};
use super::{
    Attributes, Collector, Error, Kind, Malformed, Observation, Scope, Sink, arn, flag, list,
    owned, text, time_at,
};
use crate::percent;

/// Reads a role of get-role, list-roles or get-account-authorization-details. Only the last shows its policies.
pub(in super::super) fn role(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let name = text(object, &["RoleName"]).ok_or(Malformed("RoleName is missing"))?;
    let own = text(object, &["Arn"]);
    let mut observation = scope.observation(Kind::Role, name);
    observation.account_id = account(own);
    observation.uid = owned(object, &["RoleId"]);
    let created_at = time_at(object, &["CreateDate"]);
    observation.valid_from = created_at;
    let mut attributes = Attributes::default();
    attributes.text("arn", own);
    let trust = at(object, &["AssumeRolePolicyDocument"]);
    attributes.value("trust_policy", trust.and_then(policy_document));
    policies(object, &mut attributes);
    attributes.time("created_at", created_at);
    attributes.time(
        "last_used_at",
        time_at(object, &["RoleLastUsed", "LastUsedDate"]),
    );
    attributes.text(
        "last_used_region",
        text(object, &["RoleLastUsed", "Region"]),
    );
    attributes.text("description", text(object, &["Description"]));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// What a role may do: its inline policies, and the ARNs of those attached and of its boundary. An empty list is
/// a role without.
fn policies(object: &Value, attributes: &mut Attributes) {
    let lists = ["RolePolicyList", "AttachedManagedPolicies"];
    let [Some(inline), Some(attached)] = lists.map(|name| object.get(name)?.as_array()) else {
        return;
    };
    let inline = inline.iter().take(LIST_ENTRIES).map(|policy| {
        json!({
            "name": text(policy, &["PolicyName"]),
            "document": at(policy, &["PolicyDocument"]).and_then(policy_document),
        })
    });
    attributes.value("inline_policies", Some(inline.collect()));
    let attached = attached.iter().take(LIST_ENTRIES);
    let attached = attached.filter_map(|policy| text(policy, &["PolicyArn"]).map(Value::from));
    attributes.value("attached_policies", Some(attached.collect()));
    attributes.text(
        "permissions_boundary",
        text(object, &["PermissionsBoundary", "PermissionsBoundaryArn"]),
    );
}

/// Reads a managed policy of get-account-authorization-details: the version that counts.
pub(in super::super) fn managed_policy(
    object: &Value,
    scope: &Scope,
) -> Result<Observation, Malformed> {
    let own = text(object, &["Arn"]).ok_or(Malformed("Arn is missing"))?;
    let name = text(object, &["PolicyName"]).ok_or(Malformed("PolicyName is missing"))?;
    let mut observation = scope.observation(Kind::ManagedPolicy, name);
    // Those of AWS are in no account of anybody.
    observation.account_id = account(Some(own)).filter(|account| account != "aws");
    observation.uid = owned(object, &["PolicyId"]);
    let mut attributes = Attributes::default();
    attributes.text("arn", Some(own));
    let versions = list(object, &["PolicyVersionList"]);
    let counts = |version: &&Value| flag(version, &["IsDefaultVersion"]) == Some(true);
    let document = versions.iter().find(counts);
    let document = document.and_then(|version| at(version, &["Document"]));
    attributes.value("document", document.and_then(policy_document));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// Reads a role of get-account-authorization-details with the instance profiles it is in.
pub(in super::super) fn role_detail<S: Sink>(
    object: &Value,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<(), Error> {
    out.take(role(object, scope), object)?;
    for profile in list(object, &["InstanceProfileList"]) {
        instance_profile(profile, scope, out)?;
    }
    Ok(())
}

/// Reads an instance profile, which holds its role as a whole.
pub(in super::super) fn instance_profile<S: Sink>(
    object: &Value,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<(), Error> {
    let Some(name) = text(object, &["InstanceProfileName"]) else {
        let malformed = Err(Malformed("InstanceProfileName is missing"));
        return out.take(malformed, object);
    };
    let own = text(object, &["Arn"]);
    let mut observation = scope.observation(Kind::InstanceProfile, name);
    observation.account_id = account(own);
    observation.uid = owned(object, &["InstanceProfileId"]);
    observation.valid_from = time_at(object, &["CreateDate"]);
    let mut attributes = Attributes::default();
    attributes.text("arn", own);
    let roles = list(object, &["Roles"]);
    attributes.list(
        "role_arns",
        roles.iter().filter_map(|role| text(role, &["Arn"])),
    );
    observation.attributes = attributes.into_map();
    out.emit(observation)?;
    for role in roles.iter().filter(|role| role.get("RoleId").is_some()) {
        out.take(self::role(role, scope), role)?;
    }
    Ok(())
}

fn account(own: Option<&str>) -> Option<String> {
    own.and_then(arn)?.account.map(str::to_owned)
}

/// The AWS CLI prints policies as objects; the API has them URL-encoded (RFC 3986).
fn policy_document(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) if value.to_string().len() <= POLICY_BYTES => Some(value.clone()),
        Value::String(text) if text.len() <= POLICY_BYTES => {
            let policy: Value = serde_json::from_str(&percent::decoded(text)?).ok()?;
            policy.is_object().then_some(policy)
        }
        _ => None,
    }
}
