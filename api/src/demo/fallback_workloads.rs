//! The workloads that end at the node's role: every cause, in SDKs old and
//! new, as Deployments, DaemonSets, CronJobs and side containers.

use std::rc::Rc;

use super::apis::Api;
use super::bindings::BindingKind;
use super::cast::{deployment, target};
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Naming};
use super::demo_workloads::{irsa, node_role, pod_identity, role, who};
use super::features::Agent;
use super::rng::Rng;
use super::sdk::Sdk;
use super::workloads::{Access, Refusal, Style, Workload};

/// Makes all of them. `late` is when the bindings are made that come too late.
pub(super) fn all(cluster: &Cluster, late: i64, rng: &mut Rng) -> Vec<Workload> {
    let mut out = unbound(cluster, rng);
    out.extend(on_every_node(cluster, rng));
    out.extend(too_late(cluster, late, rng));
    out.extend(refused(cluster, rng));
    out.extend(too_old(cluster, rng));
    out.extend(half_covered(cluster, rng));
    out.extend(proxied(cluster, rng));
    out
}

/// Service accounts without any role. `pdf-render` and `image-resize` share a
/// node, an SDK and their calls; `report-mailer` moves from node to node.
fn unbound(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let twin_node = usize::from(!cluster.features.kube2iam);
    let mut make = |name, namespace, account, sdk, naming, apis: &[Api]| {
        Workload::new(
            who(name, namespace, account, sdk),
            naming,
            node_role("no_binding"),
            target(cluster, name, rng),
            apis,
        )
    };
    let mut sets = Rng::new(super::account::fnv1a(&cluster.arn));
    let twins: &[Api] = &[Api::S3GetObject, Api::S3PutObject, Api::SqsReceive];
    vec![
        make(
            "report-mailer",
            "backoffice",
            "mailer",
            Sdk::Boto3,
            deployment(&mut sets),
            &[Api::SecretsGet, Api::S3ListBuckets],
        )
        .in_ecr()
        .every(9 * MINUTE, 13 * MINUTE)
        .living(HOUR, 2 * HOUR),
        make(
            "image-resize",
            "media",
            "image-resize",
            Sdk::Js3,
            deployment(&mut sets),
            twins,
        )
        .on_node(twin_node)
        .in_ecr()
        .every(8 * MINUTE, 12 * MINUTE)
        .living(5 * HOUR, 9 * HOUR),
        make(
            "pdf-render",
            "media",
            "pdf-render",
            Sdk::Js3,
            deployment(&mut sets),
            twins,
        )
        .on_node(twin_node)
        .in_ecr()
        .every(8 * MINUTE, 12 * MINUTE)
        .living(5 * HOUR, 9 * HOUR),
        make(
            "ledger-export",
            "backoffice",
            "default",
            Sdk::Cli,
            Naming::CronJob(20 * MINUTE),
            &[Api::S3ListBuckets, Api::DynamoDescribeTable],
        )
        .every(40, 90)
        .living(2 * MINUTE, 10 * MINUTE)
        .keeping(0),
        make(
            "legacy-ftp",
            "partners",
            "legacy-ftp",
            Sdk::Js2,
            Naming::StatefulSet(0),
            &[Api::S3ListObjects, Api::S3PutObject],
        )
        .every(11 * MINUTE, 15 * MINUTE),
    ]
}

/// DaemonSets: one with a network of its own, one on the host's.
fn on_every_node(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    vec![
        Workload::new(
            who("node-tagger", "monitoring", "node-tagger", Sdk::Go2("")),
            Naming::DaemonSet,
            node_role("no_binding"),
            target(cluster, "tagger", rng),
            &[Api::Ec2Tags, Api::Ec2Volumes],
        )
        .every(14 * MINUTE, 16 * MINUTE),
        Workload::new(
            who("disk-guard", "monitoring", "disk-guard", Sdk::Go1("")),
            Naming::DaemonSet,
            node_role("host_network"),
            target(cluster, "disks", rng),
            &[Api::Ec2Volumes, Api::SsmGetParameter],
        )
        .on_host_network()
        .every(19 * MINUTE, 22 * MINUTE),
    ]
}

