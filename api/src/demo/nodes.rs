//! What runs on a node and uses its role: credential delivery, kubelet, VPC
//! CNI, SSM agent, image pulls, Pod Identity agent, nodeadm.

use std::rc::Rc;

use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Node};
use super::features::Agent;
use super::rng::Rng;
use super::sdk::{Sdk, Source};
use super::session::{Session, SessionKind};
use super::sim::Actor;
use super::sts::{self, Issue};
use super::world::{AWS_INTERNAL, Caller, Origin, SERVICE, World};
use super::{launch, node_shapes as shapes};

/// Component names of node agents, as the `attribution` view writes them.
pub(super) const CREDENTIALS: &str = "instance-credentials";
pub(super) const KUBELET: &str = "kubelet";
const VPC_CNI: &str = "vpc-cni";
const SSM_AGENT: &str = "ssm-agent";
const NODEADM: &str = "nodeadm";
pub(super) const IMAGE_PULL: &str = "image-pull";
const POD_IDENTITY_AGENT: &str = "eks-pod-identity-agent";

const CNI_AGENT: &str = " amazon-vpc-cni-k8s/v1.20.1";
const SSM_USER_AGENT: &str = "aws-sdk-go/1.55.5 (go1.24.6; linux; amd64) amazon-ssm-agent/";

/// A recurring task of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Launches and delivers credentials, again about every six hours.
    Credentials,
    Bootstrap,
    Kubelet,
    Cni,
    SsmInformation,
    SsmAssociations,
}

/// One task of one node.
#[derive(Debug)]
pub(super) struct NodeTask {
    cluster: Rc<Cluster>,
    node: Node,
    task: Task,
}

impl NodeTask {
    /// Every task of a node, with the time of its first turn.
    pub(super) fn all(
        cluster: &Rc<Cluster>,
        node: &Node,
        begin: i64,
        rng: &mut Rng,
    ) -> Vec<(i64, Self)> {
        let tasks = [
            (Task::Credentials, 0, HOUR),
            (Task::Bootstrap, 12, 0),
            (Task::Kubelet, 25, 14 * MINUTE),
            (Task::Cni, 40, HOUR),
            (Task::SsmInformation, 18, 5 * MINUTE),
            (Task::SsmAssociations, 30, 30 * MINUTE),
        ];
        let running = node.boot < begin;
        let mut out = Vec::new();
        for (task, offset, period) in tasks {
            if running && task == Task::Bootstrap {
                continue;
            }
            // The tasks of a running node are somewhere in their cycle.
            let first = if running {
                begin + rng.between(1, period)
            } else {
                node.boot + offset
            };
            out.push((
                first,
                Self {
                    cluster: Rc::clone(cluster),
                    node: node.clone(),
                    task,
                },
            ));
        }
        out
    }

    /// Those of them that tell what there is to tell of a node: what it does every few minutes tells no more.
    pub(super) fn few(
        cluster: &Rc<Cluster>,
        node: &Node,
        begin: i64,
        rng: &mut Rng,
    ) -> Vec<(i64, Self)> {
        let mut tasks = Self::all(cluster, node, begin, rng);
        let few = [Task::Credentials, Task::Bootstrap, Task::Cni];
        tasks.retain(|(_, one)| few.contains(&one.task));
        tasks
    }

    fn credentials(&self, now: i64, world: &mut World<'_>) -> i64 {
        let first = world.nodes[self.node.index].sessions.is_none();
        if first {
            launch::launch(world, &self.cluster, &self.node, now);
            launch::ebs_decrypt(world, &self.cluster, &self.node, now + 1);
        }
        let at = if first { now + 9 } else { now };
        let label = self
            .cluster
            .part("node_role", "node_agent", CREDENTIALS, Some(&self.node));
        let issue = issue(&self.cluster, &self.node, at, &mut world.rng);
        let pair = sts::instance_pair(world, &issue, self.cluster.region, &label);
        world.nodes[self.node.index].sessions = Some(pair);
        // Shorter than the shortest life, so that no call carries a dead key.
        at + world.rng.between(5 * HOUR + 50 * MINUTE, 6 * HOUR)
    }

