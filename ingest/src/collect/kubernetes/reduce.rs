//! Kubernetes objects cut down to what the inventory reads.
//!
//! What is not named here goes no further. Values of environment variables stay only where they are
//! one of a few known texts; the others are replaced by [`HIDDEN`], which tells that there was one.

use serde_json::{Map, Value, json};

use super::Resource;

/// Stands for a value that matters only by being there.
const HIDDEN: &str = "hidden";

/// Bytes of one text; longer ones count as not known.
const TEXT_BYTES: usize = 4 << 10;

const POD_LABELS: &[&str] = &[
    "app",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/name",
    "eks.amazonaws.com/pod-identity",
    "k8s-app",
    "pod-template-hash",
];

const POD_ANNOTATIONS: &[&str] = &[
    "eks.amazonaws.com/skip-containers",
    "iam.amazonaws.com/role",
];

const NODE_LABELS: &[&str] = &[
    "alpha.eksctl.io/nodegroup-name",
    "beta.kubernetes.io/instance-type",
    "eks.amazonaws.com/compute-type",
    "eks.amazonaws.com/nodegroup",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

const SERVICE_ACCOUNT_ANNOTATIONS: &[&str] = &[
    "eks.amazonaws.com/audience",
    "eks.amazonaws.com/role-arn",
    "eks.amazonaws.com/token-expiration",
];

/// Variables whose value is a region.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Hosts of the EKS Pod Identity agent, IPv4 and IPv6.
const AGENT_HOSTS: [&str; 2] = ["169.254.170.23", "[fd00:ec2::23]"];

/// The part of an object that is kept.
pub(super) fn object(object: &Value, resource: &Resource) -> Value {
    let mut out = match resource.kind {
        "Pod" => pod(object),
        "Node" => node(object),
        "ServiceAccount" => service_account(object),
        _ => node_class(object),
    };
    out.insert("apiVersion".to_owned(), resource.api_version.into());
    out.insert("kind".to_owned(), resource.kind.into());
    Value::Object(out)
}

/// The unique id of an object.
pub(super) fn uid(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("uid")?.as_str()
}

/// The rows of `aws-auth`; no config map has no rows.
pub(super) fn aws_auth(config_map: &Value) -> Value {
    let data = config_map.get("data").unwrap_or(&Value::Null);
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": picked(data, &["mapRoles", "mapUsers"]),
    })
}

/// The named members that are there.
fn picked(value: &Value, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())))
        .collect()
}

fn put(out: &mut Map<String, Value>, name: &str, members: Map<String, Value>) {
    if !members.is_empty() {
        out.insert(name.to_owned(), Value::Object(members));
    }
}

fn elements<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn metadata(object: &Value, labels: &[&str], annotations: &[&str]) -> Map<String, Value> {
    let all = object.get("metadata").unwrap_or(&Value::Null);
    let mut out = picked(
        all,
        &[
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
        ],
    );
    for (name, wanted) in [("labels", labels), ("annotations", annotations)] {
        if let Some(map) = all.get(name) {
            put(&mut out, name, picked(map, wanted));
        }
    }
    out
}

fn pod(object: &Value) -> Map<String, Value> {
    let mut meta = metadata(object, POD_LABELS, POD_ANNOTATIONS);
    let all = object.get("metadata").unwrap_or(&Value::Null);
    let owner = elements(all, "ownerReferences")
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    if let Some(owner) = owner {
        let owner = picked(owner, &["kind", "name", "controller"]);
        meta.insert("ownerReferences".to_owned(), json!([owner]));
    }
    let mut out = Map::new();
    put(&mut out, "metadata", meta);
    if let Some(all) = object.get("spec").filter(|spec| spec.is_object()) {
        let names = [
            "serviceAccountName",
            "serviceAccount",
            "nodeName",
            "hostNetwork",
        ];
        let mut spec = picked(all, &names);
        for name in ["containers", "initContainers"] {
            let containers = elements(all, name).iter().map(container);
            spec.insert(name.to_owned(), containers.collect());
        }
        out.insert("spec".to_owned(), Value::Object(spec));
    }
    let all = object.get("status").unwrap_or(&Value::Null);
    let mut status = picked(all, &["phase", "podIP", "podIPs", "startTime"]);
    // Before the end, containers may end and start again without meaning.
    let over = matches!(
        all.get("phase").and_then(Value::as_str),
        Some("Succeeded" | "Failed")
    );
    if over {
        ends(all, &mut status);
    }
    put(&mut out, "status", status);
    out
}

