//! EKS clusters: nodes, pods and what the workloads are.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::Target;
use super::clock::{HOUR, MINUTE};
use super::features::Features;
use super::pod_identity::PodTags;
use super::rng::Rng;
use super::truth::Label;
use super::workloads::Workload;
use super::world::{Endpoints, Origin};

/// Name of the node group, and of Karpenter's node pool.
pub(super) const NODEGROUP: &str = "ng-1";
/// Instance type of all nodes.
pub(super) const INSTANCE_TYPE: &str = "m6i.large";

/// An EKS cluster with one group of nodes.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its place in `World::fleets`.
    pub(super) number: usize,
    pub(super) features: Features,
    /// When it was created.
    pub(super) created: i64,
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
    /// Role of pods on Fargate.
    pub(super) fargate_role: Rc<Role>,
    /// The nodes that it has at first.
    pub(super) nodes: Vec<Node>,
    /// When the history begins.
    pub(super) history: i64,
    /// When somebody sets the hop limit of all nodes to 1, if ever.
    pub(super) hop_limit_cut: Option<i64>,
    /// Subnets of the three zones.
    pub(super) subnets: [String; 3],
    /// ARN of the instance profile of the nodes.
    pub(super) instance_profile: String,
    /// Addresses from which the API servers call AWS.
    control_plane: Vec<Rc<str>>,
    pub(super) endpoints: Rc<Endpoints>,
    /// What the control plane and the agents work on.
    pub(super) target: Target,
}

/// A node; its slot in `World::nodes` is `index`.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) index: usize,
    pub(super) instance: Rc<str>,
    pub(super) address: Rc<str>,
    /// Kubernetes name, which is the private DNS name.
    pub(super) name: Rc<str>,
    pub(super) uid: Rc<str>,
    pub(super) zone: usize,
    /// When it boots; before the history begins for nodes that run already.
    pub(super) boot: i64,
    /// A micro VM of Fargate: no instance of the account.
    pub(super) fargate: bool,
}

impl Node {
    /// A node that is about to boot.
    pub(super) fn new(
        index: usize,
        region: &str,
        address: Rc<str>,
        zone: usize,
        boot: i64,
        rng: &mut Rng,
    ) -> Self {
        let dashed = address.replace('.', "-");
        Self {
            index,
            instance: Rc::from(rng.ec2_id("i-")),
            name: Rc::from(private_dns_name(&dashed, region)),
            uid: Rc::from(rng.uuid().text()),
            address,
            zone,
            boot,
            fargate: false,
        }
    }
}

/// The private DNS name of an address, which us-east-1 writes in its own way
/// (EC2 User Guide, "EC2 instance hostnames and domains").
pub(super) fn private_dns_name(dashed: &str, region: &str) -> String {
    match region {
        "us-east-1" => format!("ip-{dashed}.ec2.internal"),
        _ => format!("ip-{dashed}.{region}.compute.internal"),
    }
}

/// What is needed to make a [`Cluster`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ClusterPlan<'a> {
    pub(super) number: usize,
    pub(super) name: &'a str,
    pub(super) region: &'static str,
    pub(super) features: Features,
    pub(super) node_role: &'a str,
    pub(super) nodes: usize,
    pub(super) created: i64,
    /// When the first node boots.
    pub(super) boot: i64,
    /// When the history begins, and its length.
    pub(super) history: i64,
    pub(super) length: i64,
}

