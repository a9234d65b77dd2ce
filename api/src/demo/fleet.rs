//! What runs where: the nodes and pods of each cluster, and their addresses.
//!
//! The state grows with the pods alive, never with the events.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;

use super::bindings::Injection;
use super::cluster::{Cluster, Node, Pod};
use super::rng::Rng;
use super::session::Session;
use super::truth::Label;
use super::workloads::Workload;
use super::world::{Origin, World};

/// Addresses that the VPC CNI fetches at a time for pods of a node: the
/// secondary addresses of one network interface of an m6i.large.
const BATCH: usize = 9;
/// Seconds for which the VPC CNI gives a released address to nobody.
const COOLDOWN: i64 = 30;
/// Seconds after which a terminated instance is no longer described.
const REMEMBERED: i64 = 3600;
/// Hosts of a subnet that nodes and pods draw addresses from.
const HOSTS: u32 = 29 * 247;

/// Addresses of the subnet of one zone.
#[derive(Debug)]
struct Subnet {
    zone: usize,
    next: u32,
    offset: u32,
    released: VecDeque<Rc<str>>,
}

impl Subnet {
    fn new(zone: usize, rng: &mut Rng) -> Self {
        Self {
            zone,
            next: 0,
            offset: u32::try_from(rng.below(u64::from(HOSTS))).unwrap_or_default(),
            released: VecDeque::new(),
        }
    }

    fn take(&mut self) -> Option<Rc<str>> {
        // Old addresses come back soon: that is what makes an address alone
        // a bad witness.
        if self.released.len() > BATCH || self.next >= HOSTS {
            return self.released.pop_front();
        }
        // 1013 has no factor in common with the number of hosts.
        let host = (self.offset + self.next * 1013) % HOSTS;
        self.next += 1;
        let net = 32 * u32::try_from(self.zone).unwrap_or_default() + 2 + host / 247;
        Some(Rc::from(format!("192.168.{net}.{}", 4 + host % 247)))
    }
}

/// A slot for a node, and the node in it.
#[derive(Debug)]
pub(super) struct NodeState {
    pub(super) node: Node,
    /// Credentials delivered for IMDSv1 and IMDSv2, in this order; `None`
    /// before boot.
    pub(super) sessions: Option<[Rc<Session>; 2]>,
    /// Ready for pods.
    pub(super) up: bool,
    /// `HttpPutResponseHopLimit` of the instance.
    pub(super) hop_limit: i64,
    /// Sessions that kube2iam holds on this node, by role.
    pub(super) proxied: BTreeMap<Rc<str>, Rc<Session>>,
    /// Free addresses, each with the time of its release.
    free: Vec<(i64, Rc<str>)>,
}

impl NodeState {
    /// A slot whose node has not booted.
    pub(super) fn new(node: Node, hop_limit: i64) -> Self {
        Self {
            node,
            sessions: None,
            up: false,
            hop_limit,
            proxied: BTreeMap::new(),
            free: Vec::new(),
        }
    }
}

/// A pod that `kubectl get pods` lists.
#[derive(Debug)]
pub(super) struct PodState {
    pub(super) workload: Rc<Workload>,
    pub(super) pod: Pod,
    pub(super) started: i64,
    /// When its containers ended, for jobs.
    pub(super) ended: Option<i64>,
    pub(super) injection: Injection,
    /// Who runs it, to be woken when the node goes away.
    actor: usize,
}

/// What one pod ends as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Deleted: no list shows it any more.
    Deleted,
    /// Completed: listed with its last address until it is cleaned up.
    Succeeded,
}

/// Credentials of Karpenter's pod, with which nodes come and go.
#[derive(Debug, Clone)]
pub(super) struct Provisioner {
    pub(super) session: Rc<Session>,
    pub(super) label: Rc<Label>,
    pub(super) origin: Origin,
}

/// The nodes and pods of a cluster.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) cluster: Rc<Cluster>,
    /// Its slots in `World::nodes`.
    pub(super) slots: Range<usize>,
    /// Listed pods, in order of their start.
    pub(super) pods: BTreeMap<u64, PodState>,
    /// Everything that may run, for service accounts and bindings.
    pub(super) workloads: Vec<Rc<Workload>>,
    /// Instances terminated a while ago, and when.
    pub(super) gone: VecDeque<(i64, Node)>,
    pub(super) provisioner: Option<Provisioner>,
    subnets: [Subnet; 3],
    started: u64,
}

impl Fleet {
    /// The fleet of a cluster whose slots are `slots`.
    pub(super) fn new(cluster: &Rc<Cluster>, slots: Range<usize>, rng: &mut Rng) -> Self {
        Self {
            cluster: Rc::clone(cluster),
            slots,
            pods: BTreeMap::new(),
            workloads: Vec::new(),
            gone: VecDeque::new(),
            provisioner: None,
            subnets: [0, 1, 2].map(|zone| Subnet::new(zone, rng)),
            started: 0,
        }
    }

    /// Takes an address of the subnet of a zone.
    pub(super) fn address(&mut self, zone: usize) -> Option<Rc<str>> {
        self.subnets[zone % 3].take()
    }

