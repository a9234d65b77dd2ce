//! IAM roles and instance profiles.

use serde_json::Value;

use super::super::json::at;
use super::super::limits::POLICY_BYTES;
use super::{
    Attributes, Collector, Error, Kind, Malformed, Observation, Scope, Sink, arn, list, owned,
    text, time_at,
};
use crate::percent;

/// Reads a role of get-role, list-roles or get-account-authorization-details.
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
    let policy = at(object, &["AssumeRolePolicyDocument"]);
    attributes.value("trust_policy", policy.and_then(trust_policy));
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

/// The AWS CLI prints trust policies as objects; the API has them URL-encoded (RFC 3986).
fn trust_policy(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) if value.to_string().len() <= POLICY_BYTES => Some(value.clone()),
        Value::String(text) if text.len() <= POLICY_BYTES => {
            let policy: Value = serde_json::from_str(&percent::decoded(text)?).ok()?;
            policy.is_object().then_some(policy)
        }
        _ => None,
    }
}
