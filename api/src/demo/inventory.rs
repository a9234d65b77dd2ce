//! What kubectl and the AWS CLI show of the clusters, again and again.

mod aws;
mod iam;
mod kube;
mod pods;
mod pretty;

use std::rc::Rc;

use super::DemoError;
use super::clock;
use super::cluster::Cluster;
use super::features::Authentication;
use super::json::Json;
use super::sim::Actor;
use super::world::World;

/// Every how many snapshots bindings and instances are listed, and the things
/// that hardly change.
const BINDINGS: u64 = 2;
const SETTINGS: u64 = 8;

/// Lists a cluster every so often.
#[derive(Debug)]
pub(super) struct Recorder {
    cluster: Rc<Cluster>,
    /// Seconds between snapshots.
    every: i64,
    taken: u64,
}

impl Recorder {
    /// A recorder that lists `cluster` every `every` seconds.
    pub(super) fn new(cluster: &Rc<Cluster>, every: i64) -> Self {
        Self {
            cluster: Rc::clone(cluster),
            every,
            taken: 0,
        }
    }
}

impl Actor for Recorder {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        snapshot(world, &self.cluster, now, self.taken);
        self.taken += 1;
        Some(now + self.every)
    }
}

/// Takes a last snapshot of everything, and describes what a history has once:
/// the cluster itself and the roles.
pub(super) fn finish(world: &mut World<'_>) -> Result<(), DemoError> {
    let end = world.end;
    let clusters: Vec<_> = (world.fleets.iter())
        .map(|fleet| Rc::clone(&fleet.cluster))
        .filter(|cluster| cluster.created < end)
        .collect();
    for cluster in clusters {
        snapshot(world, &cluster, end, 0);
        let fleet = &world.fleets[cluster.number];
        // What of a role's policies is old, only the time of the look tells.
        let details = format!("account-authorization-details-{}", clock::stamp(end));
        for (name, text) in [
            ("cluster", aws::cluster(&cluster)),
            (&details, iam::roles(fleet)),
            ("instance-profiles", iam::instance_profiles(&cluster)),
        ] {
            let path = format!("{}/{name}.json", cluster.name);
            world.trail.inventory(&path, &pretty::pretty(text.as_str()));
        }
    }
    world.trail.check()
}

/// The `taken`-th snapshot of a cluster.
fn snapshot(world: &mut World<'_>, cluster: &Cluster, at: i64, taken: u64) {
    let fleet = &world.fleets[cluster.number];
    let nodes = &world.nodes[fleet.slots.clone()];
    let mut files: Vec<(&str, Json)> = vec![
        ("pods", pods::pods(fleet)),
        ("nodes", kube::nodes(fleet, nodes)),
    ];
    if taken.is_multiple_of(BINDINGS) {
        files.push(("serviceaccounts", kube::service_accounts(fleet, at)));
        files.push(("instances", aws::instances(fleet, nodes, at)));
        files.extend(aws::associations(fleet, at).map(|text| ("associations", text)));
    }
    if taken.is_multiple_of(SETTINGS) {
        if cluster.features.authentication == Authentication::ConfigMap {
            files.push(("aws-auth", kube::aws_auth(cluster)));
        } else {
            files.push(("access-entries", aws::access_entries(cluster, at)));
        }
        if cluster.features.karpenter {
            files.push(("ec2nodeclasses", kube::node_classes(cluster, at)));
        } else {
            files.push(("nodegroups", aws::nodegroups(cluster)));
        }
        if cluster.features.fargate {
            files.push(("fargate-profiles", aws::fargate_profiles(cluster)));
        }
    }
    let stamp = clock::stamp(at);
    for (name, text) in files {
        let path = format!("{}/{name}-{stamp}.json", cluster.name);
        world.trail.inventory(&path, &pretty::pretty(text.as_str()));
    }
}

#[cfg(test)]
mod tests;
