//! EKS clusters: nodes, pods and what the workloads are.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::Target;
use super::rng::Rng;
use super::sts::PodTags;
use super::truth::Label;
use super::world::{Endpoints, Origin};

/// An EKS cluster with a managed node group.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) account: Rc<Account>,
    pub(super) region: &'static str,
    pub(super) name: Rc<str>,
    pub(super) arn: String,
    /// OIDC issuer without scheme.
    pub(super) issuer: Rc<str>,
    /// ARN of the IAM OIDC provider of the issuer.
    pub(super) provider: Rc<str>,
    pub(super) control_role: Rc<Role>,
    pub(super) node_role: Rc<Role>,
    pub(super) eks_slr: Rc<Role>,
    pub(super) nodegroup_slr: Rc<Role>,
    pub(super) nodes: Vec<Node>,
    /// When the history begins.
    pub(super) history: i64,
    /// Addresses from which the API servers call AWS.
    control_plane: Vec<Rc<str>>,
    pub(super) endpoints: Rc<Endpoints>,
    /// What the control plane and the agents work on.
    pub(super) target: Target,
}

/// A node; its place in `World::nodes` is `index`.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) index: usize,
    pub(super) instance: Rc<str>,
    pub(super) address: Rc<str>,
    pub(super) zone: usize,
    /// When it boots; before the history begins for nodes that run already.
    pub(super) boot: i64,
}

/// What is needed to make a [`Cluster`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ClusterPlan<'a> {
    pub(super) name: &'a str,
    pub(super) region: &'static str,
    pub(super) node_role: &'a str,
    pub(super) nodes: usize,
    /// When the first node boots.
    pub(super) boot: i64,
    /// When the history begins.
    pub(super) history: i64,
    /// Services with an interface endpoint in the cluster's network.
    pub(super) endpoints: &'a [&'static str],
}

impl Cluster {
    /// Makes a cluster; `first_node` is the number of nodes of the world so far.
    pub(super) fn new(
        account: &Rc<Account>,
        plan: ClusterPlan<'_>,
        first_node: usize,
        rng: &mut Rng,
    ) -> Rc<Self> {
        let ClusterPlan { name, region, .. } = plan;
        let issuer = format!(
            "oidc.eks.{region}.amazonaws.com/id/{}",
            rng.hex(32).to_ascii_uppercase()
        );
        let nodes = (0..plan.nodes)
            .map(|n| Node {
                index: first_node + n,
                instance: Rc::from(rng.ec2_id("i-")),
                address: Rc::from(format!("192.168.{}.{}", 32 * (n % 3) + 1, 10 + n / 3)),
                zone: n % 3,
                boot: plan.boot + 7 * n.cast_signed() as i64,
            })
            .collect();
        let endpoint = |service: &&'static str, rng: &mut Rng| (*service, rng.ec2_id("vpce-"));
        let endpoints = Endpoints {
            interface: plan
                .endpoints
                .iter()
                .map(|service| endpoint(service, rng))
                .collect(),
            gateway: vec![("s3", rng.ec2_id("vpce-"))],
        };
        let target = Target {
            account: account.id.clone(),
            region,
            cluster: name.to_owned(),
            key_arn: format!(
                "arn:aws:kms:{region}:{}:key/{}",
                account.id,
                rng.uuid().text()
            ),
            vpc: rng.ec2_id("vpc-"),
            load_balancer: format!("k8s-shop-{}", rng.hex(10)),
            ..Target::default()
        };
        let slr = |service: &str, role: &str| {
            Role::new(account, &format!("/aws-service-role/{service}/"), role)
        };
        Rc::new(Self {
            arn: format!("arn:aws:eks:{region}:{}:cluster/{name}", account.id),
            provider: Rc::from(format!(
                "arn:aws:iam::{}:oidc-provider/{issuer}",
                account.id
            )),
            issuer: Rc::from(issuer),
            control_role: Role::new(account, "/", &format!("{name}-cluster")),
            node_role: Role::new(account, "/", plan.node_role),
            eks_slr: slr("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
            nodegroup_slr: slr(
                "eks-nodegroup.amazonaws.com",
                "AWSServiceRoleForAmazonEKSNodegroup",
            ),
            nodes,
            control_plane: (0..2)
                .map(|_| Rc::from(format!("192.0.2.{}", rng.between(2, 250))))
                .collect(),
            endpoints: Rc::new(endpoints),
            history: plan.history,
            target,
            account: Rc::clone(account),
            region,
            name: Rc::from(name),
        })
    }

    /// Label of a node agent or a control plane part.
    pub(super) fn part(
        &self,
        access_path: &'static str,
        actor: &'static str,
        component: &'static str,
        node: Option<&Node>,
    ) -> Label {
        let node = node.map(|node| &node.instance);
        Label::part(access_path, actor, component, &self.name, node)
    }

    /// Address of one of the API servers.
    pub(super) fn control_plane(&self, rng: &mut Rng) -> &str {
        &self.control_plane[rng.index(self.control_plane.len())]
    }

    /// Where the agents of a node call from.
    pub(super) fn node_origin(&self, node: &Node) -> Origin {
        Origin {
            public: self.account.nat(node.zone),
            private: Some(Rc::clone(&node.address)),
            node: Some(Rc::clone(&node.address)),
            endpoints: Rc::clone(&self.endpoints),
        }
    }
}

/// How Kubernetes names the pods of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Naming {
    /// A bare pod keeps its name when it is made again.
    Bare,
    /// `name-<replica set>-<random>`.
    Deployment(String),
    /// `name-<ordinal>`.
    StatefulSet(usize),
}

/// A running pod.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    pub(super) name: Rc<str>,
    pub(super) uid: Rc<str>,
    pub(super) node: Node,
    pub(super) origin: Origin,
}

impl Pod {
    /// Schedules a pod on a node.
    pub(super) fn start(
        cluster: &Cluster,
        workload: &str,
        naming: &Naming,
        node: usize,
        rng: &mut Rng,
    ) -> Self {
        let node = &cluster.nodes[node % cluster.nodes.len()];
        let name = match naming {
            Naming::Bare => workload.to_owned(),
            Naming::Deployment(set) => format!("{workload}-{set}-{}", rng.kubernetes(5)),
            Naming::StatefulSet(ordinal) => format!("{workload}-{ordinal}"),
        };
        let address = format!(
            "192.168.{}.{}",
            32 * node.zone.cast_signed() as i64 + rng.between(2, 30),
            rng.between(4, 250)
        );
        let mut origin = cluster.node_origin(node);
        origin.private = Some(Rc::from(address));
        Self {
            name: Rc::from(name),
            uid: Rc::from(rng.uuid().text()),
            node: node.clone(),
            origin,
        }
    }

    /// The session tags of this pod.
    pub(super) fn tags<'a>(
        &'a self,
        cluster: &'a Cluster,
        namespace: &'a str,
        service_account: &'a str,
    ) -> PodTags<'a> {
        PodTags {
            cluster_arn: &cluster.arn,
            cluster: &cluster.name,
            namespace,
            service_account,
            pod: &self.name,
            pod_uid: &self.uid,
        }
    }
}
