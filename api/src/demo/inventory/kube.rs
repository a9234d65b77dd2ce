//! `kubectl get … -o json` of nodes, service accounts, the aws-auth ConfigMap
//! and Karpenter's node classes.

use std::collections::BTreeMap;

use super::super::account::Role;
use super::super::bindings::BindingKind;
use super::super::cluster::{Cluster, INSTANCE_TYPE, NODEGROUP, Node};
use super::super::fleet::{Fleet, NodeState};
use super::super::json::Json;
use super::super::launch;
use super::super::plans;
use super::super::setup::stable_uuid;

/// Seconds from boot to the node's registration.
const JOINING: i64 = 12;

/// Begins a list of objects.
pub(super) fn list_start(out: &mut Json) {
    out.open().text("apiVersion", "v1").list("items");
}

/// Ends it.
pub(super) fn list_end(out: &mut Json) {
    out.close_list().text("kind", "List");
    out.object("metadata")
        .text("resourceVersion", "")
        .close()
        .close();
}

/// Nodes that are up, and those that Fargate made for its pods.
pub(super) fn nodes(fleet: &Fleet, nodes: &[NodeState]) -> Json {
    let mut out = Json::default();
    list_start(&mut out);
    for state in nodes.iter().filter(|state| state.up) {
        node(&mut out, &fleet.cluster, &state.node);
    }
    for listed in fleet.pods.values().filter(|pod| pod.pod.node.fargate) {
        node(&mut out, &fleet.cluster, &listed.pod.node);
    }
    list_end(&mut out);
    out
}

fn node(out: &mut Json, cluster: &Cluster, node: &Node) {
    let zone = launch::zone(cluster, node);
    out.open().text("apiVersion", "v1").text("kind", "Node");
    out.object("metadata")
        .time("creationTimestamp", node.boot + JOINING);
    out.object("labels");
    if node.fargate {
        out.text("eks.amazonaws.com/compute-type", "fargate");
    } else if cluster.features.karpenter {
        out.text("karpenter.sh/capacity-type", "on-demand")
            .text("karpenter.sh/nodepool", NODEGROUP);
    } else {
        out.text("eks.amazonaws.com/capacityType", "ON_DEMAND")
            .text("eks.amazonaws.com/nodegroup", NODEGROUP);
    }
    out.text("kubernetes.io/arch", "amd64")
        .text("kubernetes.io/hostname", &node.name)
        .text("kubernetes.io/os", "linux");
    if !node.fargate {
        out.text("node.kubernetes.io/instance-type", INSTANCE_TYPE);
    }
    out.text("topology.kubernetes.io/region", cluster.region)
        .text("topology.kubernetes.io/zone", &zone)
        .close();
    out.text("name", &node.name)
        .text("resourceVersion", "48213")
        .text("uid", &node.uid)
        .close();
    let provider = if node.fargate {
        format!(
            "aws:///{zone}/{}/{}",
            &stable_uuid(&node.uid)[..17],
            node.name
        )
    } else {
        format!("aws:///{zone}/{}", node.instance)
    };
    out.object("spec").text("providerID", &provider).close();
    out.object("status").list("addresses");
    for (kind, address) in [
        ("InternalIP", &node.address),
        ("InternalDNS", &node.name),
        ("Hostname", &node.name),
    ] {
        out.open()
            .text("address", address)
            .text("type", kind)
            .close();
    }
    out.close_list().object("nodeInfo");
    out.text("architecture", "amd64")
        .text("containerRuntimeVersion", "containerd://2.1.4")
        .text("kubeletVersion", "v1.33.3-eks-3abbec1")
        .text("operatingSystem", "linux")
        .text("osImage", "Amazon Linux 2023.8.20250808")
        .close();
    out.close().close();
}

/// Service accounts, with the annotations they have at a time.
pub(super) fn service_accounts(fleet: &Fleet, at: i64) -> Json {
    let cluster = &fleet.cluster;
    let mut all: BTreeMap<(&str, &str), Option<String>> = BTreeMap::new();
    for workload in &fleet.workloads {
        let namespace = &*workload.namespace;
        all.entry((namespace, "default")).or_default();
        let account = all
            .entry((namespace, &workload.service_account))
            .or_default();
        let bound = (workload.binding())
            .filter(|bound| bound.kind == BindingKind::Annotation)
            .filter(|bound| bound.since.is_none_or(|since| since <= at));
        if let Some(bound) = bound {
            *account = Some(bound.role.arn.to_string());
        }
    }
    let mut out = Json::default();
    list_start(&mut out);
    for ((namespace, name), role) in all {
        out.open().text("apiVersion", "v1");
        out.text("kind", "ServiceAccount").object("metadata");
        if let Some(role) = role {
            out.object("annotations")
                .text("eks.amazonaws.com/role-arn", &role)
                .close();
        }
        let uid = stable_uuid(&format!("{}/{namespace}/{name}", cluster.issuer));
        out.time("creationTimestamp", cluster.bound())
            .text("name", name)
            .text("namespace", namespace)
            .text("resourceVersion", "2718")
            .text("uid", &uid)
            .close()
            .close();
    }
    list_end(&mut out);
    out
}

/// `kubectl get configmap aws-auth -n kube-system -o json`. Role ARNs stand
/// there without their path.
pub(super) fn aws_auth(cluster: &Cluster) -> Json {
    let arn = |role: &Role| format!("arn:aws:iam::{}:role/{}", role.account.id, role.name);
    let mut rows = format!(
        "- groups:\n  - system:bootstrappers\n  - system:nodes\n  rolearn: {}\n  \
         username: system:node:{{{{EC2PrivateDNSName}}}}\n",
        arn(&cluster.node_role)
    );
    let admin = plans::sso_role(&cluster.account, "AdministratorAccess");
    rows.push_str("- groups:\n  - system:masters\n  rolearn: ");
    rows.push_str(&arn(&admin));
    rows.push_str("\n  username: admin\n");
    let mut out = Json::default();
    out.open().text("apiVersion", "v1");
    out.object("data")
        .text("mapRoles", &rows)
        .text("mapUsers", "[]\n")
        .close();
    out.text("kind", "ConfigMap").object("metadata");
    out.time("creationTimestamp", cluster.bound())
        .text("name", "aws-auth")
        .text("namespace", "kube-system")
        .text("resourceVersion", "1183")
        .text("uid", &stable_uuid(&cluster.name))
        .close()
        .close();
    out
}

/// `kubectl get ec2nodeclasses -o json`.
pub(super) fn node_classes(cluster: &Cluster, at: i64) -> Json {
    let mut out = Json::default();
    list_start(&mut out);
    out.open()
        .text("apiVersion", "karpenter.k8s.aws/v1")
        .text("kind", "EC2NodeClass");
    out.object("metadata")
        .time("creationTimestamp", cluster.bound())
        .text("name", "default")
        .text("resourceVersion", "3141")
        .text("uid", &stable_uuid(&cluster.node_role.arn))
        .close();
    out.object("spec");
    out.list("amiSelectorTerms").open();
    out.text("alias", "al2023@latest").close().close_list();
    out.object("metadataOptions")
        .text("httpEndpoint", "enabled")
        .text("httpProtocolIPv6", "disabled")
        .number("httpPutResponseHopLimit", cluster.hop_limit(at))
        .text("httpTokens", cluster.http_tokens())
        .close();
    out.text("role", &cluster.node_role.name).close().close();
    list_end(&mut out);
    out
}