    fn bootstrap(&self, now: i64, world: &mut World<'_>) {
        world.nodes[self.node.index].up = true;
        let Some(session) = session(world, &self.node) else {
            return;
        };
        let agent = |api: &str| Sdk::Go2("").agent(Source::Imds, api, "");
        let origin = self.cluster.node_origin(&self.node);
        let label = self
            .cluster
            .part("node_role", "node_agent", NODEADM, Some(&self.node));
        let ec2 = agent("ec2");
        let caller = Caller {
            session: &session,
            label: &label,
            origin: &origin,
            agent: &ec2,
            region: self.cluster.region,
        };
        world.call(caller, now, |shape, _| {
            shapes::describe_own_instance(shape, &self.node);
        });
        world.call(caller, now + 1, |shape, _| shapes::describe_own_type(shape));
        let label = self
            .cluster
            .part("node_role", "node_agent", VPC_CNI, Some(&self.node));
        let cni = Sdk::Go2(CNI_AGENT).agent(Source::Imds, "ec2", "");
        let caller = Caller {
            label: &label,
            agent: &cni,
            ..caller
        };
        world.call(caller, now + 15, |shape, _| {
            shapes::describe_own_instance(shape, &self.node);
        });
        world.call(caller, now + 15, |shape, _| {
            shapes::describe_own_type(shape);
        });
        let target = &self.cluster.target;
        world.call(caller, now + 16, |shape, rng| {
            shapes::create_interface(shape, rng, &self.node, target);
        });
        world.call(caller, now + 17, |shape, rng| {
            shapes::attach_interface(shape, rng, &self.node);
        });
        let images = [
            "eks/kube-proxy",
            "amazon-k8s-cni",
            "eks/eks-pod-identity-agent",
        ];
        let agent = match self.cluster.features.agent {
            Agent::Everywhere => true,
            Agent::NotOnFirst => self.node.index != self.cluster.nodes[0].index,
            Agent::Nowhere => false,
        };
        for image in &images[..images.len() - usize::from(!agent)] {
            pull_image(world, &self.cluster, &self.node, now + 10, image);
        }
    }

    fn agent_call(&self, now: i64, world: &mut World<'_>) {
        let Some(session) = session(world, &self.node) else {
            return;
        };
        let mut origin = self.cluster.node_origin(&self.node);
        let (component, agent) = match self.task {
            Task::Kubelet => (KUBELET, "Go-http-client/1.1".to_owned()),
            Task::Cni => (VPC_CNI, Sdk::Go2(CNI_AGENT).agent(Source::Imds, "ec2", "")),
            _ => (SSM_AGENT, SSM_USER_AGENT.to_owned()),
        };
        if self.task == Task::Kubelet {
            // Signed by the node, sent by the authenticator in the control plane.
            origin = Origin::public(self.cluster.control_plane(&mut world.rng), Some(SERVICE));
        }
        let label = self
            .cluster
            .part("node_role", "node_agent", component, Some(&self.node));
        let region = self.cluster.region;
        let caller = Caller {
            session: &session,
            label: &label,
            origin: &origin,
            agent: &agent,
            region,
        };
        world.call(caller, now, |shape, _| match self.task {
            Task::Kubelet => shapes::caller_identity(shape),
            Task::Cni => shapes::describe_leaked_interfaces(shape, &self.cluster.name),
            Task::SsmInformation => shapes::instance_information(shape, &self.node, region),
            _ => shapes::list_associations(shape, &self.node),
        });
    }
}

