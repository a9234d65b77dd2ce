//! Pods on Fargate: each has a node of its own, whose kubelet and log router
//! use the pod execution role.

use std::rc::Rc;

use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Node, Pod};
use super::fleet::Ending;
use super::sdk::{Sdk, Source};
use super::session::{Session, SessionKind};
use super::sim::Actor;
use super::sts::{self, Issue};
use super::workloads::Workload;
use super::world::{AWS_INTERNAL, Caller, Origin, SERVICE, World};
use super::{node_shapes as shapes, nodes};

/// Principal of the pod execution role.
pub(super) const PRINCIPAL: &str = "eks-fargate-pods.amazonaws.com";
const PATH: &str = "fargate_execution_role";
const SESSION_LIFE: i64 = 6 * HOUR;

/// A workload's pod on Fargate over the whole history.
#[derive(Debug)]
pub(super) struct FargatePod {
    cluster: Rc<Cluster>,
    workload: Rc<Workload>,
    pod: Option<Pod>,
    ends: i64,
    session: Option<Rc<Session>>,
}

impl FargatePod {
    /// A pod that is made with the first act.
    pub(super) fn new(cluster: &Rc<Cluster>, workload: &Rc<Workload>) -> Self {
        Self {
            cluster: Rc::clone(cluster),
            workload: Rc::clone(workload),
            pod: None,
            ends: 0,
            session: None,
        }
    }

    fn start(&mut self, now: i64, world: &mut World<'_>) -> Option<Pod> {
        let zone = world.rng.index(3);
        let address = world.fleets[self.cluster.number].address(zone)?;
        let region = self.cluster.region;
        let slot = self.cluster.nodes[0].index;
        let own = Rc::clone(&address);
        let mut node = Node::new(slot, region, own, zone, now - 50, &mut world.rng);
        node.name = Rc::from(format!("fargate-{}", node.name));
        node.instance = Rc::clone(&node.name);
        node.fargate = true;
        let (cluster, workload) = (&self.cluster, &self.workload);
        let pod = Pod::new(cluster, workload, &node, address, now, &mut world.rng);
        Some(world.list_pod(cluster, workload, pod, now))
    }

    /// The session of the node, named like it. No record of one is at hand:
    /// the name follows from the user name of Fargate's access entries.
    fn renew(&mut self, pod: &Pod, now: i64, world: &mut World<'_>) -> Rc<Session> {
        let left = |session: &&Rc<Session>| session.expires - now > 20 * MINUTE;
        if let Some(session) = self.session.as_ref().filter(left) {
            return Rc::clone(session);
        }
        let cluster = &self.cluster;
        let label = cluster.part(PATH, "node_agent", nodes::CREDENTIALS, None);
        let issue = Issue {
            role: &cluster.fargate_role,
            name: pod.node.name.to_string(),
            at: now,
            life: SESSION_LIFE,
            says_life: true,
            kind: SessionKind::default(),
        };
        let session = sts::by_service(world, &issue, PRINCIPAL, cluster.region, &label);
        self.session = Some(Rc::clone(&session));
        session
    }

    fn calls(&self, pod: &Pod, session: &Session, new: bool, now: i64, world: &mut World<'_>) {
        let cluster = &self.cluster;
        let region = cluster.region;
        let label = cluster.part(PATH, "node_agent", nodes::KUBELET, None);
        let address = cluster.control_plane(&mut world.rng);
        let origin = Origin::public(address, Some(SERVICE));
        let caller = Caller {
            session,
            label: &label,
            origin: &origin,
            agent: "Go-http-client/1.1",
            region,
        };
        world.call(caller, now + 2, |shape, _| shapes::caller_identity(shape));
        if !new {
            return;
        }
        let label = cluster.part(PATH, "node_agent", nodes::IMAGE_PULL, None);
        let token = Sdk::Go2("").agent(Source::Keys, "ecr", "");
        let caller = Caller {
            session,
            label: &label,
            origin: &pod.origin,
            agent: &token,
            region,
        };
        world.call(caller, now + 3, |shape, _| {
            shapes::authorization_token(shape);
        });
        let caller = Caller {
            agent: AWS_INTERNAL,
            ..caller
        };
        world.call(caller, now + 4, |shape, rng| {
            shapes::batch_get_image(shape, rng, &cluster.target, self.workload.name);
        });
    }
}

impl Actor for FargatePod {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        if let Some(old) = self.pod.take_if(|_| now >= self.ends) {
            world.end_pod(&self.cluster, &old, now, Ending::Deleted);
            self.session = None;
        }
        let new = self.pod.is_none();
        if new {
            let (low, high) = self.workload.life;
            self.ends = now + world.rng.between(low, high);
            self.pod = self.start(now, world);
        }
        let pod = self.pod.clone()?;
        let session = self.renew(&pod, now, world);
        self.calls(&pod, &session, new, now, world);
        Some(now + world.rng.between(14 * MINUTE, 14 * MINUTE + 20))
    }
}
