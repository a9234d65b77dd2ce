//! Pods that never call AWS: what else could have made a node's call.

use super::apis::Target;
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Naming};
use super::features::Agent;
use super::rng::Rng;
use super::sdk::Sdk;
use super::workloads::{Access, Identity, Workload};

/// Makes all of them.
pub(super) fn all(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    let mut out = daemons(cluster);
    out.extend(deployments(rng));
    out.extend(jobs());
    out
}

fn idle(
    name: &'static str,
    namespace: &'static str,
    service_account: &'static str,
    naming: Naming,
    image: &'static str,
) -> Workload {
    let who = Identity {
        name,
        namespace,
        service_account,
        // No request tells: there are none.
        sdk: Sdk::Boto3,
    };
    Workload::new(who, naming, Access::Nothing, Target::default(), &[]).image(image)
}

fn daemons(cluster: &Cluster) -> Vec<Workload> {
    let daemon =
        |name, namespace, account, image| idle(name, namespace, account, Naming::DaemonSet, image);
    let system = "kube-system";
    let mut out = vec![
        daemon(
            "aws-node",
            system,
            "aws-node",
            "public.ecr.aws/eks/amazon-k8s-cni:v1.20.1",
        )
        .on_host_network(),
        daemon(
            "kube-proxy",
            system,
            "kube-proxy",
            "public.ecr.aws/eks/kube-proxy:v1.33.3",
        )
        .on_host_network(),
        daemon(
            "ebs-csi-node",
            system,
            "ebs-csi-node-sa",
            "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.48.0",
        ),
        daemon(
            "prometheus-node-exporter",
            "monitoring",
            "prometheus-node-exporter",
            "quay.io/prometheus/node-exporter:v1.9.1",
        )
        .on_host_network(),
    ];
    let agent = daemon(
        "eks-pod-identity-agent",
        system,
        "eks-pod-identity-agent",
        "public.ecr.aws/eks/eks-pod-identity-agent:v0.1.32",
    )
    .on_host_network();
    match cluster.features.agent {
        Agent::Everywhere => out.push(agent),
        Agent::NotOnFirst => out.push(agent.not_on(0)),
        Agent::Nowhere => {}
    }
    if cluster.features.kube2iam {
        let proxy = daemon("kube2iam", system, "kube2iam", "jtblin/kube2iam:0.11.2");
        out.push(proxy.on_host_network().not_on(0));
    }
    out
}

fn deployments(rng: &mut Rng) -> Vec<Workload> {
    let mut deployment = |name, namespace, account, image, replicas| {
        let set = Naming::Deployment(rng.kubernetes(10));
        idle(name, namespace, account, set, image).times(replicas)
    };
    vec![
        deployment(
            "coredns",
            "kube-system",
            "coredns",
            "public.ecr.aws/eks/coredns:v1.12.1",
            2,
        ),
        deployment(
            "metrics-server",
            "kube-system",
            "metrics-server",
            "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
            2,
        ),
        deployment(
            "frontend",
            "shop",
            "frontend",
            "public.ecr.aws/nginx/nginx:1.29",
            3,
        )
        .living(2 * HOUR, 7 * HOUR),
        deployment("gateway", "edge", "gateway", "envoyproxy/envoy:v1.35.1", 2)
            .living(3 * HOUR, 9 * HOUR),
        deployment("blog", "blog", "default", "ghost:5.130", 2).living(HOUR, 4 * HOUR),
        deployment("wiki", "default", "default", "requarks/wiki:2.5", 1).living(HOUR, 5 * HOUR),
        deployment(
            "mail-relay",
            "backoffice",
            "default",
            "boky/postfix:4.4.0",
            1,
        )
        .living(2 * HOUR, 5 * HOUR),
        deployment(
            "grafana",
            "monitoring",
            "grafana",
            "grafana/grafana:12.1.0",
            1,
        ),
        idle(
            "redis",
            "shop",
            "default",
            Naming::StatefulSet(0),
            "redis:8.2",
        ),
    ]
}

/// Jobs so short that most snapshots miss them, and whose addresses are soon
/// another pod's.
fn jobs() -> Vec<Workload> {
    let job = |name, namespace, every| {
        idle(
            name,
            namespace,
            "default",
            Naming::CronJob(every),
            "busybox:1.37",
        )
    };
    vec![
        job("cache-warmer", "shop", 7 * MINUTE)
            .living(MINUTE, 3 * MINUTE)
            .keeping(1),
        job("session-cleanup", "backoffice", 15 * MINUTE).living(2 * MINUTE, 6 * MINUTE),
        job("sitemap", "blog", 12 * MINUTE)
            .living(2 * MINUTE, 4 * MINUTE)
            .keeping(0),
    ]
}

/// What runs on Fargate where a cluster has it.
pub(super) fn on_fargate(rng: &mut Rng) -> Vec<Workload> {
    let set = Naming::Deployment(rng.kubernetes(10));
    let quotes = idle("quotes", "serverless", "quotes", set, "");
    let set = Naming::Deployment(rng.kubernetes(10));
    let hooks = idle("webhooks", "serverless", "default", set, "");
    vec![
        quotes.living(5 * HOUR, 9 * HOUR),
        hooks.living(7 * HOUR, 12 * HOUR),
    ]
}
