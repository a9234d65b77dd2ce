//! Rows of the lists that have a resource of their own.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A service account and a role that it used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadRow {
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
    /// Roles assumed from the credentials issued first; 0 for those.
    #[schema(required)]
    pub hops: Option<i64>,
    /// exact, inferred, candidate or unknown.
    #[schema(required)]
    pub confidence: Option<String>,
    /// Number of pods.
    pub pods: i64,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
    /// Number of different actions.
    pub actions: i64,
    /// First call.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last call.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
}

/// A workload that falls back to the node role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallbackRow {
    /// Name of the row.
    pub id: String,
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// Account.
    #[schema(required)]
    pub account_id: Option<String>,
    /// Region that served the calls.
    #[schema(required)]
    pub aws_region: Option<String>,
    /// Kubernetes namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account.
    #[schema(required)]
    pub service_account: Option<String>,
    /// Workload: kind and name of its controller.
    #[schema(required)]
    pub workload: Option<String>,
    /// Pods, separated by blanks.
    #[schema(required)]
    pub pods: Option<String>,
    /// Part of the node or control plane, or program, that made the calls.
    #[schema(required)]
    pub component: Option<String>,
    /// exact, inferred, candidate or unknown.
    #[schema(required)]
    pub confidence: Option<String>,
    /// How likely the attribution is, 0 to 1; 1 for exact.
    #[schema(required)]
    pub score: Option<f64>,
    /// JSON list of the workloads that fit, best first: namespace, workload, service_account, pods, score, and reasons, why its likeliest pod is likely or not, each with its name (reason) and a sentence (detail).
    #[schema(required)]
    pub candidates: Option<String>,
    /// Why the node role was used: no_binding, pod_predates_binding, trust_denied, oidc_provider_missing, sdk_too_old, association_missing_agent, host_network, container_skipped, unknown.
    #[schema(required)]
    pub cause: Option<String>,
    /// JSON list of the facts that the row rests on.
    #[schema(required)]
    pub evidence: Option<String>,
    /// First call.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last call.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
    /// Actions, separated by blanks.
    #[schema(required)]
    pub actions: Option<String>,
    /// Nodes by instance id, separated by blanks.
    #[schema(required)]
    pub nodes: Option<String>,
    /// User agents.
    #[schema(required)]
    pub user_agents: Option<String>,
    /// JSON: summary, commands, terraform, policy, policy_notes, notes.
    #[schema(required)]
    pub fix: Option<String>,
}

/// Whether IMDS hop limit 1 is safe for a node role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadinessRow {
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// Node groups that use the role.
    #[schema(required)]
    pub nodegroups: Option<String>,
    /// Instances that run.
    #[schema(required)]
    pub running_instances: Option<i64>,
    /// Instances that have hop limit 1 and tokens required already.
    #[schema(required)]
    pub closed_instances: Option<i64>,
    /// Whether IMDS hop limit 1 is safe: safe, breaks, unknown.
    #[schema(required)]
    pub hop_limit_1: Option<String>,
    /// Workloads that would lose their credentials.
    #[schema(required)]
    pub workloads_that_break: Option<i64>,
    /// Their names.
    #[schema(required)]
    pub breaks: Option<String>,
    /// Workloads on the host network, which keep the credentials.
    #[schema(required)]
    pub host_network_workloads: Option<String>,
    /// Calls that may be a pod's or a node agent's.
    #[schema(required)]
    pub unknown_calls: Option<i64>,
    /// What was not observed.
    #[schema(required)]
    pub not_observed: Option<String>,
    /// Begin of the observation.
    #[schema(required)]
    pub observed_from: Option<DateTime<Utc>>,
    /// End of the observation.
    #[schema(required)]
    pub observed_to: Option<DateTime<Utc>>,
}

