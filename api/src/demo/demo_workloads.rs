//! The workloads every cluster has: each shows one way of reaching AWS.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::{Api, Target};
use super::cast::{deployment, target};
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Naming};
use super::features::Agent;
use super::rng::Rng;
use super::sdk::Sdk;
use super::workloads::{Access, Identity, Style, Workload};

const CLI_IMAGE: &str = "public.ecr.aws/aws-cli/aws-cli:2.31.9";
const LBC_AGENT: &str = " elbv2.k8s.aws/v2.13.4";
const SCALER_AGENT: &str = " cluster-autoscaler/1.33.0";
/// What Karpenter inserts into the user agent.
pub(super) const KARPENTER_AGENT: &str = " karpenter.sh-1.6.3";

/// Makes all of them. Roles at the end of chains belong to `other`.
pub(super) fn all(cluster: &Cluster, other: &Rc<Account>, rng: &mut Rng) -> Vec<Workload> {
    let mut out = lab(cluster, rng);
    out.extend(controllers(cluster, rng));
    out.extend(services(cluster, rng));
    out.extend(chains(cluster, other, rng));
    out
}

/// Names a workload.
pub(super) fn who(
    name: &'static str,
    namespace: &'static str,
    service_account: &'static str,
    sdk: Sdk,
) -> Identity {
    Identity {
        name,
        namespace,
        service_account,
        sdk,
    }
}

/// A role of the cluster's account, named after the cluster.
pub(super) fn role(cluster: &Cluster, suffix: &str) -> Rc<Role> {
    Role::new(&cluster.account, "/", &format!("{}-{suffix}", cluster.name))
}

/// IRSA, or Pod Identity where the account has no OIDC provider.
pub(super) fn irsa(cluster: &Cluster, suffix: &str) -> Access {
    let role = role(cluster, suffix);
    if cluster.features.provider {
        Access::Irsa {
            role,
            global_sts: false,
        }
    } else {
        Access::PodIdentity {
            role,
            style: Style::Tagged,
        }
    }
}

/// Pod Identity, or IRSA where no node has the agent.
pub(super) fn pod_identity(cluster: &Cluster, suffix: &str, style: Style) -> Access {
    if cluster.features.agent == Agent::Nowhere {
        return irsa(cluster, suffix);
    }
    Access::PodIdentity {
        role: role(cluster, suffix),
        style,
    }
}

/// Nothing but the node's role.
pub(super) fn node_role(cause: &'static str) -> Access {
    Access::NodeRole {
        cause,
        imds_v1: false,
    }
}

/// The pods of a first lesson on IAM in EKS: bare pods with the AWS CLI.
fn lab(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let t = |rng: &mut Rng| Target {
        instance: String::new(),
        ..target(cluster, "lab", rng)
    };
    vec![
        Workload::new(
            who("eks-iam-test1", "default", "default", Sdk::Cli),
            Naming::Bare,
            node_role("no_binding"),
            t(rng),
            &[Api::S3ListBuckets],
        )
        .denied(Api::S3ListBuckets)
        .every(8 * MINUTE, 12 * MINUTE)
        .image(CLI_IMAGE)
        .living(7 * HOUR, 11 * HOUR),
        Workload::new(
            who("eks-iam-test2", "default", "default", Sdk::Cli),
            Naming::Bare,
            node_role("no_binding"),
            t(rng),
            &[Api::S3ListBuckets, Api::Ec2Vpcs],
        )
        .denied(Api::S3ListBuckets)
        .denied(Api::Ec2Vpcs)
        .every(8 * MINUTE, 12 * MINUTE)
        .image(CLI_IMAGE)
        .living(7 * HOUR, 11 * HOUR),
        Workload::new(
            who("eks-iam-test3", "default", "my-sa", Sdk::Cli),
            Naming::Bare,
            irsa(cluster, "s3-list-my-sa"),
            t(rng),
            &[Api::S3ListBuckets, Api::Ec2Vpcs],
        )
        .denied(Api::Ec2Vpcs)
        .every(8 * MINUTE, 12 * MINUTE)
        .image(CLI_IMAGE)
        .living(7 * HOUR, 11 * HOUR),
        Workload::new(
            who("eks-pod-identity", "default", "s3-sa", Sdk::Cli),
            Naming::Bare,
            pod_identity(cluster, "pod-identity-s3-sa", Style::Tagged),
            t(rng),
            &[Api::S3ListBuckets],
        )
        .every(5 * MINUTE, 9 * MINUTE)
        .image(CLI_IMAGE)
        .living(5 * HOUR, 8 * HOUR),
    ]
}

