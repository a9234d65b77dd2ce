//! The workloads every cluster has: each shows one way of reaching AWS.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::{Api, Target};
use super::cast::{deployment, target};
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Naming};
use super::rng::Rng;
use super::sdk::Sdk;
use super::workloads::{Access, Identity, Workload};

const LBC_AGENT: &str = " elbv2.k8s.aws/v2.13.4";

/// Makes all of them. Roles at the end of chains belong to `other`.
pub(super) fn all(cluster: &Cluster, other: &Rc<Account>, rng: &mut Rng) -> Vec<Workload> {
    let mut out = lab(cluster, rng);
    out.extend(controllers(cluster, rng));
    out.extend(services(cluster, rng));
    out.extend(chains(cluster, other, rng));
    out
}

fn who(
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

fn role(cluster: &Cluster, suffix: &str) -> Rc<Role> {
    Role::new(&cluster.account, "/", &format!("{}-{suffix}", cluster.name))
}

fn irsa(cluster: &Cluster, suffix: &str) -> Access {
    Access::Irsa {
        role: role(cluster, suffix),
        global_sts: false,
    }
}

/// The pods of a first lesson on IAM in EKS: bare pods with the AWS CLI.
fn lab(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let node = |cause| Access::NodeRole {
        cause,
        imds_v1: false,
    };
    let t = |rng: &mut Rng| Target {
        instance: String::new(),
        ..target(cluster, "lab", rng)
    };
    vec![
        Workload::new(
            who("eks-iam-test1", "default", "default", Sdk::Cli),
            Naming::Bare,
            node("no_binding"),
            t(rng),
            &[Api::S3ListBuckets],
        )
        .denied(Api::S3ListBuckets)
        .every(8 * MINUTE, 12 * MINUTE)
        .living(7 * HOUR, 11 * HOUR),
        Workload::new(
            who("eks-iam-test2", "default", "default", Sdk::Cli),
            Naming::Bare,
            node("no_binding"),
            t(rng),
            &[Api::S3ListBuckets, Api::Ec2Vpcs],
        )
        .denied(Api::S3ListBuckets)
        .denied(Api::Ec2Vpcs)
        .every(8 * MINUTE, 12 * MINUTE)
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
        .living(7 * HOUR, 11 * HOUR),
        Workload::new(
            who("eks-pod-identity", "default", "s3-sa", Sdk::Cli),
            Naming::Bare,
            Access::PodIdentity {
                role: role(cluster, "pod-identity-s3-sa"),
            },
            t(rng),
            &[Api::S3ListBuckets],
        )
        .every(5 * MINUTE, 9 * MINUTE)
        .living(5 * HOUR, 8 * HOUR),
    ]
}

fn controllers(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let controller = "aws-load-balancer-controller";
    vec![
        Workload::new(
            who(
                controller,
                "kube-system",
                controller,
                Sdk::Go2Old(LBC_AGENT),
            ),
            deployment(rng),
            irsa(cluster, "AmazonEKSLoadBalancerControllerRole"),
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
        .every(15 * MINUTE, 25 * MINUTE)
        .living(9 * HOUR, 14 * HOUR),
        Workload::new(
            who("external-dns", "kube-system", "external-dns", Sdk::Go2("")),
            deployment(rng),
            irsa(cluster, "external-dns"),
            target(cluster, "dns", rng),
            &[Api::Route53ListZones, Api::Route53ListRecords],
        )
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
        .every(9 * MINUTE, 11 * MINUTE),
    ]
}

fn services(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let global = Access::Irsa {
        role: role(cluster, "legacy-sync"),
        global_sts: true,
    };
    let mismatch = Access::Denied {
        role: role(cluster, "invoice-worker"),
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
            Access::PodIdentity {
                role: role(cluster, "cart"),
            },
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
            Access::PodIdentity {
                role: role(cluster, "stock-sync"),
            },
            far_target("stock", rng),
            &[Api::SsmGetParameter],
        )
        .chained(&far("stock-reader"), "stock", 15 * MINUTE)
        .every(28 * MINUTE, 32 * MINUTE),
    ]
}