/// Pods that are older than their binding, and keep to the node's role until
/// they are made again: `price-feed` for the whole history if its node stays,
/// `loyalty` until its next restart.
fn too_late(cluster: &Cluster, late: i64, rng: &mut Rng) -> Vec<Workload> {
    let kind = |wanted| match wanted {
        BindingKind::Annotation if !cluster.features.provider => BindingKind::Association,
        BindingKind::Association if cluster.features.agent == Agent::Nowhere => {
            BindingKind::Annotation
        }
        wanted => wanted,
    };
    let access = |suffix: &str, wanted| Access::Late {
        role: role(cluster, suffix),
        kind: kind(wanted),
        since: late,
    };
    vec![
        Workload::new(
            who("price-feed", "pricing", "price-feed", Sdk::Js3),
            deployment(rng),
            access("price-feed", BindingKind::Annotation),
            target(cluster, "prices", rng),
            &[Api::DynamoQuery, Api::KmsDecrypt],
        )
        .in_ecr()
        .every(8 * MINUTE, 11 * MINUTE),
        Workload::new(
            who("loyalty", "shop", "loyalty", Sdk::Boto3),
            deployment(rng),
            access("loyalty", BindingKind::Association),
            target(cluster, "loyalty", rng),
            &[Api::SsmGetParameter, Api::DynamoGetItem],
        )
        // Pods that get credentials later need the agent on their node.
        .on_node(usize::from(!cluster.features.kube2iam))
        .in_ecr()
        .every(8 * MINUTE, 11 * MINUTE)
        .living(8 * HOUR, 10 * HOUR),
    ]
}

/// Web identities that STS refuses, in SDKs whose chain goes on.
fn refused(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let refusal = if cluster.features.provider {
        Refusal::Trust
    } else {
        Refusal::Provider
    };
    let access = |suffix: &str| Access::Refused {
        role: role(cluster, suffix),
        refusal,
    };
    vec![
        Workload::new(
            who("settlement", "payments", "settlement", Sdk::Java2),
            deployment(rng),
            access("settlement"),
            target(cluster, "settlement", rng),
            &[Api::DynamoDescribeTable, Api::SecretsGet],
        )
        .in_ecr()
        .every(10 * MINUTE, 13 * MINUTE)
        .living(5 * HOUR, 8 * HOUR),
        Workload::new(
            who("storefront", "shop", "storefront", Sdk::Php),
            deployment(rng),
            access("storefront"),
            target(cluster, "storefront", rng),
            &[Api::S3HeadObject, Api::S3GetObject],
        )
        .every(12 * MINUTE, 15 * MINUTE)
        .living(3 * HOUR, 6 * HOUR),
    ]
}

/// SDKs that do not know what the webhook injected, and whose chain ends at the
/// metadata service. Where that requires tokens, the SDK must be new enough for
/// them.
fn too_old(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let agent = cluster.features.agent != Agent::Nowhere;
    let annotation = if cluster.features.provider {
        BindingKind::Annotation
    } else {
        BindingKind::Association
    };
    let (importer, imds_v1, import_kind) = if cluster.features.tokens_required {
        (Sdk::Js2, false, BindingKind::Association)
    } else {
        (Sdk::Boto3Ancient, true, annotation)
    };
    let mut make = |name, sdk, imds_v1, kind, naming, apis: &[Api]| {
        let access = Access::NodeRole {
            cause: "sdk_too_old",
            imds_v1,
        };
        Workload::new(
            who(name, "legacy", name, sdk),
            naming,
            access,
            target(cluster, name, rng),
            apis,
        )
        .bound(kind, role(cluster, name))
        .every(10 * MINUTE, 14 * MINUTE)
    };
    let mut sets = Rng::new(super::account::fnv1a(&cluster.issuer));
    let mut out = vec![
        make(
            "archiver",
            Sdk::Java1,
            false,
            annotation,
            deployment(&mut sets),
            &[Api::S3PutObject, Api::KmsGenerateDataKey],
        )
        .in_ecr()
        .living(6 * HOUR, 11 * HOUR),
        make(
            "catalog-import",
            importer,
            imds_v1,
            import_kind,
            Naming::CronJob(30 * MINUTE),
            &[Api::S3GetObject, Api::DynamoPutItem],
        )
        // Where one node lacks the agent, an association has a second cause.
        .not_on(0)
        .every(60, 120)
        .living(3 * MINUTE, 8 * MINUTE),
    ];
    if cluster.features.kube2iam {
        // The only node whose role is in reach.
        for workload in &mut out {
            workload.avoided = None;
        }
    }
    if agent {
        let old = make(
            "mail-gateway",
            Sdk::Java2Old,
            false,
            BindingKind::Association,
            deployment(&mut sets),
            &[Api::SqsReceive, Api::SqsDelete],
        );
        out.push(old.on_node(2).living(4 * HOUR, 7 * HOUR));
    }
    out
}