/// When the containers ended.
fn ends(all: &Value, status: &mut Map<String, Value>) {
    for name in [
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ] {
        let ends: Vec<Value> = elements(all, name)
            .iter()
            .filter_map(|entry| entry.get("state")?.get("terminated")?.get("finishedAt"))
            .map(|end| json!({"state": {"terminated": {"finishedAt": end}}}))
            .collect();
        if !ends.is_empty() {
            status.insert(name.to_owned(), ends.into());
        }
    }
}

fn container(container: &Value) -> Value {
    let mut out = picked(container, &["name", "image"]);
    let env: Vec<Value> = elements(container, "env")
        .iter()
        .filter_map(variable)
        .collect();
    if !env.is_empty() {
        out.insert("env".to_owned(), env.into());
    }
    Value::Object(out)
}

/// Names of the AWS SDKs' variables, and what is harmless of their values.
fn variable(entry: &Value) -> Option<Value> {
    let name = entry.get("name")?.as_str()?;
    if !name.starts_with("AWS_") || name.len() > TEXT_BYTES {
        return None;
    }
    let value = entry
        .get("value")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES);
    let shown = value.and_then(|value| shown(name, value));
    Some(match shown {
        Some(value) => json!({"name": name, "value": value}),
        None => json!({"name": name}),
    })
}

fn shown(name: &str, value: &str) -> Option<String> {
    match name {
        "AWS_ROLE_ARN" if is_role(value) => Some(value.to_owned()),
        "AWS_ROLE_ARN" | "AWS_WEB_IDENTITY_TOKEN_FILE" => Some(HIDDEN.to_owned()),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI" => {
            let (_, rest) = value.split_once("://")?;
            let host = AGENT_HOSTS.iter().find(|host| rest.starts_with(**host))?;
            Some(format!("http://{host}"))
        }
        _ if REGION_VARIABLES.contains(&name) && is_region(value) => Some(value.to_owned()),
        _ => None,
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/…`.
fn is_role(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    parts.next() == Some("arn")
        && parts.nth(1) == Some("iam")
        && parts
            .nth(2)
            .is_some_and(|resource| resource.starts_with("role/"))
}

/// Whether a text has the form of a region (`us-gov-west-1`), and so is nothing else.
fn is_region(text: &str) -> bool {
    let Some((area, number)) = text.rsplit_once('-') else {
        return false;
    };
    text.len() <= 32
        && area
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}

fn node(object: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    put(&mut out, "metadata", metadata(object, NODE_LABELS, &[]));
    let spec = object.get("spec").unwrap_or(&Value::Null);
    put(&mut out, "spec", picked(spec, &["providerID", "podCIDR"]));
    let status = object.get("status").unwrap_or(&Value::Null);
    let addresses: Vec<Value> = elements(status, "addresses")
        .iter()
        .map(|address| Value::Object(picked(address, &["type", "address"])))
        .collect();
    if !addresses.is_empty() {
        out.insert("status".to_owned(), json!({"addresses": addresses}));
    }
    out
}

fn service_account(object: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    let meta = metadata(object, &[], SERVICE_ACCOUNT_ANNOTATIONS);
    put(&mut out, "metadata", meta);
    out
}

fn node_class(object: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    put(&mut out, "metadata", metadata(object, &[], &[]));
    if let Some(all) = object.get("spec") {
        let mut spec = picked(all, &["role", "instanceProfile"]);
        if let Some(options) = all.get("metadataOptions") {
            let names = ["httpTokens", "httpPutResponseHopLimit", "httpEndpoint"];
            put(&mut spec, "metadataOptions", picked(options, &names));
        }
        put(&mut out, "spec", spec);
    }
    let status = object.get("status").unwrap_or(&Value::Null);
    put(&mut out, "status", picked(status, &["instanceProfile"]));
    out
}

#[cfg(test)]
mod tests;
