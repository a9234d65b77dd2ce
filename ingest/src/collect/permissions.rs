//! What podtrail may do in AWS and Kubernetes: the calls it makes, and the policies that allow just
//! those.
//!
//! Actions and resource types: Service Authorization Reference of EKS, IAM, EC2, S3, SQS, CloudTrail,
//! KMS and STS.

mod kubernetes;
mod policies;

pub use kubernetes::{AWS_AUTH_RULE, cluster_rule, manifest};
pub use policies::{Feature, Places, policy};

/// A call of an AWS API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    /// The IAM action that allows it, which for the APIs used here names the call too.
    pub action: &'static str,
    /// What it is allowed on.
    pub on: On,
}

/// The resource type of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum On {
    /// The action knows no resources.
    Everything,
    /// An EKS cluster.
    Cluster,
    /// A managed node group.
    Nodegroup,
    /// A Fargate profile.
    FargateProfile,
    /// An access entry.
    AccessEntry,
    /// A Pod Identity association.
    Association,
    /// An IAM role.
    Role,
    /// An instance profile.
    InstanceProfile,
    /// A managed IAM policy, of the account or of AWS.
    Policy,
}

impl On {
    /// The ARN to allow a call on, with `*` for what is not known. `object` is the name of the cluster,
    /// `cluster/name` of what is in one, the name of the role or profile, or the ARN of the policy.
    #[must_use]
    pub fn arn(self, object: &str) -> String {
        let object = if object.is_empty() { "*" } else { object };
        let cluster = object.split('/').next().unwrap_or(object);
        match self {
            Self::Everything => "*".to_owned(),
            Self::Cluster => format!("arn:aws:eks:*:*:cluster/{cluster}"),
            Self::Nodegroup => format!("arn:aws:eks:*:*:nodegroup/{cluster}/*/*"),
            Self::FargateProfile => format!("arn:aws:eks:*:*:fargateprofile/{cluster}/*/*"),
            Self::AccessEntry => format!("arn:aws:eks:*:*:access-entry/{cluster}/*"),
            Self::Association => format!("arn:aws:eks:*:*:podidentityassociation/{cluster}/*"),
            Self::Role => format!("arn:aws:iam::*:role/{object}"),
            Self::InstanceProfile => format!("arn:aws:iam::*:instance-profile/{object}"),
            Self::Policy => match object {
                "*" => "arn:aws:iam::*:policy/*".to_owned(),
                arn => arn.to_owned(),
            },
        }
    }
}

macro_rules! calls {
    ($($name:ident = $action:literal on $on:ident;)*) => {
        $(
            #[doc = concat!("`", $action, "`")]
            pub(crate) const $name: Call = Call { action: $action, on: On::$on };
        )*
        /// Every call of the AWS inventory.
        pub const INVENTORY_CALLS: &[Call] = &[$($name),*];
    };
}

calls! {
    LIST_CLUSTERS = "eks:ListClusters" on Everything;
    DESCRIBE_CLUSTER = "eks:DescribeCluster" on Cluster;
    LIST_NODEGROUPS = "eks:ListNodegroups" on Cluster;
    DESCRIBE_NODEGROUP = "eks:DescribeNodegroup" on Nodegroup;
    LIST_FARGATE_PROFILES = "eks:ListFargateProfiles" on Cluster;
    DESCRIBE_FARGATE_PROFILE = "eks:DescribeFargateProfile" on FargateProfile;
    LIST_ACCESS_ENTRIES = "eks:ListAccessEntries" on Cluster;
    DESCRIBE_ACCESS_ENTRY = "eks:DescribeAccessEntry" on AccessEntry;
    LIST_ACCESS_POLICIES = "eks:ListAssociatedAccessPolicies" on AccessEntry;
    LIST_ASSOCIATIONS = "eks:ListPodIdentityAssociations" on Cluster;
    DESCRIBE_ASSOCIATION = "eks:DescribePodIdentityAssociation" on Association;
    LIST_ROLES = "iam:ListRoles" on Everything;
    GET_ROLE = "iam:GetRole" on Role;
    LIST_ROLE_POLICIES = "iam:ListRolePolicies" on Role;
    GET_ROLE_POLICY = "iam:GetRolePolicy" on Role;
    LIST_ATTACHED_ROLE_POLICIES = "iam:ListAttachedRolePolicies" on Role;
    GET_POLICY = "iam:GetPolicy" on Policy;
    GET_POLICY_VERSION = "iam:GetPolicyVersion" on Policy;
    GET_INSTANCE_PROFILE = "iam:GetInstanceProfile" on InstanceProfile;
    DESCRIBE_INSTANCES = "ec2:DescribeInstances" on Everything;
}

#[cfg(test)]
mod tests;
