//! Kubernetes objects, as `kubectl -o json` and the API server print them.

mod pod;

use serde_json::Value;

pub(super) use pod::{named, patched, pod};

use super::aws_auth;
use super::collect::{Collector, Malformed, Scope};
use super::json::{Attributes, at, flag, list, owned, text, time_at};
use super::observation::{Kind, Observation};
use super::{Error, Sink};

/// Kinds a `kubectl` list can be a listing of.
pub(super) const LISTED: &[Kind] = &[Kind::Pod, Kind::Node, Kind::ServiceAccount, Kind::NodeClass];

/// The kind of the items of a list, by the kind of the list, if it is one that is read.
pub(super) fn item_kind(list_kind: &str) -> Option<&str> {
    list_kind
        .strip_suffix("List")
        .filter(|kind| !kind.is_empty())
}

/// What a list of such items is a listing of.
pub(super) fn listed_kind(kind: &str) -> Option<Kind> {
    match kind {
        "Pod" => Some(Kind::Pod),
        "Node" => Some(Kind::Node),
        "ServiceAccount" => Some(Kind::ServiceAccount),
        _ => None,
    }
}

/// The kind of an object that does not name it, by members that no other kind has.
pub(super) fn kind_by_shape(object: &Value) -> Option<&'static str> {
    at(object, &["metadata", "name"])?;
    if at(object, &["spec", "containers"]).is_some() {
        return Some("Pod");
    }
    at(object, &["status", "nodeInfo"]).map(|_| "Node")
}

/// Reads one object; kinds that teach nothing are counted.
pub(super) fn object<S: Sink>(
    object: &Value,
    kind: &str,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<(), Error> {
    let group = at(object, &["apiVersion"])
        .and_then(Value::as_str)
        .and_then(|version| version.split_once('/'))
        .map_or("", |(group, _)| group);
    match (group, kind) {
        ("", "Pod") => out.take(pod(object, scope), object),
        ("", "Node") => out.take(node(object, scope), object),
        ("", "ServiceAccount") => out.take(service_account(object, scope), object),
        ("", "ConfigMap") if is_aws_auth(object) => aws_auth::config_map(object, scope, out),
        ("karpenter.k8s.aws", "EC2NodeClass" | "AWSNodeTemplate")
        | ("eks.amazonaws.com", "NodeClass") => out.take(node_class(object, group, scope), object),
        _ => {
            out.skip(plain_kind(kind));
            Ok(())
        }
    }
}

/// A kind to count under; one that is no Kubernetes kind is not repeated.
fn plain_kind(kind: &str) -> &str {
    let plain = kind.len() <= 63 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain && !kind.is_empty() {
        kind
    } else {
        "other"
    }
}

fn is_aws_auth(object: &Value) -> bool {
    text(object, &["metadata", "name"]) == Some("aws-auth")
        && text(object, &["metadata", "namespace"]).is_none_or(|name| name == "kube-system")
}

/// An observation with what every Kubernetes object says of itself.
fn observation(kind: Kind, object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let name = text(object, &["metadata", "name"]).ok_or(Malformed("metadata.name is missing"))?;
    let mut observation = scope.observation(kind, name);
    observation.namespace = owned(object, &["metadata", "namespace"]);
    observation.uid = owned(object, &["metadata", "uid"]);
    observation.valid_from = time_at(object, &["metadata", "creationTimestamp"]);
    Ok(observation)
}

fn label<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    text(object, &["metadata", "labels", name])
}

fn annotation<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    text(object, &["metadata", "annotations", name])
}

fn node(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let mut observation = observation(Kind::Node, object, scope)?;
    observation.namespace = None;
    let mut attributes = Attributes::default();
    let provider_id = text(object, &["spec", "providerID"]);
    let instance_id = provider_id
        .and_then(|id| id.rsplit('/').next())
        .filter(|id| id.starts_with("i-") || id.starts_with("mi-"));
    attributes.text("provider_id", provider_id);
    attributes.text("instance_id", instance_id);
    for (name, kind) in [
        ("internal_ip", "InternalIP"),
        ("external_ip", "ExternalIP"),
        ("hostname", "Hostname"),
    ] {
        let address = list(object, &["status", "addresses"])
            .iter()
            .find(|address| text(address, &["type"]) == Some(kind));
        attributes.text(
            name,
            address.and_then(|address| text(address, &["address"])),
        );
    }
    attributes.text("compute", compute(object, provider_id, instance_id));
    let first = |names: &[&str]| names.iter().find_map(|name| label(object, name));
    attributes.text(
        "nodegroup",
        first(&[
            "eks.amazonaws.com/nodegroup",
            "alpha.eksctl.io/nodegroup-name",
        ]),
    );
    attributes.text(
        "nodepool",
        first(&["karpenter.sh/nodepool", "karpenter.sh/provisioner-name"]),
    );
    attributes.text(
        "instance_type",
        first(&[
            "node.kubernetes.io/instance-type",
            "beta.kubernetes.io/instance-type",
        ]),
    );
    let zone = first(&[
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/zone",
    ]);
    let region = first(&[
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/region",
    ]);
    attributes.text("zone", zone);
    attributes.text("region", region);
    attributes.time("created_at", observation.valid_from);
    attributes.text("pod_cidr", text(object, &["spec", "podCIDR"]));
    if observation.region.is_none() {
        observation.region = region.map(str::to_owned);
    }
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// What a node runs on: the label EKS sets, else the form of the provider id.
fn compute(
    object: &Value,
    provider_id: Option<&str>,
    instance_id: Option<&str>,
) -> Option<&'static str> {
    let provider_id = provider_id.unwrap_or_default();
    match label(object, "eks.amazonaws.com/compute-type") {
        Some("fargate") => return Some("fargate"),
        Some("auto") => return Some("auto"),
        Some("hybrid") => return Some("hybrid"),
        _ => {}
    }
    if provider_id.starts_with("eks-hybrid:") {
        Some("hybrid")
    } else if provider_id.contains("/fargate-") {
        Some("fargate")
    } else {
        instance_id.map(|_| "ec2")
    }
}

/// Reads a service account.
pub(super) fn service_account(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let mut observation = observation(Kind::ServiceAccount, object, scope)?;
    if observation.namespace.is_none() {
        return Err(Malformed("metadata.namespace is missing"));
    }
    let mut attributes = Attributes::default();
    for (name, key) in [
        ("role_arn", "eks.amazonaws.com/role-arn"),
        ("audience", "eks.amazonaws.com/audience"),
        ("token_expiration", "eks.amazonaws.com/token-expiration"),
    ] {
        attributes.text(name, annotation(object, key));
    }
    attributes.time("created_at", observation.valid_from);
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// Karpenter names the role or profile in the specification, and the profile it made in the status.
fn node_class(object: &Value, group: &str, scope: &Scope) -> Result<Observation, Malformed> {
    let mut observation = observation(Kind::NodeClass, object, scope)?;
    observation.namespace = None;
    let mut attributes = Attributes::default();
    attributes.text("api_group", Some(group));
    attributes.text("role", text(object, &["spec", "role"]));
    let profile = text(object, &["spec", "instanceProfile"])
        .or_else(|| text(object, &["status", "instanceProfile"]));
    attributes.text("instance_profile", profile);
    let options = ["spec", "metadataOptions"];
    let option = |name: &'static str| [options[0], options[1], name];
    attributes.text("http_tokens", text(object, &option("httpTokens")));
    attributes.number("hop_limit", at(object, &option("httpPutResponseHopLimit")));
    attributes.text("http_endpoint", text(object, &option("httpEndpoint")));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

#[cfg(test)]
mod tests;
