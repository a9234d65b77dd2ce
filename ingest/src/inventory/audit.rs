//! The audit log of the API server, from CloudWatch Logs or as lines of events.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::collect::{Collector, Scope};
use super::json::{Attributes, at, list, owned, text, texts, time_at};
use super::limits::{NODE_SESSIONS, TEXT_BYTES};
use super::observation::{Kind, Observation};
use super::{Cluster, ClusterOf, Error, FileContext, Sink, aws_auth, kubernetes, time};

/// Begins the API version of every audit event.
const GROUP: &str = "audit.k8s.io/";
/// Begins the user name of every node.
const NODE_USER: &str = "system:node:";
/// Requests with this status or a higher one were refused.
const REFUSED: i64 = 400;
/// How an audit event says so.
const MARK: &str = "\"audit.k8s.io/v";
/// Bytes in which a line says that it is an audit event; the API server writes it first.
const MARK_BYTES: usize = 256;

/// Whether a text says early that it is an audit event.
pub(super) fn is_marked(text: &str) -> bool {
    let mut end = text.len().min(MARK_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // Not inside a message, where the quote is escaped.
    let head = &text[..end];
    head.find(MARK)
        .is_some_and(|at| !head[..at].ends_with('\\'))
}

/// Whether an object is an audit event.
pub(super) fn is_event(object: &Value) -> bool {
    text(object, &["kind"]) == Some("Event")
        && text(object, &["apiVersion"]).is_some_and(|version| version.starts_with(GROUP))
}

/// Cluster of a CloudWatch Logs document: `/aws/eks/CLUSTER/cluster` and the owner of the log group, unless
/// the user said otherwise. What describes its folder may be a cluster of this name in another account.
pub(super) fn cluster_of(head: &Value, context: &FileContext) -> Option<Cluster> {
    let group = text(head, &["logGroup"]).or_else(|| text(head, &["logGroupName"]))?;
    let name = group.strip_prefix("/aws/eks/")?.strip_suffix("/cluster")?;
    let owner = owned(head, &["owner"]);
    let is_same = |cluster: &&Cluster| {
        let accounts = owner.as_ref().zip(cluster.account_id.as_ref());
        cluster.name == name && accounts.is_none_or(|(owner, account)| owner == account)
    };
    let known = match &context.cluster {
        ClusterOf::Named(_) => return None,
        ClusterOf::Folder(cluster) => Some(cluster).filter(is_same),
        ClusterOf::Unknown | ClusterOf::Ambiguous(_) => None,
    };
    Some(Cluster {
        name: name.to_owned(),
        account_id: owner.or_else(|| known?.account_id.clone()),
        region: known.and_then(|cluster| cluster.region.clone()),
    })
}

/// What decides whether an event is read as a whole.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe<'a> {
    #[serde(borrow, default)]
    stage: Cow<'a, str>,
    #[serde(borrow, default)]
    verb: Cow<'a, str>,
    #[serde(borrow, default)]
    object_ref: Option<Target<'a>>,
    #[serde(borrow, default)]
    user: Option<User<'a>>,
    #[serde(default)]
    response_status: Option<Status>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
    #[serde(borrow, default)]
    subresource: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow, default)]
    username: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: Option<i64>,
}

/// An event that teaches something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    PodCreate,
    PodDelete,
    PodBinding,
    PodStatus,
    ServiceAccount,
    Token,
    AwsAuth,
}

fn act(probe: &Probe<'_>) -> Option<Act> {
    let target = probe.object_ref.as_ref()?;
    let changes = matches!(&*probe.verb, "create" | "update" | "patch");
    match (&*target.resource, &*target.subresource, &*probe.verb) {
        ("pods", "", "create") => Some(Act::PodCreate),
        ("pods", "", "delete") => Some(Act::PodDelete),
        ("pods", "binding", "create") | ("bindings", "", "create") => Some(Act::PodBinding),
        ("pods", "status", _) if changes => Some(Act::PodStatus),
        ("serviceaccounts", "token", "create") => Some(Act::Token),
        ("serviceaccounts", "", _) if changes => Some(Act::ServiceAccount),
        ("configmaps", "", verb) if changes || verb == "delete" => {
            let aws_auth = target.namespace == "kube-system" && target.name == "aws-auth";
            aws_auth.then_some(Act::AwsAuth)
        }
        _ => None,
    }
}