impl Actor for NodeTask {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        if world.nodes[self.node.index].node.instance != self.node.instance {
            return None;
        }
        match self.task {
            Task::Credentials => return Some(self.credentials(now, world)),
            Task::Bootstrap => {
                self.bootstrap(now, world);
                return None;
            }
            _ => self.agent_call(now, world),
        }
        let (low, high) = match self.task {
            // The token of the node is used for 14 minutes, then made again.
            Task::Kubelet => (14 * MINUTE, 14 * MINUTE + 20),
            Task::Cni => (HOUR, HOUR + MINUTE),
            Task::SsmInformation => (5 * MINUTE - 5, 5 * MINUTE + 5),
            _ => (30 * MINUTE, 31 * MINUTE),
        };
        Some(now + world.rng.between(low, high))
    }
}

fn issue<'a>(cluster: &'a Cluster, node: &Node, at: i64, rng: &mut Rng) -> Issue<'a> {
    let arn = format!(
        "arn:aws:ec2:{}:{}:instance/{}",
        cluster.region, cluster.account.id, node.instance
    );
    Issue {
        role: &cluster.node_role,
        name: node.instance.to_string(),
        at,
        life: rng.between(6 * HOUR + 5 * MINUTE, 6 * HOUR + 21 * MINUTE),
        says_life: false,
        kind: SessionKind {
            in_scope_of: Some(("AWS::EC2::Instance", arn)),
            ..SessionKind::default()
        },
    }
}

/// Credentials of a node that booted before the history.
pub(super) fn unseen_pair(
    cluster: &Cluster,
    node: &Node,
    begin: i64,
    rng: &mut Rng,
) -> [Rc<Session>; 2] {
    // The first delivery in the history comes at most an hour after it begins.
    let at = begin - rng.between(MINUTE, 5 * HOUR);
    ["1.0", "2.0"].map(|version| {
        let mut issue = issue(cluster, node, at, rng);
        issue.kind.delivery = Some(version);
        issue.unseen(rng)
    })
}

fn session(world: &World<'_>, node: &Node) -> Option<Rc<Session>> {
    world.nodes[node.index]
        .sessions
        .as_ref()
        .map(|[_, v2]| Rc::clone(v2))
}

/// The registry calls of starting a container whose image is in ECR: kubelet's
/// credential provider, then the registry itself with the node's session.
pub(super) fn pull_image(
    world: &mut World<'_>,
    cluster: &Cluster,
    node: &Node,
    at: i64,
    image: &str,
) {
    let Some(session) = session(world, node) else {
        return;
    };
    let origin = cluster.node_origin(node);
    let label = cluster.part("node_role", "node_agent", IMAGE_PULL, Some(node));
    let token = Sdk::Go2("").agent(Source::Imds, "ecr", "");
    let caller = Caller {
        session: &session,
        label: &label,
        origin: &origin,
        agent: &token,
        region: cluster.region,
    };
    // The provider caches the token for twelve hours, per node and registry.
    if world.rng.chance(300) {
        world.call(caller, at, |shape, _| shapes::authorization_token(shape));
    }
    let caller = Caller {
        agent: AWS_INTERNAL,
        ..caller
    };
    world.call(caller, at + 1, |shape, rng| {
        shapes::batch_get_image(shape, rng, &cluster.target, image);
    });
    for _ in 0..world.rng.between(1, 4) {
        world.call(caller, at + 2, |shape, rng| {
            shapes::download_url(shape, rng, &cluster.target, image);
        });
    }
}

/// The call that the Pod Identity agent makes with the node role for a pod.
pub(super) fn assume_role_for_pod_identity(
    world: &mut World<'_>,
    cluster: &Cluster,
    node: &Node,
    at: i64,
) {
    let Some(session) = session(world, node) else {
        return;
    };
    let origin = cluster.node_origin(node);
    let label = cluster.part("node_role", "node_agent", POD_IDENTITY_AGENT, Some(node));
    let agent = Sdk::Go2("").agent(Source::Imds, "eksauth", "");
    let caller = Caller {
        session: &session,
        label: &label,
        origin: &origin,
        agent: &agent,
        region: cluster.region,
    };
    world.call(caller, at, |shape, _| {
        shapes::assume_role_for_pod_identity(shape, &cluster.name);
    });
}