fn controllers(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let controller = "aws-load-balancer-controller";
    let own = |suffix: &str| {
        if cluster.features.bare_controllers {
            node_role("no_binding")
        } else {
            irsa(cluster, suffix)
        }
    };
    let mut out = vec![
        Workload::new(
            who(
                controller,
                "kube-system",
                controller,
                Sdk::Go2Old(LBC_AGENT),
            ),
            deployment(rng),
            own("AmazonEKSLoadBalancerControllerRole"),
            target(cluster, "shop", rng),
            &[
                Api::ElbLoadBalancers,
                Api::ElbTags,
                Api::ElbTargetGroups,
                Api::ElbListeners,
                Api::ElbTargetHealth,
                Api::Ec2Zones,
                Api::Ec2SecurityGroups,
            ],
        )
        .component(controller)
        .image("public.ecr.aws/eks/aws-load-balancer-controller:v2.13.4")
        .every(15 * MINUTE, 25 * MINUTE)
        .living(9 * HOUR, 14 * HOUR),
        Workload::new(
            who("external-dns", "kube-system", "external-dns", Sdk::Go2("")),
            deployment(rng),
            own("external-dns"),
            target(cluster, "dns", rng),
            &[Api::Route53ListZones, Api::Route53ListRecords],
        )
        .component("external-dns")
        .image("registry.k8s.io/external-dns/external-dns:v0.18.0")
        .every(9 * MINUTE, 11 * MINUTE),
        Workload::new(
            who(
                "external-secrets",
                "external-secrets",
                "external-secrets",
                Sdk::Go1(""),
            ),
            deployment(rng),
            irsa(cluster, "external-secrets"),
            target(cluster, "orders", rng),
            &[Api::SecretsGet, Api::SecretsGet],
        )
        .named("external-secrets-provider-aws")
        .image("oci.external-secrets.io/external-secrets/external-secrets:v0.19.2")
        .every(9 * MINUTE, 11 * MINUTE),
    ];
    out.extend(scalers(cluster, rng));
    out
}

/// What grows and shrinks the cluster.
fn scalers(cluster: &Cluster, rng: &mut Rng) -> Option<Workload> {
    let name = "cluster-autoscaler";
    if cluster.features.bare_controllers {
        return Some(
            Workload::new(
                who(name, "kube-system", name, Sdk::Go1(SCALER_AGENT)),
                deployment(rng),
                node_role("no_binding"),
                target(cluster, "nodes", rng),
                &[Api::AutoscalingGroups, Api::AutoscalingInstances],
            )
            .component(name)
            .image("registry.k8s.io/autoscaling/cluster-autoscaler:v1.33.0")
            .every(9 * MINUTE, 11 * MINUTE)
            .living(9 * HOUR, 14 * HOUR),
        );
    }
    cluster.features.karpenter.then(|| {
        Workload::new(
            who(
                "karpenter",
                "kube-system",
                "karpenter",
                Sdk::Go2(KARPENTER_AGENT),
            ),
            deployment(rng),
            pod_identity(cluster, "karpenter-controller", Style::Tagged),
            target(cluster, "nodes", rng),
            &[
                Api::Ec2Subnets,
                Api::Ec2SecurityGroups,
                Api::SsmGetParameter,
            ],
        )
        .image("public.ecr.aws/karpenter/controller:1.6.3")
        .every(10 * MINUTE, 14 * MINUTE)
    })
}