/// Reads audit events; remembers the AWS session of each node, to tell when it changes.
#[derive(Debug, Default)]
pub(super) struct Audit {
    sessions: HashMap<String, [Option<String>; 3]>,
}

impl Audit {
    /// Reads one event.
    pub(super) fn event<S: Sink>(
        &mut self,
        line: &str,
        scope: &Scope,
        out: &mut Collector<'_, S>,
    ) -> Result<(), Error> {
        // A list of events lists no objects.
        out.listed = &[];
        let Ok(probe) = serde_json::from_str::<Probe<'_>>(line) else {
            return out.reject("malformed", "not an audit event", line.as_bytes());
        };
        if probe.stage != "ResponseComplete" {
            out.skip("audit_other_stage");
            return Ok(());
        }
        let code = probe
            .response_status
            .as_ref()
            .and_then(|status| status.code);
        if code.is_some_and(|code| code >= REFUSED) {
            out.skip("audit_refused");
            return Ok(());
        }
        let user = probe.user.as_ref().map_or("", |user| &*user.username);
        let node = user.strip_prefix(NODE_USER).filter(|node| is_name(node));
        let act = act(&probe);
        if act.is_none() && node.is_none() {
            out.skip("audit_event");
            return Ok(());
        }
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return out.reject("malformed", "not an audit event", line.as_bytes());
        };
        let own_time = time_at(&event, &["stageTimestamp"])
            .or_else(|| time_at(&event, &["requestReceivedTimestamp"]));
        let scope = Scope {
            observed_at: own_time.unwrap_or(scope.observed_at),
            cluster: scope.cluster.clone(),
        };
        let mut taught = false;
        if let Some(node) = node
            && let Some(session) = self.session(&event, node, &scope)
        {
            out.emit(session)?;
            taught = true;
        }
        if let Some(act) = act {
            taught |= apply(act, &event, node, &scope, out)?;
        }
        if !taught {
            out.skip("audit_event");
        }
        Ok(())
    }

    /// The AWS session of the node that made a request, if it is not the one it had before.
    fn session(&mut self, event: &Value, node: &str, scope: &Scope) -> Option<Observation> {
        let extra = at(event, &["user", "extra"])?;
        let session_name = extra_text(extra, "sessionName");
        let role = extra_text(extra, "canonicalArn");
        let key = extra_text(extra, "accessKeyId");
        if role.is_none() && key.is_none() {
            return None;
        }
        let now = [session_name, role, key].map(|text| text.map(str::to_owned));
        if self.sessions.get(node) == Some(&now) {
            return None;
        }
        if self.sessions.len() >= NODE_SESSIONS && !self.sessions.contains_key(node) {
            self.sessions.clear();
        }
        self.sessions.insert(node.to_owned(), now);
        let mut observation = scope.observation(Kind::NodeSession, node);
        let mut attributes = Attributes::default();
        let instance =
            session_name.filter(|name| name.starts_with("i-") || name.starts_with("mi-"));
        attributes.text("instance_id", instance);
        attributes.text("role_arn", role);
        attributes.text("access_key_id", key);
        attributes.text("session_name", session_name);
        observation.attributes = attributes.into_map();
        Some(observation)
    }
}

/// The first value of a member of `user.extra`; newer authenticators put their domain before the name.
fn extra_text<'v>(extra: &'v Value, name: &str) -> Option<&'v str> {
    let members = extra.as_object()?;
    members
        .iter()
        .find(|(key, _)| key.rsplit('/').next() == Some(name))
        .and_then(|(_, value)| list(value, &[]).first())
        .and_then(|value| text(value, &[]))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= TEXT_BYTES
}

