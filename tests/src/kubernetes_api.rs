//! A Kubernetes API server in its recorded shape, over objects in memory: lists in pages whose tokens expire, refusals,
//! and watches that a test plays.
//!
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/>

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::http_server::{Reply, Request, Server};

/// Path of all pods.
pub const PODS: &str = "/api/v1/pods";
/// Path of all nodes.
pub const NODES: &str = "/api/v1/nodes";
/// Path of all service accounts.
pub const SERVICE_ACCOUNTS: &str = "/api/v1/serviceaccounts";
/// Path of all node classes of Karpenter.
pub const NODE_CLASSES: &str = "/apis/karpenter.k8s.aws/v1/ec2nodeclasses";
/// Path of the config map that maps IAM identities to users.
pub const AWS_AUTH: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
/// Path of the discovery document of the issuer of tokens.
pub const ISSUER: &str = "/.well-known/openid-configuration";

/// Token that a kubeconfig of [`KubernetesApi::kubeconfig`] bears.
pub const TOKEN: &str = "made-up-token";

#[derive(Debug, Default)]
struct State {
    /// Objects of each list, by its path.
    lists: BTreeMap<String, Vec<Value>>,
    /// Single objects, by their path.
    objects: BTreeMap<String, Value>,
    /// Most objects of a page; none but the limit that is asked for where it is 0.
    page: usize,
    /// How many continue tokens of a list are refused as too old.
    expiring: BTreeMap<String, u32>,
    forbidden: BTreeSet<String>,
    unauthorized: bool,
    asked: Vec<Request>,
    watches: Vec<Watch>,
}

/// A watch that the server has open. Dropped, its connection breaks.
#[derive(Debug)]
pub struct Watch {
    /// Path of what is watched.
    pub path: String,
    /// The resource version that it goes on from.
    pub version: String,
    parts: Sender<String>,
}

impl Watch {
    /// Tells of a change.
    pub fn event(&self, kind: &str, object: &Value) {
        let line = json!({"type": kind, "object": object});
        self.parts.send(format!("{line}\n")).unwrap();
    }
}

/// The running server.
#[derive(Debug)]
pub struct KubernetesApi {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl KubernetesApi {
    /// Starts a server without any object.
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let served = Arc::clone(&state);
        let server = Server::start(move |request| served.lock().unwrap().answer(request));
        Self { server, state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// URL of the server.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Says what a list holds.
    pub fn list(&self, path: &str, objects: Vec<Value>) {
        self.lock().lists.insert(path.to_owned(), objects);
    }

    /// Takes an object out of a list.
    pub fn remove(&self, path: &str, name: &str) {
        if let Some(objects) = self.lock().lists.get_mut(path) {
            objects.retain(|object| object["metadata"]["name"] != name);
        }
    }

    /// Says what stands at a path.
    pub fn put(&self, path: &str, object: Value) {
        self.lock().objects.insert(path.to_owned(), object);
    }

    /// Bounds the pages of lists, whatever limit is asked for.
    pub fn page(&self, objects: usize) {
        self.lock().page = objects;
    }

    /// Refuses the next continue tokens of a list as too old.
    pub fn expire(&self, path: &str, times: u32) {
        self.lock().expiring.insert(path.to_owned(), times);
    }

    /// Refuses what stands at a path for lack of a permission.
    pub fn forbid(&self, path: &str) {
        self.lock().forbidden.insert(path.to_owned());
    }

    /// Refuses all credentials.
    pub fn refuse_credentials(&self) {
        self.lock().unauthorized = true;
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Request> {
        self.lock().asked.clone()
    }

    /// Takes a watch that the server has open.
    pub fn watch(&self, path: &str) -> Option<Watch> {
        let mut state = self.lock();
        let at = state.watches.iter().position(|watch| watch.path == path)?;
        Some(state.watches.remove(at))
    }

    /// Writes a kubeconfig of one context that names its cluster so.
    pub fn kubeconfig(&self, folder: &Path, cluster: &str) -> PathBuf {
        let file = folder.join("kubeconfig.json");
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": cluster, "cluster": {"server": self.url()}}],
            "contexts": [{"name": "test", "context": {"cluster": cluster, "user": "reader"}}],
            "users": [{"name": "reader", "user": {"token": TOKEN}}]});
        std::fs::write(&file, config.to_string()).unwrap();
        file
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        self.asked.push(request.clone());
        let path = request.path.as_str();
        if self.unauthorized {
            return refusal(401, "Unauthorized", "Unauthorized");
        }
        if self.forbidden.contains(path) {
            let resource = path.rsplit('/').next().unwrap_or_default();
            let message = format!(
                "{resource} is forbidden: User \"reader\" cannot list resource \"{resource}\" in API group \"\" at the cluster scope"
            );
            return refusal(403, "Forbidden", &message);
        }
        if let Some(object) = self.objects.get(path) {
            return Reply::json(200, object);
        }
        if !self.lists.contains_key(path) {
            let message = "the server could not find the requested resource";
            return refusal(404, "NotFound", message);
        }
        if request.member("watch").as_deref() == Some("true") {
            let (parts, receiver) = channel();
            self.watches.push(Watch {
                path: path.to_owned(),
                version: request.member("resourceVersion").unwrap_or_default(),
                parts,
            });
            return Reply::Stream(receiver);
        }
        self.page_of(request)
    }

