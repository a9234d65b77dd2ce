//! Pods: what identity they were given, where they run, what made them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::limits::{LIST_ENTRIES, TEXT_BYTES};
use super::{
    Attributes, Kind, Malformed, Observation, Scope, annotation, at, flag, label, list,
    observation, text, time_at,
};

/// Labels that say what a pod is part of; others may hold anything.
const LABELS: &[&str] = &[
    "app",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/name",
    "eks.amazonaws.com/pod-identity",
    "k8s-app",
];

/// Hosts of the EKS Pod Identity agent, IPv4 and IPv6.
const AGENT_HOSTS: [&str; 2] = ["169.254.170.23", "[fd00:ec2::23]"];

/// Which credentials a container is pointed to by its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Injected {
    None,
    Irsa,
    /// Wins where both are there: the order of the mutating webhook of EKS.
    PodIdentity,
}

impl Injected {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Irsa => "irsa",
            Self::PodIdentity => "pod_identity",
        }
    }
}

/// Reads a pod.
pub(in super::super) fn pod(object: &Value, scope: &Scope) -> Result<Observation, Malformed> {
    let mut observation = observation(Kind::Pod, object, scope)?;
    if observation.namespace.is_none() {
        return Err(Malformed("metadata.namespace is missing"));
    }
    if !at(object, &["spec"]).is_some_and(Value::is_object) {
        return Err(Malformed("spec is missing"));
    }
    let mut attributes = Attributes::default();
    attributes.time("created_at", observation.valid_from);
    status(object, &mut observation, &mut attributes);
    let account = text(object, &["spec", "serviceAccountName"])
        .or_else(|| text(object, &["spec", "serviceAccount"]));
    attributes.text("service_account", account.or(Some("default")));
    attributes.text("node", text(object, &["spec", "nodeName"]));
    let host_network = flag(object, &["spec", "hostNetwork"]);
    attributes.flag("host_network", host_network.or(Some(false)));
    attributes.time(
        "deleted_at",
        time_at(object, &["metadata", "deletionTimestamp"]),
    );
    credentials(object, &mut attributes);
    owner(object, &mut attributes);
    let labels: serde_json::Map<String, Value> = LABELS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), label(object, name)?.into())))
        .collect();
    attributes.value(
        "labels",
        Some(labels)
            .filter(|map| !map.is_empty())
            .map(Value::Object),
    );
    attributes.text("iam_role", annotation(object, "iam.amazonaws.com/role"));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// What the kubelet says of a pod: its addresses, and when it ran.
fn status(object: &Value, observation: &mut Observation, attributes: &mut Attributes) {
    let started_at = time_at(object, &["status", "startTime"]);
    let phase = text(object, &["status", "phase"]);
    let over = matches!(phase, Some("Succeeded" | "Failed"));
    let ended_at = if over { last_end(object) } else { None };
    observation.valid_from = started_at.or(observation.valid_from);
    if over {
        observation.valid_to = ended_at.or(Some(observation.observed_at));
    }
    attributes.text("pod_ip", text(object, &["status", "podIP"]));
    // A patch also names the addresses that it takes away.
    let addresses = list(object, &["status", "podIPs"])
        .iter()
        .filter(|entry| text(entry, &["$patch"]) != Some("delete"));
    attributes.list(
        "pod_ips",
        addresses.filter_map(|entry| text(entry, &["ip"])),
    );
    attributes.text("phase", phase);
    attributes.time("started_at", started_at);
    attributes.time("ended_at", ended_at);
}

/// Adds what a patch of a pod's status sets; `false` if it sets nothing of ours. Where it sets the address of
/// the node as well, the two tell whether the pod shares it: the kubelet sets both at once for such a pod.
pub(in super::super) fn patched(
    patch: &Value,
    node: Option<&str>,
    observation: &mut Observation,
) -> bool {
    let mut attributes = Attributes::default();
    status(patch, observation, &mut attributes);
    if attributes.is_empty() {
        return false;
    }
    let address = |name| text(patch, &["status", name]);
    let shared = address("hostIP").zip(address("podIP"));
    attributes.flag("host_network", shared.map(|(host, pod)| host == pod));
    attributes.text("node", node);
    observation.attributes = attributes.into_map();
    true
}

/// When the last container ended.
fn last_end(object: &Value) -> Option<i64> {
    [
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ]
    .iter()
    .flat_map(|name| list(object, &["status", name]))
    .filter_map(|status| time_at(status, &["state", "terminated", "finishedAt"]))
    .max()
}