fn services(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let provider = cluster.features.provider;
    let or_pod_identity = |access, suffix| {
        if provider {
            access
        } else {
            irsa(cluster, suffix)
        }
    };
    let global = Access::Irsa {
        role: role(cluster, "legacy-sync"),
        global_sts: true,
    };
    let mismatch = Access::Denied {
        role: role(cluster, "invoice-worker"),
    };
    let (global, mismatch) = (
        or_pod_identity(global, "legacy-sync"),
        or_pod_identity(mismatch, "invoice-worker"),
    );
    let untagged = if cluster.features.untagged {
        Style::Untagged
    } else {
        Style::Tagged
    };
    vec![
        Workload::new(
            who("orders-api", "shop", "orders", Sdk::Js3),
            deployment(rng),
            irsa(cluster, "orders"),
            target(cluster, "orders", rng),
            &[Api::DynamoDescribeTable, Api::KmsGenerateDataKey],
        )
        .in_ecr()
        .every(6 * MINUTE, 9 * MINUTE)
        .living(3 * HOUR, 6 * HOUR),
        Workload::new(
            who("cart", "shop", "cart", Sdk::Go2("")),
            deployment(rng),
            pod_identity(cluster, "cart", untagged.clone()),
            target(cluster, "cart", rng),
            &[Api::SsmGetParameter, Api::KmsDecrypt],
        )
        .in_ecr()
        .every(8 * MINUTE, 12 * MINUTE)
        .living(2 * HOUR, 5 * HOUR),
        // Old SDKs ask the global endpoint, so the naming record is elsewhere.
        Workload::new(
            who("legacy-sync", "batch", "legacy-sync", Sdk::Boto3Old),
            Naming::StatefulSet(0),
            global,
            target(cluster, "legacy", rng),
            &[Api::S3ListBuckets, Api::Ec2Instances],
        )
        .in_ecr()
        .every(12 * MINUTE, 18 * MINUTE),
        Workload::new(
            who("invoice-worker", "payments", "invoice-worker", Sdk::Boto3),
            deployment(rng),
            mismatch,
            target(cluster, "invoices", rng),
            &[],
        )
        .every(20 * MINUTE, 40 * MINUTE),
    ]
}

fn chains(cluster: &Cluster, other: &Rc<Account>, rng: &mut Rng) -> Vec<Workload> {
    let far = |name: &str| Role::new(other, "/shared/", name);
    let far_target = |name: &str, rng: &mut Rng| {
        let far = target(cluster, name, rng);
        Target {
            account: other.id.clone(),
            ..far
        }
    };
    let operator = role(cluster, "backup-operator");
    vec![
        Workload::new(
            who("reports", "analytics", "report-writer", Sdk::Java2),
            deployment(rng),
            irsa(cluster, "report-writer"),
            far_target("warehouse", rng),
            &[Api::S3ListBuckets, Api::DynamoDescribeTable],
        )
        .chained(&far("shared-data-reader"), "reports", HOUR)
        .every(10 * MINUTE, 14 * MINUTE)
        .living(6 * HOUR, 9 * HOUR),
        Workload::new(
            who("backup", "ops", "backup", Sdk::Go2("")),
            deployment(rng),
            irsa(cluster, "backup"),
            far_target("vault", rng),
            &[Api::KmsGenerateDataKey, Api::DynamoDescribeTable],
        )
        .chained(&operator, "backup", HOUR)
        .chained(&far("vault-writer"), "vault", HOUR)
        .every(28 * MINUTE, 32 * MINUTE),
        Workload::new(
            who("stock-sync", "shop", "stock-sync", Sdk::Rust),
            deployment(rng),
            pod_identity(cluster, "stock-sync", Style::Tagged),
            far_target("stock", rng),
            &[Api::SsmGetParameter],
        )
        .chained(&far("stock-reader"), "stock", 15 * MINUTE)
        .every(28 * MINUTE, 32 * MINUTE),
    ]
}
