//! Rows of the lists that belong to one workload or node.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a workload called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadAction {
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Kubernetes namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account.
    #[schema(required)]
    pub service_account: Option<String>,
    /// How the credentials were had: irsa, pod_identity, node_role, cluster_role, fargate_execution_role, kube2iam, kiam, eks_service_linked_role.
    #[schema(required)]
    pub access_path: Option<String>,
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// Service called.
    #[schema(required)]
    pub event_source: Option<String>,
    /// API action called.
    #[schema(required)]
    pub event_name: Option<String>,
    /// Error of a failed call.
    #[schema(required)]
    pub error_code: Option<String>,
    /// exact, inferred, candidate or unknown.
    #[schema(required)]
    pub confidence: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
    /// First call.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last call.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
    /// An event: the smallest id of the calls.
    #[schema(required)]
    pub event_id: Option<String>,
}

/// A pod of a service account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadPod {
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Kubernetes namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account.
    #[schema(required)]
    pub service_account: Option<String>,
    /// Pod.
    #[schema(required)]
    pub pod: Option<String>,
    /// Uid of the pod.
    #[schema(required)]
    pub pod_uid: Option<String>,
    /// Workload: kind and name of its controller.
    #[schema(required)]
    pub workload: Option<String>,
    /// Node by instance id.
    #[schema(required)]
    pub node: Option<String>,
    /// Instance of the node.
    #[schema(required)]
    pub instance_id: Option<String>,
    /// Address of the pod.
    #[schema(required)]
    pub pod_ip: Option<String>,
    /// Whether the pod shares the network of its node.
    #[schema(required)]
    pub host_network: Option<bool>,
    /// Credentials that the webhook injected: irsa, pod_identity or none.
    #[schema(required)]
    pub injected: Option<String>,
    /// Role that the webhook injected.
    #[schema(required)]
    pub injected_role_arn: Option<String>,
    /// When the pod was made.
    #[schema(required)]
    pub created_at: Option<DateTime<Utc>>,
    /// Begin of the time for which it is known.
    #[schema(required)]
    pub valid_from: Option<DateTime<Utc>>,
    /// When it had gone; null where it is still there.
    #[schema(required)]
    pub valid_to: Option<DateTime<Utc>>,
    /// Last time it was seen.
    #[schema(required)]
    pub observed_at: Option<DateTime<Utc>>,
}

/// Calls of a fallback in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallbackHour {
    /// Id of the fallback.
    pub id: String,
    /// Begin of the hour.
    #[schema(required)]
    pub hour: Option<DateTime<Utc>>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
}

/// Calls of a workload in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadHour {
    /// Begin of the hour.
    #[schema(required)]
    pub hour: Option<DateTime<Utc>>,
    /// Service called.
    #[schema(required)]
    pub event_source: Option<String>,
    /// API action called.
    #[schema(required)]
    pub event_name: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
}

/// Roles that a workload assumed, one from the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChain {
    /// Role whose session the role was assumed from; null for the first, and where no record shows that session's begin.
    #[schema(required)]
    pub parent_role_arn: Option<String>,
    /// Role that was assumed.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// How the first credentials were had: irsa, pod_identity, node_role, kube2iam, kiam.
    #[schema(required)]
    pub mechanism: Option<String>,
    /// Roles assumed from the credentials issued first; 0 for those.
    #[schema(required)]
    pub hops: Option<i64>,
    /// Number of sessions.
    pub sessions: i64,
    /// First time that one was issued.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last time that one was issued.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
}

/// What was called with a node's role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeAction {
    /// Node by instance id.
    #[schema(required)]
    pub node: Option<String>,
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// workload, node_agent, control_plane or unknown.
    #[schema(required)]
    pub actor: Option<String>,
    /// Part of the node or control plane, or program, that made the calls.
    #[schema(required)]
    pub component: Option<String>,
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Kubernetes namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account.
    #[schema(required)]
    pub service_account: Option<String>,
    /// Pod.
    #[schema(required)]
    pub pod: Option<String>,
    /// Service called.
    #[schema(required)]
    pub event_source: Option<String>,
    /// API action called.
    #[schema(required)]
    pub event_name: Option<String>,
    /// Error of a failed call.
    #[schema(required)]
    pub error_code: Option<String>,
    /// exact, inferred, candidate or unknown.
    #[schema(required)]
    pub confidence: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
    /// First call.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last call.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
    /// An event: the smallest id of the calls.
    #[schema(required)]
    pub event_id: Option<String>,
}

/// A pod on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodePod {
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Node by instance id.
    #[schema(required)]
    pub node: Option<String>,
    /// Name of the node in Kubernetes.
    #[schema(required)]
    pub node_name: Option<String>,
    /// Kubernetes namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account.
    #[schema(required)]
    pub service_account: Option<String>,
    /// Pod.
    #[schema(required)]
    pub pod: Option<String>,
    /// Uid of the pod.
    #[schema(required)]
    pub pod_uid: Option<String>,
    /// Workload: kind and name of its controller.
    #[schema(required)]
    pub workload: Option<String>,
    /// Address of the pod.
    #[schema(required)]
    pub pod_ip: Option<String>,
    /// Whether the pod shares the network of its node.
    #[schema(required)]
    pub host_network: Option<bool>,
    /// Credentials that the webhook injected: irsa, pod_identity or none.
    #[schema(required)]
    pub injected: Option<String>,
    /// When the pod was made.
    #[schema(required)]
    pub created_at: Option<DateTime<Utc>>,
    /// Begin of the time for which it is known.
    #[schema(required)]
    pub valid_from: Option<DateTime<Utc>>,
    /// When it had gone; null where it is still there.
    #[schema(required)]
    pub valid_to: Option<DateTime<Utc>>,
    /// Last time it was seen.
    #[schema(required)]
    pub observed_at: Option<DateTime<Utc>>,
}

/// Calls with a node's role in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeHour {
    /// Begin of the hour.
    #[schema(required)]
    pub hour: Option<DateTime<Utc>>,
    /// workload, node_agent, control_plane or unknown.
    #[schema(required)]
    pub actor: Option<String>,
    /// Part of the node or control plane, or program, that made the calls.
    #[schema(required)]
    pub component: Option<String>,
    /// Kubernetes namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account.
    #[schema(required)]
    pub service_account: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
}