    fn page_of(&mut self, request: &Request) -> Reply {
        let path = request.path.as_str();
        let token = request.member("continue");
        if let (Some(_), Some(left)) = (&token, self.expiring.get_mut(path))
            && *left > 0
        {
            *left -= 1;
            let message =
                "The provided continue parameter is too old to display a consistent list result.";
            return refusal(410, "Expired", message);
        }
        let first = match token.as_deref() {
            None => Some(0),
            Some(token) => token
                .strip_prefix("from/")
                .and_then(|number| number.strip_suffix("+="))
                .and_then(|number| number.parse::<usize>().ok()),
        };
        let Some(first) = first else {
            return refusal(400, "BadRequest", "continue key is not valid");
        };
        let limit = request.member("limit");
        let limit = limit.and_then(|limit| limit.parse::<usize>().ok());
        let mut most = limit.unwrap_or(usize::MAX);
        if self.page > 0 {
            most = most.min(self.page);
        }
        let objects = &self.lists[path];
        let items: Vec<&Value> = objects.iter().skip(first).take(most).collect();
        let mut metadata = json!({"resourceVersion": "100"});
        let next = first + items.len();
        if next < objects.len() {
            metadata["continue"] = json!(format!("from/{next}+="));
            metadata["remainingItemCount"] = json!(objects.len() - next);
        }
        let list =
            json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items});
        Reply::json(200, &list)
    }
}

/// A refusal as `meta/v1` has it.
fn refusal(code: u16, reason: &str, message: &str) -> Reply {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code});
    Reply::json(code, &status)
}

/// A pod of the namespace `shop` that runs as a service account on a node.
pub fn pod(name: &str, account: &str, node: &str, address: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "90",
            "creationTimestamp": "2025-05-01T10:00:00Z", "labels": {"app": account, "pod-template-hash": "6b9f94b4"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{account}-6b9f94b4"),
                "uid": format!("uid-of-{account}"), "controller": true}]},
        "spec": {"serviceAccountName": account, "nodeName": node, "containers": [{"name": "main", "image": "shop/app:1",
            "env": [{"name": "DATABASE_PASSWORD", "value": "not-to-be-kept"}]}]},
        "status": {"phase": "Running", "podIP": address, "startTime": "2025-05-01T10:00:01Z"}})
}

/// A node on an EC2 instance.
pub fn node(name: &str, instance: &str) -> Value {
    json!({"metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": "80",
            "creationTimestamp": "2025-05-01T09:00:00Z", "labels": {"eks.amazonaws.com/nodegroup": "workers",
                "topology.kubernetes.io/zone": "eu-west-1a", "topology.kubernetes.io/region": "eu-west-1"}},
        "spec": {"providerID": format!("aws:///eu-west-1a/{instance}")},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}})
}

/// A service account, with the role that it is annotated with.
pub fn service_account(namespace: &str, name: &str, role: Option<&str>) -> Value {
    let mut object = json!({"metadata": {"name": name, "namespace": namespace, "resourceVersion": "70",
        "uid": format!("uid-{namespace}-{name}"), "creationTimestamp": "2025-05-01T08:00:00Z"}});
    if let Some(role) = role {
        object["metadata"]["annotations"] = json!({"eks.amazonaws.com/role-arn": role});
    }
    object
}
