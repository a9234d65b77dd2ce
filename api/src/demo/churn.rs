//! Nodes that are replaced while the history goes on.

use std::rc::Rc;

use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Node};
use super::launch;
use super::nodes::NodeTask;
use super::sim::Actor;
use super::world::World;

/// Shortest life of a node, in seconds: long enough to be of use.
const YOUNG: i64 = HOUR;

/// Takes a node of a cluster now and then, and has a new one launched.
#[derive(Debug)]
pub(super) struct Churn {
    cluster: Rc<Cluster>,
}

impl Churn {
    /// The changes of a cluster's nodes.
    pub(super) fn new(cluster: &Rc<Cluster>) -> Self {
        Self {
            cluster: Rc::clone(cluster),
        }
    }

    /// Time until the next change: nodes live most of a day, those that
    /// Karpenter consolidates less.
    pub(super) fn pause(&self, world: &mut World<'_>) -> i64 {
        let life = if self.cluster.features.karpenter {
            6 * HOUR
        } else {
            16 * HOUR
        };
        let nodes = i64::try_from(self.cluster.nodes.len()).unwrap_or(1);
        let mean = life / nodes;
        world.rng.between(mean / 2, mean + mean / 2)
    }
}

impl Actor for Churn {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        let cluster = &self.cluster;
        let slots = world.fleets[cluster.number].slots.clone();
        let slot = slots.start + world.rng.index(slots.len());
        let state = &world.nodes[slot];
        let old = state.node.clone();
        if !state.up || old.boot + YOUNG > now || !launch::terminate(world, cluster, &old, now) {
            return Some(now + world.rng.between(5 * MINUTE, 10 * MINUTE));
        }
        world.drain(cluster, slot, now);
        let address = world.fleets[cluster.number].address(old.zone);
        let address = address.unwrap_or(old.address);
        let boot = now + world.rng.between(40, 110);
        let rng = &mut world.rng;
        let node = Node::new(slot, cluster.region, address, old.zone, boot, rng);
        for (at, task) in NodeTask::all(cluster, &node, world.begin, &mut world.rng) {
            world.spawned.push((at, Box::new(task)));
        }
        let state = &mut world.nodes[slot];
        state.hop_limit = cluster.hop_limit(boot);
        state.node = node;
        Some(now + self.pause(world))
    }
}