/// Containers, and which credentials the pod was given when it was created.
fn credentials(object: &Value, attributes: &mut Attributes) {
    let containers = list(object, &["spec", "containers"]);
    let init = list(object, &["spec", "initContainers"]);
    let all = || containers.iter().chain(init).take(LIST_ENTRIES);
    let injected = all().map(injected).max().unwrap_or(Injected::None);
    attributes.text("injected", Some(injected.as_str()));
    let role = all()
        .filter(|container| has_web_identity(container))
        .find_map(|container| env(container, "AWS_ROLE_ARN"))
        .filter(|role| role.starts_with("arn:"));
    attributes.text("injected_role_arn", role);
    let skipped = annotation(object, "eks.amazonaws.com/skip-containers").unwrap_or_default();
    let skipped = skipped.split(',').map(str::trim);
    attributes.list("skip_containers", skipped.filter(|name| !name.is_empty()));
    attributes.list("containers", containers.iter().map(container));
    attributes.list("init_containers", init.iter().map(container));
    let images: BTreeSet<&str> = all().filter_map(|item| text(item, &["image"])).collect();
    attributes.list("images", images);
    let names: BTreeSet<&str> = all()
        .flat_map(|item| list(item, &["env"]))
        .filter_map(|entry| text(entry, &["name"]))
        .filter(|name| name.starts_with("AWS_"))
        .collect();
    attributes.list("aws_env", names);
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| all().find_map(|item| env(item, name)))
        .filter(|value| is_region(value));
    attributes.text("aws_region", region);
}

fn container(item: &Value) -> Value {
    let mut entry = serde_json::Map::new();
    for name in ["name", "image"] {
        if let Some(text) = text(item, &[name]) {
            entry.insert(name.to_owned(), text.into());
        }
    }
    entry.insert("injected".to_owned(), json!(injected(item).as_str()));
    Value::Object(entry)
}

fn injected(container: &Value) -> Injected {
    let agent = env(container, "AWS_CONTAINER_CREDENTIALS_FULL_URI")
        .and_then(|uri| uri.split_once("://"))
        .is_some_and(|(_, rest)| AGENT_HOSTS.iter().any(|host| rest.starts_with(host)));
    if agent {
        Injected::PodIdentity
    } else if has_web_identity(container) && env(container, "AWS_ROLE_ARN").is_some() {
        Injected::Irsa
    } else {
        Injected::None
    }
}

fn has_web_identity(container: &Value) -> bool {
    env(container, "AWS_WEB_IDENTITY_TOKEN_FILE").is_some()
}

fn env<'v>(container: &'v Value, name: &str) -> Option<&'v str> {
    list(container, &["env"])
        .iter()
        .find(|entry| text(entry, &["name"]) == Some(name))
        .and_then(|entry| text(entry, &["value"]))
}

/// Whether a text has the form of a region (`us-gov-west-1`), and so is nothing else.
fn is_region(text: &str) -> bool {
    let Some((area, number)) = text.rsplit_once('-') else {
        return false;
    };
    let words = area.split('-');
    text.len() <= 32
        && area.contains('-')
        && words
            .into_iter()
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}

/// The controller. A ReplicaSet stands for its Deployment where the label that a Deployment sets proves
/// which part of the name is the hash.
fn owner(object: &Value, attributes: &mut Attributes) {
    let controller = list(object, &["metadata", "ownerReferences"])
        .iter()
        .find(|reference| flag(reference, &["controller"]) == Some(true));
    let Some(controller) = controller else {
        return;
    };
    let (Some(kind), Some(name)) = (text(controller, &["kind"]), text(controller, &["name"]))
    else {
        return;
    };
    let deployment = label(object, "pod-template-hash")
        .filter(|_| kind == "ReplicaSet")
        .and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    attributes.text(
        "owner_kind",
        Some(deployment.map_or(kind, |_| "Deployment")),
    );
    attributes.text("owner_name", Some(deployment.unwrap_or(name)));
}

/// A pod of which an audit event names the place, but shows not all.
pub(in super::super) fn named(
    namespace: Option<&str>,
    name: Option<&str>,
    uid: Option<&str>,
    scope: &Scope,
) -> Option<Observation> {
    let mut observation = scope.observation(Kind::Pod, name?);
    observation.namespace = Some(namespace?.to_owned());
    observation.uid = uid.filter(|uid| uid.len() <= TEXT_BYTES).map(str::to_owned);
    Some(observation)
}
