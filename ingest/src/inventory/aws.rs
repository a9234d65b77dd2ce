//! What the AWS CLI prints of EKS and IAM.

mod ec2;
mod iam;

use serde_json::{Value, json};

pub(super) use ec2::{instance, reservation};
pub(super) use iam::{instance_profile, managed_policy, role, role_detail};

use super::collect::{Collector, Malformed, Scope};
use super::json::{Arn, Attributes, arn, at, flag, list, owned, text, texts, time_at};
use super::limits::LIST_ENTRIES;
use super::observation::{Kind, Observation};
use super::{Cluster, Error, Sink};

/// Commands that print only names, by the member that holds them.
pub(super) const NAMES_ONLY: &[(&str, &str)] = &[
    ("addons", "list_addons"),
    ("clusters", "list_clusters"),
    ("fargateProfileNames", "list_fargate_profiles"),
    ("nodegroups", "list_nodegroups"),
];

/// Members that hold the one object of a describe or get command.
const WRAPPERS: &[&str] = &[
    "InstanceProfile",
    "Policy",
    "Role",
    "accessEntry",
    "association",
    "cluster",
    "fargateProfile",
    "nodegroup",
];

/// Reads the document of a describe or get command, or an object a `--query` took out of one. `false`
/// if it is neither.
pub(super) fn document<S: Sink>(
    document: &Value,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<bool, Error> {
    if document
        .get("associatedAccessPolicies")
        .is_some_and(Value::is_array)
    {
        out.take(access_policies(document, scope), document)?;
        return Ok(true);
    }
    let mut found = false;
    for name in WRAPPERS {
        if let Some(inner) = document.get(name).filter(|inner| inner.is_object()) {
            found |= object(inner, scope, out)?;
        }
    }
    if found {
        return Ok(true);
    }
    object(document, scope, out)
}

/// Reads an object by the member that names it and that no other kind has.
pub(super) fn object<S: Sink>(
    object: &Value,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<bool, Error> {
    let has = |name: &str| object.get(name).is_some();
    let made = if has("associationArn") || has("associationId") {
        association(object, scope)
    } else if has("accessEntryArn") {
        access_entry(object, scope)
    } else if has("nodegroupArn") {
        nodegroup(object, scope)
    } else if has("fargateProfileArn") {
        fargate_profile(object, scope)
    } else if has("InstanceProfileId") {
        instance_profile(object, scope, out)?;
        return Ok(true);
    } else if has("PolicyId") {
        managed_policy(object, scope)
    } else if has("RoleId") {
        role(object, scope)
    } else if has("InstanceId") && (has("PrivateDnsName") || has("MetadataOptions")) {
        instance(object, None, scope)
    } else if cluster_arn(object).is_some() {
        cluster(object, scope)
    } else {
        return Ok(false);
    };
    out.take(made, object)?;
    Ok(true)
}

fn cluster_arn(object: &Value) -> Option<Arn<'_>> {
    arn(text(object, &["arn"])?)
        .filter(|arn| arn.service == "eks" && arn.resource.starts_with("cluster/"))
}

/// The cluster a describe-cluster document, or a cluster ARN, speaks of.
pub(super) fn cluster_of(document: &Value) -> Option<Cluster> {
    let object = document.get("cluster").unwrap_or(document);
    let arn = cluster_arn(object);
    let name = text(object, &["name"])
        .or_else(|| arn.and_then(|arn| arn.resource.strip_prefix("cluster/")))?;
    arn?;
    Some(Cluster {
        name: name.to_owned(),
        account_id: arn.and_then(|arn| arn.account).map(str::to_owned),
        region: arn.and_then(|arn| arn.region).map(str::to_owned),
    })
}

/// An observation of an EKS object: its ARN tells account and region, and it names its cluster.
fn eks(
    kind: Kind,
    name: &str,
    cluster: Option<&str>,
    own: Option<&str>,
    scope: &Scope,
) -> Observation {
    let mut observation = scope.observation(kind, name);
    if let Some(cluster) = cluster {
        if observation.cluster.as_deref() != Some(cluster) {
            observation.account_id = None;
            observation.region = None;
        }
        observation.cluster = Some(cluster.to_owned());
    }
    if let Some(own) = own.and_then(arn) {
        observation.account_id = own.account.map(str::to_owned).or(observation.account_id);
        observation.region = own.region.map(str::to_owned).or(observation.region);
    }
    observation
}

fn cluster(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let found = cluster_of(object).ok_or(Malformed("arn is missing"))?;
    let own = text(object, &["arn"]);
    let mut observation = eks(Kind::Cluster, &found.name, Some(&found.name), own, scope);
    let created_at = time_at(object, &["createdAt"]);
    observation.valid_from = created_at;
    let mut attributes = Attributes::default();
    attributes.text("arn", own);
    let issuer = text(object, &["identity", "oidc", "issuer"]);
    let issuer = issuer.map(|issuer| issuer.strip_prefix("https://").unwrap_or(issuer));
    attributes.text("oidc_issuer", issuer);
    attributes.text("cluster_role_arn", text(object, &["roleArn"]));
    attributes.text("status", text(object, &["status"]));
    attributes.text("version", text(object, &["version"]));
    attributes.time("created_at", created_at);
    let mode = text(object, &["accessConfig", "authenticationMode"]);
    attributes.text("authentication_mode", mode);
    attributes.flag("auto_mode", flag(object, &["computeConfig", "enabled"]));
    let auto_role = text(object, &["computeConfig", "nodeRoleArn"]);
    attributes.text("auto_mode_node_role_arn", auto_role);
    attributes.text("vpc_id", text(object, &["resourcesVpcConfig", "vpcId"]));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// Reads a Pod Identity association; the list has only some of its members.
pub(super) fn association(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let account =
        text(object, &["serviceAccount"]).ok_or(Malformed("serviceAccount is missing"))?;
    let namespace = owned(object, &["namespace"]).ok_or(Malformed("namespace is missing"))?;
    let own = text(object, &["associationArn"]);
    let cluster = text(object, &["clusterName"]);
    let mut observation = eks(Kind::PodIdentityAssociation, account, cluster, own, scope);
    observation.namespace = Some(namespace);
    observation.uid = owned(object, &["associationId"]);
    let created_at = time_at(object, &["createdAt"]);
    observation.valid_from = created_at;
    let mut attributes = Attributes::default();
    attributes.text("association_arn", own);
    attributes.text("role_arn", text(object, &["roleArn"]));
    attributes.text("target_role_arn", text(object, &["targetRoleArn"]));
    attributes.text("external_id", text(object, &["externalId"]));
    attributes.flag(
        "disable_session_tags",
        flag(object, &["disableSessionTags"]),
    );
    attributes.time("created_at", created_at);
    attributes.time("modified_at", time_at(object, &["modifiedAt"]));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

fn access_entry(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let principal = text(object, &["principalArn"]).ok_or(Malformed("principalArn is missing"))?;
    let own = text(object, &["accessEntryArn"]);
    let cluster = text(object, &["clusterName"]);
    let mut observation = eks(Kind::AccessEntry, principal, cluster, own, scope);
    let created_at = time_at(object, &["createdAt"]);
    observation.valid_from = created_at;
    let mut attributes = Attributes::default();
    attributes.text("type", text(object, &["type"]));
    attributes.text("username", text(object, &["username"]));
    attributes.list("groups", texts(object, &["kubernetesGroups"]));
    attributes.time("created_at", created_at);
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// Reads one principal of list-access-entries.
pub(super) fn access_entry_name(entry: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let principal = text(entry, &[])
        .filter(|principal| arn(principal).is_some())
        .ok_or(Malformed("not the ARN of a principal"))?;
    Ok(scope.observation(Kind::AccessEntry, principal))
}

/// Reads list-associated-access-policies.
fn access_policies(document: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let principal =
        text(document, &["principalArn"]).ok_or(Malformed("principalArn is missing"))?;
    let cluster = text(document, &["clusterName"]);
    let mut observation = eks(Kind::AccessEntry, principal, cluster, None, scope);
    let policies = list(document, &["associatedAccessPolicies"]);
    let policies = policies.iter().take(LIST_ENTRIES).filter_map(|policy| {
        let arn = text(policy, &["policyArn"])?;
        let namespaces: Vec<&str> = texts(policy, &["accessScope", "namespaces"])
            .take(LIST_ENTRIES)
            .collect();
        Some(json!({
            "policy_arn": arn,
            "scope": text(policy, &["accessScope", "type"]),
            "namespaces": namespaces,
        }))
    });
    let mut attributes = Attributes::default();
    attributes.value("access_policies", Some(policies.collect()));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

fn nodegroup(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let name = text(object, &["nodegroupName"]).ok_or(Malformed("nodegroupName is missing"))?;
    let own = text(object, &["nodegroupArn"]);
    let cluster = text(object, &["clusterName"]);
    let mut observation = eks(Kind::Nodegroup, name, cluster, own, scope);
    let created_at = time_at(object, &["createdAt"]);
    observation.valid_from = created_at;
    let mut attributes = Attributes::default();
    attributes.text("node_role_arn", text(object, &["nodeRole"]));
    attributes.text(
        "launch_template_id",
        text(object, &["launchTemplate", "id"]),
    );
    let version = text(object, &["launchTemplate", "version"]);
    attributes.text("launch_template_version", version);
    attributes.text("ami_type", text(object, &["amiType"]));
    attributes.text("capacity_type", text(object, &["capacityType"]));
    attributes.time("created_at", created_at);
    attributes.text("status", text(object, &["status"]));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

fn fargate_profile(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let name =
        text(object, &["fargateProfileName"]).ok_or(Malformed("fargateProfileName is missing"))?;
    let own = text(object, &["fargateProfileArn"]);
    let cluster = text(object, &["clusterName"]);
    let mut observation = eks(Kind::FargateProfile, name, cluster, own, scope);
    let created_at = time_at(object, &["createdAt"]);
    observation.valid_from = created_at;
    let mut attributes = Attributes::default();
    let role = text(object, &["podExecutionRoleArn"]);
    attributes.text("pod_execution_role_arn", role);
    let selectors = list(object, &["selectors"]).iter().map(|selector| {
        let labels = at(selector, &["labels"]).filter(|labels| labels.is_object());
        json!({
            "namespace": text(selector, &["namespace"]),
            "labels": labels.cloned().unwrap_or_else(|| json!({})),
        })
    });
    attributes.list("selectors", selectors);
    attributes.time("created_at", created_at);
    observation.attributes = attributes.into_map();
    Ok(observation)
}

#[cfg(test)]
mod tests;
