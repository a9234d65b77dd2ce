//! One object, seen at one time.

use serde_json::{Map, Value};

/// What was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A complete list of one kind: what is not in it was not there.
    Listing,
    /// An EKS cluster.
    Cluster,
    /// A Kubernetes node.
    Node,
    /// A pod.
    Pod,
    /// A Kubernetes service account.
    ServiceAccount,
    /// An EKS Pod Identity association.
    PodIdentityAssociation,
    /// An EKS access entry.
    AccessEntry,
    /// A row of the `aws-auth` config map.
    AwsAuth,
    /// An EKS managed node group.
    Nodegroup,
    /// An EKS Fargate profile.
    FargateProfile,
    /// An IAM role.
    Role,
    /// A managed IAM policy.
    ManagedPolicy,
    /// An EC2 instance.
    Instance,
    /// An EC2 instance profile.
    InstanceProfile,
    /// A Karpenter `EC2NodeClass` or an EKS Auto Mode `NodeClass`.
    NodeClass,
    /// A token issued for a service account, as the audit log shows it.
    TokenRequest,
    /// The AWS session a node used against the API server, as the audit log shows it.
    NodeSession,
}

impl Kind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 17] = [
        Self::Listing,
        Self::Cluster,
        Self::Node,
        Self::Pod,
        Self::ServiceAccount,
        Self::PodIdentityAssociation,
        Self::AccessEntry,
        Self::AwsAuth,
        Self::Nodegroup,
        Self::FargateProfile,
        Self::Role,
        Self::ManagedPolicy,
        Self::Instance,
        Self::InstanceProfile,
        Self::NodeClass,
        Self::TokenRequest,
        Self::NodeSession,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Cluster => "cluster",
            Self::Node => "node",
            Self::Pod => "pod",
            Self::ServiceAccount => "service_account",
            Self::PodIdentityAssociation => "pod_identity_association",
            Self::AccessEntry => "access_entry",
            Self::AwsAuth => "aws_auth",
            Self::Nodegroup => "nodegroup",
            Self::FargateProfile => "fargate_profile",
            Self::Role => "role",
            Self::ManagedPolicy => "managed_policy",
            Self::Instance => "instance",
            Self::InstanceProfile => "instance_profile",
            Self::NodeClass => "node_class",
            Self::TokenRequest => "token_request",
            Self::NodeSession => "node_session",
        }
    }

    /// Whether an object of this kind belongs to one cluster and is nothing without it.
    pub(super) const fn needs_cluster(self) -> bool {
        !matches!(
            self,
            Self::Listing
                | Self::Cluster
                | Self::Role
                | Self::ManagedPolicy
                | Self::Instance
                | Self::InstanceProfile
        )
    }

    /// Whether objects of this kind live in namespaces, so that a listing may cover one only.
    pub(super) const fn namespaced(self) -> bool {
        matches!(
            self,
            Self::Pod | Self::ServiceAccount | Self::PodIdentityAssociation
        )
    }
}

/// "At `observed_at`, this object looked so."
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// What was observed.
    pub kind: Kind,
    /// Cluster name (not the ARN).
    pub cluster: Option<String>,
    /// Account of the object.
    pub account_id: Option<String>,
    /// Region of the object.
    pub region: Option<String>,
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Pod name, node name, service account name, role name, instance id, …
    pub name: String,
    /// `metadata.uid`, the unique id of a role or instance profile, the association id.
    pub uid: Option<String>,
    /// µs since the epoch, UTC.
    pub observed_at: i64,
    /// What the object itself says of its beginning, µs since the epoch, UTC.
    pub valid_from: Option<i64>,
    /// What the object itself says of its end, µs since the epoch, UTC. The time of observation, as an
    /// upper bound, for an object that says that it has ended but not when.
    pub valid_to: Option<i64>,
    /// What depends on the kind; an absent member is not known. Times are RFC 3339 text.
    pub attributes: Map<String, Value>,
}