impl Cluster {
    /// Makes a cluster; `first_node` is the number of nodes of the world so far.
    pub(super) fn new(
        account: &Rc<Account>,
        plan: ClusterPlan<'_>,
        first_node: usize,
        rng: &mut Rng,
    ) -> Rc<Self> {
        let ClusterPlan {
            name,
            region,
            features,
            ..
        } = plan;
        let issuer = format!(
            "oidc.eks.{region}.amazonaws.com/id/{}",
            rng.hex(32).to_ascii_uppercase()
        );
        let nodes = (0..plan.nodes)
            .map(|n| {
                let address = Rc::from(format!("192.168.{}.{}", 32 * (n % 3) + 1, 10 + n / 3));
                let boot = plan.boot + 7 * n.cast_signed() as i64;
                Node::new(first_node + n, region, address, n % 3, boot, rng)
            })
            .collect();
        let mut endpoints = |services: &[&'static str]| {
            let ids = services.iter().map(|name| (*name, rng.ec2_id("vpce-")));
            ids.collect::<Vec<_>>()
        };
        let endpoints = Endpoints {
            interface: endpoints(features.interface),
            gateway: endpoints(features.gateway),
            external_snat: features.external_snat,
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
        let cut = plan.history + plan.length / 2;
        Rc::new(Self {
            number: plan.number,
            created: plan.created,
            arn: format!("arn:aws:eks:{region}:{}:cluster/{name}", account.id),
            provider: Rc::from(format!(
                "arn:aws:iam::{}:oidc-provider/{issuer}",
                account.id
            )),
            issuer: Rc::from(issuer),
            control_role: Role::new(account, "/", &format!("{name}-cluster")),
            node_role: Role::new(account, features.role_path, plan.node_role),
            eks_slr: slr("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
            nodegroup_slr: slr(
                "eks-nodegroup.amazonaws.com",
                "AWSServiceRoleForAmazonEKSNodegroup",
            ),
            fargate_role: Role::new(account, "/", &format!("{name}-fargate-pods")),
            nodes,
            control_plane: (0..2)
                .map(|_| Rc::from(format!("192.0.2.{}", rng.between(2, 250))))
                .collect(),
            endpoints: Rc::new(endpoints),
            history: plan.history,
            hop_limit_cut: (features.hop_limit_cut && plan.length >= 2 * HOUR).then_some(cut),
            subnets: [(); 3].map(|()| rng.ec2_id("subnet-")),
            instance_profile: format!(
                "arn:aws:iam::{}:instance-profile/eks-{}",
                account.id,
                rng.uuid().text()
            ),
            features,
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
            public_kind: Some("nat"),
            private: Some(Rc::clone(&node.address)),
            node: Some(Rc::clone(&node.address)),
            endpoints: Rc::clone(&self.endpoints),
        }
    }

    /// `HttpPutResponseHopLimit` that an instance launched at `at` gets. Two
    /// hops let pods reach the metadata service: what the fallbacks need.
    pub(super) fn hop_limit(&self, at: i64) -> i64 {
        if self.hop_limit_cut.is_some_and(|cut| cut <= at) {
            1
        } else {
            2
        }
    }

    /// `HttpTokens` of the instances.
    pub(super) fn http_tokens(&self) -> &'static str {
        if self.features.tokens_required {
            "required"
        } else {
            "optional"
        }
    }

    /// When the resources that came with the cluster were made.
    pub(super) fn bound(&self) -> i64 {
        self.created + 15 * MINUTE
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
    /// `name-<random>`, one on every node.
    DaemonSet,
    /// `name-<minutes>-<random>`, once every so many seconds.
    CronJob(i64),
}

/// A running pod.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    /// Its key in the list of pods.
    pub(super) number: u64,
    pub(super) name: Rc<str>,
    pub(super) uid: Rc<str>,
    pub(super) node: Node,
    pub(super) address: Rc<str>,
    pub(super) origin: Origin,
}

impl Pod {
    /// A pod of `workload` on a node.
    pub(super) fn new(
        cluster: &Cluster,
        workload: &Workload,
        node: &Node,
        address: Rc<str>,
        at: i64,
        rng: &mut Rng,
    ) -> Self {
        let base = workload.name;
        let name = match &workload.naming {
            Naming::Bare => base.to_owned(),
            Naming::Deployment(set) => format!("{base}-{set}-{}", rng.kubernetes(5)),
            Naming::StatefulSet(ordinal) => format!("{base}-{ordinal}"),
            Naming::DaemonSet => format!("{base}-{}", rng.kubernetes(5)),
            Naming::CronJob(_) => format!("{base}-{}-{}", at / MINUTE, rng.kubernetes(5)),
        };
        let mut origin = cluster.node_origin(node);
        origin.private = Some(Rc::clone(&address));
        Self {
            number: 0,
            name: Rc::from(name),
            uid: Rc::from(rng.uuid().text()),
            node: node.clone(),
            address,
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