    fn draw(&mut self, state: &mut NodeState, at: i64, rng: &mut Rng) -> Option<Rc<str>> {
        let cold = |(released, _): &(i64, Rc<str>)| released + COOLDOWN <= at;
        if !state.free.iter().any(cold) {
            let subnet = &mut self.subnets[state.node.zone % 3];
            for _ in 0..BATCH {
                let Some(address) = subnet.take() else { break };
                state.free.push((i64::MIN / 2, address));
            }
        }
        let count = state.free.iter().filter(|free| cold(free)).count();
        let nth = rng.index(count);
        let found = (state.free.iter().enumerate())
            .filter(|(_, free)| cold(free))
            .nth(nth)
            .map(|(index, _)| index)?;
        Some(state.free.swap_remove(found).1)
    }
}

impl World<'_> {
    /// Starts a pod on the first of `tries` nodes from `slot` on that takes it.
    /// `None` while there is no such node.
    pub(super) fn start_pod(
        &mut self,
        cluster: &Cluster,
        workload: &Rc<Workload>,
        (slot, tries): (usize, usize),
        at: i64,
    ) -> Option<Pod> {
        let slots = self.fleets[cluster.number].slots.clone();
        let offset = (slot..slot + tries)
            .map(|slot| slot % slots.len())
            .find(|&offset| {
                self.nodes[slots.start + offset].up && workload.fits(cluster, offset)
            })?;
        let fleet = &mut self.fleets[cluster.number];
        let state = &mut self.nodes[slots.start + offset];
        let address = if workload.host_network {
            Rc::clone(&state.node.address)
        } else {
            fleet.draw(state, at, &mut self.rng)?
        };
        let node = state.node.clone();
        let pod = Pod::new(cluster, workload, &node, address, at, &mut self.rng);
        Some(self.list_pod(cluster, workload, pod, at))
    }

    /// Lists a pod that runs from `at` on, and gives it its number.
    pub(super) fn list_pod(
        &mut self,
        cluster: &Cluster,
        workload: &Rc<Workload>,
        mut pod: Pod,
        at: i64,
    ) -> Pod {
        let fleet = &mut self.fleets[cluster.number];
        fleet.started += 1;
        pod.number = fleet.started;
        let listed = PodState {
            workload: Rc::clone(workload),
            pod: pod.clone(),
            started: at,
            ended: None,
            injection: workload.injection(at),
            actor: self.actor,
        };
        fleet.pods.insert(pod.number, listed);
        pod
    }

    /// Whether the pod still runs: its node may have gone away.
    pub(super) fn runs(&self, cluster: &Cluster, pod: &Pod) -> bool {
        let listed = self.fleets[cluster.number].pods.get(&pod.number);
        listed.is_some_and(|listed| listed.ended.is_none())
    }

    /// Ends a pod and gives its address back to its node.
    pub(super) fn end_pod(&mut self, cluster: &Cluster, pod: &Pod, at: i64, ending: Ending) {
        let pods = &mut self.fleets[cluster.number].pods;
        let Some(listed) = pods.get_mut(&pod.number) else {
            return;
        };
        let running = listed.ended.is_none();
        let pooled = running && !listed.workload.host_network && !pod.node.fargate;
        match ending {
            Ending::Succeeded if running => listed.ended = Some(at),
            Ending::Succeeded => {}
            Ending::Deleted => {
                pods.remove(&pod.number);
            }
        }
        if running && pod.node.fargate {
            let subnet = &mut self.fleets[cluster.number].subnets[pod.node.zone % 3];
            subnet.released.push_back(Rc::clone(&pod.address));
        }
        let state = &mut self.nodes[pod.node.index];
        if pooled && state.node.instance == pod.node.instance {
            state.free.push((at, Rc::clone(&pod.address)));
        }
    }

    /// Takes the node of a slot away with everything on it, and wakes who ran
    /// there.
    pub(super) fn drain(&mut self, cluster: &Cluster, slot: usize, at: i64) -> Node {
        let state = &mut self.nodes[slot];
        state.up = false;
        state.sessions = None;
        state.proxied.clear();
        let node = state.node.clone();
        let mut freed: Vec<Rc<str>> = state.free.drain(..).map(|(_, address)| address).collect();
        let fleet = &mut self.fleets[cluster.number];
        let on = |listed: &PodState| listed.pod.node.instance == node.instance;
        let numbers: Vec<u64> = (fleet.pods.iter())
            .filter(|(_, listed)| on(listed))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            let Some(listed) = fleet.pods.remove(&number) else {
                continue;
            };
            if listed.ended.is_none() {
                if !listed.workload.host_network {
                    freed.push(Rc::clone(&listed.pod.address));
                }
                self.wake.push((at + self.rng.between(1, 20), listed.actor));
            }
        }
        freed.push(Rc::clone(&node.address));
        fleet.subnets[node.zone % 3].released.extend(freed);
        fleet.gone.push_back((at, node.clone()));
        while fleet
            .gone
            .front()
            .is_some_and(|(gone, _)| gone + REMEMBERED < at)
        {
            fleet.gone.pop_front();
        }
        node
    }
}

#[cfg(test)]
mod tests;