/// Reads what an event changed. `false` if it was not logged in enough detail.
fn apply<S: Sink>(
    act: Act,
    event: &Value,
    node: Option<&str>,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<bool, Error> {
    match act {
        Act::PodCreate => {
            // The answer has what the webhooks put in; a request alone may lack it.
            let Some(pod) = answer(event, "Pod").or_else(|| request(event, "Pod")) else {
                return emit(created_pod(event, scope), out);
            };
            out.take(kubernetes::pod(&with_place(pod, event), scope), pod)?;
            Ok(true)
        }
        Act::PodDelete => emit(deleted_pod(event, scope), out),
        Act::PodBinding => emit(bound_pod(event, scope), out),
        Act::PodStatus => {
            if let Some(pod) = answer(event, "Pod") {
                out.take(kubernetes::pod(&with_place(pod, event), scope), pod)?;
                return Ok(true);
            }
            emit(patched_pod(event, node, scope), out)
        }
        Act::ServiceAccount => {
            let whole = text(event, &["verb"]) != Some("patch");
            let sent = || request(event, "ServiceAccount").filter(|_| whole);
            let Some(account) = answer(event, "ServiceAccount").or_else(sent) else {
                return Ok(false);
            };
            let observation = kubernetes::service_account(&with_place(account, event), scope);
            out.take(observation, account)?;
            Ok(true)
        }
        Act::Token => emit(token_request(event, node, scope), out),
        Act::AwsAuth if text(event, &["verb"]) == Some("delete") => {
            if scope.cluster.is_none() {
                return Ok(false);
            }
            out.listed_all(aws_auth::listing(0, scope))?;
            Ok(true)
        }
        Act::AwsAuth => {
            let Some(config_map) = answer(event, "ConfigMap") else {
                return Ok(false);
            };
            aws_auth::config_map(config_map, scope, out)?;
            Ok(true)
        }
    }
}

fn emit<S: Sink>(
    observation: Option<Observation>,
    out: &mut Collector<'_, S>,
) -> Result<bool, Error> {
    let Some(observation) = observation else {
        return Ok(false);
    };
    out.emit(observation)?;
    Ok(true)
}

fn answer<'v>(event: &'v Value, kind: &str) -> Option<&'v Value> {
    at(event, &["responseObject"]).filter(|object| text(object, &["kind"]) == Some(kind))
}

fn request<'v>(event: &'v Value, kind: &str) -> Option<&'v Value> {
    at(event, &["requestObject"]).filter(|object| text(object, &["kind"]) == Some(kind))
}

/// An object whose request left its name or namespace to the URL.
fn with_place<'v>(object: &'v Value, event: &Value) -> Cow<'v, Value> {
    let missing = ["name", "namespace"]
        .into_iter()
        .filter(|name| text(object, &["metadata", name]).is_none());
    let found: Vec<(&str, &Value)> = missing
        .filter_map(|name| Some((name, at(event, &["objectRef", name])?)))
        .collect();
    if found.is_empty() {
        return Cow::Borrowed(object);
    }
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for (name, value) in found {
            metadata.insert(name.to_owned(), value.clone());
        }
    }
    Cow::Owned(object)
}

/// The pod that an event names without showing it.
fn named_pod(event: &Value, scope: &Scope) -> Option<Observation> {
    let first = |name: &'static str| {
        [
            ["responseObject", "metadata", name],
            ["requestObject", "metadata", name],
        ]
        .iter()
        .find_map(|path| text(event, path))
    };
    kubernetes::named(
        text(event, &["objectRef", "namespace"]),
        text(event, &["objectRef", "name"]).or_else(|| first("name")),
        text(event, &["objectRef", "uid"]).or_else(|| first("uid")),
        scope,
    )
}

