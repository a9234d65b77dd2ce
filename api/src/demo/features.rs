//! What sets one cluster apart from the next.

/// Which nodes run the EKS Pod Identity agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    Everywhere,
    /// On all nodes but the first, which has a taint that the agent does not
    /// tolerate.
    NotOnFirst,
    Nowhere,
}

/// How IAM identities get into the cluster (EKS User Guide, "Grant IAM users
/// and roles access to Kubernetes APIs").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authentication {
    ConfigMap,
    Both,
    Api,
}

impl Authentication {
    /// The name in the EKS API.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "CONFIG_MAP",
            Self::Both => "API_AND_CONFIG_MAP",
            Self::Api => "API",
        }
    }
}

/// The properties of a cluster that decide how its pods reach AWS.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent properties, written out by name in the tables below"
)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Features {
    pub(super) agent: Agent,
    pub(super) authentication: Authentication,
    /// The account has an IAM OIDC provider for the issuer.
    pub(super) provider: bool,
    /// Karpenter launches the nodes, else a managed node group does.
    pub(super) karpenter: bool,
    /// kube2iam answers for the metadata service on all nodes but the first.
    pub(super) kube2iam: bool,
    pub(super) fargate: bool,
    /// `AWS_VPC_K8S_CNI_EXTERNALSNAT`: the CNI never translates addresses.
    pub(super) external_snat: bool,
    /// The metadata service refuses version 1.
    pub(super) tokens_required: bool,
    /// In the middle of the history somebody sets the hop limit to 1.
    pub(super) hop_limit_cut: bool,
    /// Load balancer controller, cluster autoscaler and external-dns have no
    /// role of their own.
    pub(super) bare_controllers: bool,
    /// Associations whose sessions carry no tags.
    pub(super) untagged: bool,
    /// Path of the node role, starting and ending with `/`.
    pub(super) role_path: &'static str,
    /// Services with an interface endpoint in the cluster's network.
    pub(super) interface: &'static [&'static str],
    /// Services with a gateway endpoint.
    pub(super) gateway: &'static [&'static str],
}

/// The demo cluster.
pub(super) const DEMO: Features = Features {
    agent: Agent::Everywhere,
    authentication: Authentication::Both,
    provider: true,
    karpenter: false,
    kube2iam: false,
    fargate: false,
    external_snat: false,
    tokens_required: true,
    hop_limit_cut: false,
    bare_controllers: false,
    untagged: false,
    role_path: "/",
    interface: &["secretsmanager"],
    gateway: &["s3"],
};

/// The clusters after the first, in turns.
pub(super) const FURTHER: [Features; 5] = [
    // eksctl of some years ago: aws-auth, IMDSv1, endpoints for nearly all.
    Features {
        agent: Agent::NotOnFirst,
        authentication: Authentication::ConfigMap,
        tokens_required: false,
        bare_controllers: true,
        interface: &["sts", "ec2", "sqs", "secretsmanager", "kms"],
        gateway: &["s3", "dynamodb"],
        ..DEMO
    },
    // Karpenter, a node role with a path and no "node" in its name.
    Features {
        authentication: Authentication::Api,
        karpenter: true,
        role_path: "/platform/compute/",
        interface: &["sts", "ec2"],
        ..DEMO
    },
    // No OIDC provider: only Pod Identity works, here without session tags.
    Features {
        authentication: Authentication::Api,
        provider: false,
        fargate: true,
        untagged: true,
        interface: &[],
        ..DEMO
    },
    // kube2iam, no agent, addresses translated by a NAT gateway only.
    Features {
        agent: Agent::Nowhere,
        authentication: Authentication::Both,
        kube2iam: true,
        external_snat: true,
        tokens_required: false,
        interface: &["sts", "kms"],
        ..DEMO
    },
    // On its way to hop limit 1.
    Features {
        hop_limit_cut: true,
        interface: &["ec2", "secretsmanager"],
        gateway: &[],
        ..DEMO
    },
];