/// A node and the calls made with its role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeRow {
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Node by instance id.
    #[schema(required)]
    pub node: Option<String>,
    /// Name of the node in Kubernetes.
    #[schema(required)]
    pub node_name: Option<String>,
    /// Node group of the instance.
    #[schema(required)]
    pub nodegroup: Option<String>,
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// IMDS option: required or optional.
    #[schema(required)]
    pub http_tokens: Option<String>,
    /// IMDS hop limit.
    #[schema(required)]
    pub hop_limit: Option<i64>,
    /// Whether the EKS Pod Identity agent was seen on the node.
    pub pod_identity_agent: bool,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Calls of node agents.
    #[schema(required)]
    pub node_agent_calls: Option<i64>,
    /// Calls of workloads that fell back to the node role.
    #[schema(required)]
    pub fallback_calls: Option<i64>,
    /// Calls that may be a pod's or a node agent's.
    #[schema(required)]
    pub unknown_calls: Option<i64>,
    /// First call.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last call.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
    /// When it had gone; null where it is still there.
    #[schema(required)]
    pub valid_to: Option<DateTime<Utc>>,
}

/// A role: what it is for, who may use it and who did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRow {
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// What the role is for.
    #[schema(required)]
    pub kind: Option<String>,
    /// Clusters that use it.
    #[schema(required)]
    pub clusters: Option<String>,
    /// What proves it.
    #[schema(required)]
    pub proof: Option<String>,
    /// Access paths it was used by.
    #[schema(required)]
    pub access_paths: Option<String>,
    /// Number of service accounts that used it.
    #[schema(required)]
    pub used_by: Option<i64>,
    /// Number of service accounts that may use it.
    #[schema(required)]
    pub bindings: Option<i64>,
    /// Their names.
    #[schema(required)]
    pub bound_to: Option<String>,
    /// Whether its trust policy lets in more than named service accounts.
    pub wildcard_trust: bool,
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
}

/// A call, and who made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventRow {
    /// An event: the smallest id of the calls.
    #[schema(required)]
    pub event_id: Option<String>,
    /// When the call was made.
    #[schema(required)]
    pub event_time: Option<DateTime<Utc>>,
    /// Account whose trail holds the record.
    #[schema(required)]
    pub recipient_account_id: Option<String>,
    /// Region that served the calls.
    #[schema(required)]
    pub aws_region: Option<String>,
    /// Service called.
    #[schema(required)]
    pub event_source: Option<String>,
    /// API action called.
    #[schema(required)]
    pub event_name: Option<String>,
    /// Error of a failed call.
    #[schema(required)]
    pub error_code: Option<String>,
    /// True for a call that changes nothing.
    #[schema(required)]
    pub read_only: Option<bool>,
    /// Address that the service saw.
    #[schema(required)]
    pub source_ip_address: Option<String>,
    /// User agent of the caller.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// userIdentity.type.
    #[schema(required)]
    pub identity_type: Option<String>,
    /// userIdentity.arn.
    #[schema(required)]
    pub identity_arn: Option<String>,
    /// Access key id the call was signed with.
    #[schema(required)]
    pub access_key_id: Option<String>,
    /// Role whose session made the calls.
    #[schema(required)]
    pub role_arn: Option<String>,
    /// How the credentials were had: irsa, pod_identity, node_role, cluster_role, fargate_execution_role, kube2iam, kiam, eks_service_linked_role.
    #[schema(required)]
    pub access_path: Option<String>,
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
    /// Uid of the pod.
    #[schema(required)]
    pub pod_uid: Option<String>,
    /// Node by instance id.
    #[schema(required)]
    pub node: Option<String>,
    /// Roles assumed from the credentials issued first; 0 for those.
    #[schema(required)]
    pub hops: Option<i64>,
    /// exact, inferred, candidate or unknown.
    #[schema(required)]
    pub confidence: Option<String>,
    /// How likely the attribution is, 0 to 1; 1 for exact.
    #[schema(required)]
    pub score: Option<f64>,
}

/// A service that a workload called with a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowRow {
    /// Cluster, by name or, where that is not known, by its OIDC issuer.
    #[schema(required)]
    pub cluster: Option<String>,
    /// Kubernetes namespace; null where the workload is not known.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Service account; null where the workload is not known.
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
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
}

/// Calls in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineRow {
    /// Begin of the hour.
    #[schema(required)]
    pub hour: Option<DateTime<Utc>>,
    /// How the credentials were had: irsa, pod_identity, node_role, cluster_role, fargate_execution_role, kube2iam, kiam, eks_service_linked_role.
    #[schema(required)]
    pub access_path: Option<String>,
    /// workload, node_agent, control_plane or unknown.
    #[schema(required)]
    pub actor: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
}