/// An association whose node lacks the agent, and a pod of which one container
/// is exempt from injection.
fn half_covered(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let mut out = Vec::new();
    if cluster.features.agent != Agent::Everywhere {
        for (name, sdk, apis) in [
            (
                "geo-cache",
                Sdk::Java2,
                [Api::S3GetObject, Api::DynamoQuery],
            ),
            (
                "tracking",
                Sdk::Js2Last,
                [Api::SqsSend, Api::SsmGetParameter],
            ),
        ] {
            let lacking = Workload::new(
                who(name, "geo", name, sdk),
                deployment(rng),
                node_role("association_missing_agent"),
                target(cluster, name, rng),
                &apis,
            )
            .bound(BindingKind::Association, role(cluster, name));
            let paced = lacking.every(9 * MINUTE, 12 * MINUTE);
            out.push(paced.on_node(0).living(6 * HOUR, 9 * HOUR));
        }
    }
    let covered = if cluster.features.karpenter {
        pod_identity(cluster, "edge-proxy", Style::Tagged)
    } else {
        irsa(cluster, "edge-proxy")
    };
    let edge = Workload::new(
        who("edge-proxy", "edge", "edge-proxy", Sdk::Go2("")),
        deployment(rng),
        covered,
        target(cluster, "edge", rng),
        &[Api::SsmGetParameter],
    )
    .skipping(
        "config-sync",
        Sdk::Boto3,
        &[Api::S3ListObjects, Api::S3GetObject],
    );
    let paced = edge.in_ecr().every(10 * MINUTE, 13 * MINUTE);
    out.push(paced.living(6 * HOUR, 9 * HOUR));
    out
}

/// Pods whose role kube2iam assumes, or EKS through a target role.
fn proxied(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let mut out = Vec::new();
    if cluster.features.kube2iam {
        for (name, sdk, apis) in [
            (
                "uploads",
                Sdk::Boto3Old,
                [Api::S3PutObject, Api::S3HeadObject],
            ),
            (
                "uploads-check",
                Sdk::Go1(""),
                [Api::S3HeadObject, Api::KmsDecrypt],
            ),
        ] {
            let access = Access::Kube2iam {
                role: role(cluster, "uploads"),
            };
            let target = target(cluster, name, rng);
            let workload = Workload::new(
                who(name, "media", name, sdk),
                deployment(rng),
                access,
                target,
                &apis,
            );
            out.push(
                workload
                    .every(8 * MINUTE, 11 * MINUTE)
                    .living(4 * HOUR, 8 * HOUR),
            );
        }
    }
    if cluster.features.untagged {
        let far = Rc::clone(&role(cluster, "clearing-target"));
        let access = pod_identity(cluster, "clearing", Style::Target(far));
        let workload = Workload::new(
            who("clearing", "payments", "clearing", Sdk::Go2("")),
            deployment(rng),
            access,
            target(cluster, "clearing", rng),
            &[Api::DynamoPutItem, Api::KmsGenerateDataKey],
        );
        out.push(
            workload
                .every(9 * MINUTE, 12 * MINUTE)
                .living(5 * HOUR, 9 * HOUR),
        );
    }
    out
}
