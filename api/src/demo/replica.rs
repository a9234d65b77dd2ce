//! Pods over time: each starts, calls, and is replaced, here or on another
//! node.

use std::collections::VecDeque;
use std::rc::Rc;

use super::clock::MINUTE;
use super::cluster::{Cluster, Naming, Pod};
use super::fleet::{Ending, Provisioner};
use super::nodes;
use super::running::Running;
use super::sim::Actor;
use super::workloads::Workload;
use super::world::World;

/// Name of the workload whose credentials launch nodes in a Karpenter cluster.
const KARPENTER: &str = "karpenter";

/// One replica of a workload over the whole history.
#[derive(Debug)]
pub(super) struct Replica {
    cluster: Rc<Cluster>,
    workload: Rc<Workload>,
    /// Node, counted from the cluster's first, that the next pod tries first;
    /// the only one for a DaemonSet.
    slot: usize,
    /// When the first pod starts or started.
    start: i64,
    /// When the running pod ends.
    ends: i64,
    running: Option<Running>,
    finished: VecDeque<Pod>,
}

impl Replica {
    /// Makes a replica whose first pod starts at `start`. A pod that started
    /// before the history has credentials that no record of it issues.
    pub(super) fn new(
        cluster: &Rc<Cluster>,
        workload: &Rc<Workload>,
        slot: usize,
        start: i64,
    ) -> Self {
        Self {
            cluster: Rc::clone(cluster),
            workload: Rc::clone(workload),
            slot,
            start,
            ends: 0,
            running: None,
            finished: VecDeque::new(),
        }
    }

    fn begin(&mut self, now: i64, world: &mut World<'_>) -> i64 {
        let before = self.start < world.begin && self.ends == 0;
        let at = if before { self.start } else { now };
        let slots = self.cluster.nodes.len();
        let tries = if self.workload.naming == Naming::DaemonSet {
            1
        } else {
            slots
        };
        let started = world.start_pod(&self.cluster, &self.workload, (self.slot, tries), at);
        let Some(pod) = started else {
            return now + world.rng.between(10, 25);
        };
        if tries > 1 {
            let first = world.fleets[self.cluster.number].slots.start;
            self.slot = (pod.node.index - first + 1) % slots;
        }
        let (low, high) = self.workload.life;
        // What is left of the life of a pod that runs already is not known from
        // its age: Deployments were updated at any time.
        self.ends = if before {
            world.begin + world.rng.between((low / 2).max(5 * MINUTE), high)
        } else {
            at + world.rng.between(low, high)
        };
        if before {
            let running = Running::resumed(&self.cluster, &self.workload, pod, at, world);
            self.running = Some(running);
            return self.next(now + world.rng.between(1, 5 * MINUTE));
        }
        if self.workload.from_ecr {
            let name = self.workload.name;
            nodes::pull_image(world, &self.cluster, &pod.node, now + 1, name);
        }
        self.running = Some(Running::new(&self.cluster, &self.workload, pod, at));
        self.next(now + world.rng.between(6, 15))
    }

    fn end(&mut self, now: i64, world: &mut World<'_>) -> i64 {
        let Some(running) = self.running.take() else {
            return now + 1;
        };
        let Naming::CronJob(every) = self.workload.naming else {
            world.end_pod(&self.cluster, &running.pod, now, Ending::Deleted);
            return self.begin(now, world);
        };
        world.end_pod(&self.cluster, &running.pod, now, Ending::Succeeded);
        self.finished.push_back(running.pod);
        if self.finished.len() > self.workload.kept
            && let Some(oldest) = self.finished.pop_front()
        {
            world.end_pod(&self.cluster, &oldest, now, Ending::Deleted);
        }
        (now.div_euclid(every) + 1) * every + world.rng.between(0, 2)
    }

    /// The pod's next turn, which its end may come before.
    fn next(&self, at: i64) -> i64 {
        if self.workload.steps.is_empty() {
            self.ends
        } else {
            at.min(self.ends)
        }
    }

    /// Lets the cluster launch nodes with Karpenter's credentials.
    fn provision(&self, world: &mut World<'_>) {
        if self.workload.name == KARPENTER && self.cluster.features.karpenter {
            let provisioner = self.running.as_ref().and_then(|running| {
                let (session, label) = running.own()?;
                Some(Provisioner {
                    session,
                    label,
                    origin: running.pod.origin.clone(),
                })
            });
            world.fleets[self.cluster.number].provisioner = provisioner;
        }
    }
}

impl Actor for Replica {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        let next = match &mut self.running {
            None => self.begin(now, world),
            Some(running) if !world.runs(&self.cluster, &running.pod) => {
                self.running = None;
                self.begin(now, world)
            }
            Some(_) if now >= self.ends => self.end(now, world),
            Some(running) => {
                let wait = running.act(now, world);
                self.next(now + wait)
            }
        };
        self.provision(world);
        Some(next)
    }
}
