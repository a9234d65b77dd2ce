//! Pods, nodes, service accounts, node classes and `aws-auth` from the Kubernetes API.
//!
//! Objects are cut down to the members the inventory reads as soon as they arrive; values of
//! environment variables, annotations and labels other than the documented ones go no further.

mod api;
mod batch;
mod connect;
mod follow;
mod list;
mod once;
mod reduce;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

pub use api::Failure;
pub use connect::{Access, Connection, connect};
pub use once::Seen;

use crate::collect::Closed;

/// Objects per page of a list.
const PAGE_ITEMS: u32 = 500;

/// Bytes of one page. A page of pods is usually about 5 MiB; one that is larger than this is asked for
/// again with fewer items.
const PAGE_BYTES: usize = 64 << 20;

/// Bytes of one watch event: an object has at most 1.5 MiB (the request limit of etcd).
const EVENT_BYTES: usize = 16 << 20;

/// How often a listing is begun anew because its continue token expired (410), before it is given up.
const LIST_RESTARTS: u32 = 3;

/// What is listed and watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    /// Path below the server's root.
    pub path: &'static str,
    /// API group; empty for the core.
    pub group: &'static str,
    /// Name of the resource, in the plural.
    pub plural: &'static str,
    /// Group and version.
    pub api_version: &'static str,
    /// Kind of one object.
    pub kind: &'static str,
    /// Whether a cluster may lack it, so that 404 is no fault.
    pub optional: bool,
    /// Whether the import takes a watch event as the end of an object. Of other kinds only a complete
    /// list tells what is gone.
    pub end_by_event: bool,
}

pub(crate) const PODS: Resource = Resource {
    path: "/api/v1/pods",
    group: "",
    plural: "pods",
    api_version: "v1",
    kind: "Pod",
    optional: false,
    end_by_event: true,
};

pub(crate) const NODES: Resource = Resource {
    path: "/api/v1/nodes",
    plural: "nodes",
    kind: "Node",
    end_by_event: false,
    ..PODS
};

pub(crate) const SERVICE_ACCOUNTS: Resource = Resource {
    path: "/api/v1/serviceaccounts",
    plural: "serviceaccounts",
    kind: "ServiceAccount",
    end_by_event: false,
    ..PODS
};

/// Karpenter's node classes.
pub(crate) const KARPENTER_CLASSES: Resource = Resource {
    path: "/apis/karpenter.k8s.aws/v1/ec2nodeclasses",
    group: "karpenter.k8s.aws",
    plural: "ec2nodeclasses",
    api_version: "karpenter.k8s.aws/v1",
    kind: "EC2NodeClass",
    optional: true,
    end_by_event: false,
};

/// Node classes of EKS Auto Mode.
pub(crate) const AUTO_CLASSES: Resource = Resource {
    path: "/apis/eks.amazonaws.com/v1/nodeclasses",
    group: "eks.amazonaws.com",
    plural: "nodeclasses",
    api_version: "eks.amazonaws.com/v1",
    kind: "NodeClass",
    optional: true,
    end_by_event: false,
};

/// Everything that is listed and watched, in the order in which it is listed: nodes before the pods on
/// them.
pub(crate) const RESOURCES: [Resource; 5] = [
    NODES,
    SERVICE_ACCOUNTS,
    PODS,
    KARPENTER_CLASSES,
    AUTO_CLASSES,
];

/// Path of the config map that maps IAM identities to users.
pub(crate) const AWS_AUTH_PATH: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";

/// Path of the discovery document of the cluster's token issuer. Kubernetes lets every service account
/// read it.
const ISSUER_PATH: &str = "/.well-known/openid-configuration";

/// Timing of [`Connection::follow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// Longest time a change waits to be handed over with others.
    pub batch_every: Duration,
    /// Most changes handed over at once.
    pub batch_changes: usize,
    /// Time between complete listings of a kind. Between them a pod that does not change is not seen,
    /// so this is how far the inventory's certainty may lag behind.
    pub list_every: Duration,
    /// Least time between listings that deletions ask for, of kinds that only a listing ends.
    pub list_gap: Duration,
    /// A watch that says nothing for so long is opened again. API servers send bookmarks about every
    /// minute.
    pub idle: Duration,
    /// Wait before what was refused or out of reach is tried again.
    pub retry_after: Duration,
}

impl Default for Follow {
    fn default() -> Self {
        Self {
            batch_every: Duration::from_secs(10),
            batch_changes: 1_000,
            list_every: Duration::from_hours(1),
            list_gap: Duration::from_mins(5),
            idle: Duration::from_mins(3),
            retry_after: Duration::from_mins(1),
        }
    }
}

/// Why nothing could be collected from a cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No way into the cluster is configured.
    #[error("cannot connect to kubernetes: {0}")]
    Access(String),
    /// There is no kubeconfig where it is said to be.
    #[error("cannot connect to kubernetes: there is no kubeconfig {}", .0.display())]
    NoKubeconfig(PathBuf),
    /// The kubeconfig that was named cannot be used.
    #[error("cannot connect to kubernetes: kubeconfig {}: {reason}", .path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Every kind failed; the first failure.
    #[error("cannot read anything from {server}: {failure}")]
    Nothing {
        /// URL of the API server.
        server: String,
        /// The first failure.
        failure: Failure,
    },
    /// The receiver is gone.
    #[error(transparent)]
    Closed(#[from] Closed),
}

#[cfg(test)]
mod tests;