fn created_pod(event: &Value, scope: &Scope) -> Option<Observation> {
    let mut observation = named_pod(event, scope)?;
    observation.valid_from = Some(scope.observed_at);
    let mut attributes = Attributes::default();
    attributes.time("created_at", observation.valid_from);
    observation.attributes = attributes.into_map();
    Some(observation)
}

/// A graceful deletion is answered with the pod, which may run until its `deletionTimestamp`; the kubelet
/// deletes it once more when it is gone.
fn deleted_pod(event: &Value, scope: &Scope) -> Option<Observation> {
    let mut observation = named_pod(event, scope)?;
    let answer = answer(event, "Pod");
    let deadline = answer
        .and_then(|pod| time_at(pod, &["metadata", "deletionTimestamp"]))
        .filter(|deadline| *deadline > scope.observed_at);
    if answer.is_none() && text(event, &["responseObject", "kind"]) == Some("Status") {
        // The details of a status name the object that is gone.
        let uid = owned(event, &["responseObject", "details", "uid"]);
        observation.uid = uid.or(observation.uid);
    }
    observation.valid_to = deadline.or(Some(scope.observed_at));
    let mut attributes = Attributes::default();
    attributes.time("deleted_at", observation.valid_to);
    observation.attributes = attributes.into_map();
    Some(observation)
}

fn bound_pod(event: &Value, scope: &Scope) -> Option<Observation> {
    let mut observation = named_pod(event, scope)?;
    let node = text(event, &["requestObject", "target", "name"])?;
    let mut attributes = Attributes::default();
    attributes.text("node", Some(node));
    observation.attributes = attributes.into_map();
    Some(observation)
}

/// EKS logs what kubelets say of their pods as requests only: it is where the address of a pod shows.
/// <https://docs.aws.amazon.com/eks/latest/best-practices/auditing-and-logging.html>
fn patched_pod(event: &Value, node: Option<&str>, scope: &Scope) -> Option<Observation> {
    let mut observation = named_pod(event, scope)?;
    let patch = at(event, &["requestObject"])?;
    kubernetes::patched(patch, node, &mut observation).then_some(observation)
}

/// EKS logs token requests with or without their body; what is always there is the service account and
/// who asked.
fn token_request(event: &Value, node: Option<&str>, scope: &Scope) -> Option<Observation> {
    let name = text(event, &["objectRef", "name"])?;
    let mut observation = scope.observation(Kind::TokenRequest, name);
    observation.namespace = owned(event, &["objectRef", "namespace"]);
    observation.namespace.as_ref()?;
    let spec = at(event, &["requestObject", "spec"]).unwrap_or(&Value::Null);
    let bound = at(spec, &["boundObjectRef"])
        .filter(|bound| text(bound, &["kind"]) == Some("Pod"))
        .unwrap_or(&Value::Null);
    let mut attributes = Attributes::default();
    attributes.list("audiences", texts(spec, &["audiences"]));
    attributes.text("pod", text(bound, &["name"]));
    attributes.text("pod_uid", text(bound, &["uid"]));
    attributes.text("node", node);
    attributes.number("expiration_seconds", at(spec, &["expirationSeconds"]));
    attributes.text("level", text(event, &["level"]));
    observation.attributes = attributes.into_map();
    Some(observation)
}

/// Reads the message of a CloudWatch Logs event. Other logs of the control plane share the log group.
pub(super) fn message<S: Sink>(
    event: &Value,
    audit: &mut Audit,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<bool, Error> {
    let Some(message) = event.get("message") else {
        return Ok(false);
    };
    let object;
    let line = match message {
        Value::String(line) => line.trim_start(),
        Value::Object(_) => {
            object = message.to_string();
            object.as_str()
        }
        _ => return Ok(false),
    };
    if !line.starts_with('{') || !line.contains(GROUP) {
        out.skip("log_line");
        return Ok(true);
    }
    let scope = Scope {
        observed_at: event
            .get("timestamp")
            .and_then(time::of)
            .unwrap_or(scope.observed_at),
        cluster: scope.cluster.clone(),
    };
    audit.event(line, &scope, out)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
