//! The cast: which accounts, clusters and workloads a history has.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::account::Account;
use super::apis::Target;
use super::churn::Churn;
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, ClusterPlan, Naming};
use super::control_plane::ControlPlane;
use super::fargate::FargatePod;
use super::features::{self, FURTHER};
use super::fleet::{Fleet, NodeState};
use super::inventory::Recorder;
use super::nodes::{self, NodeTask};
use super::outsiders::{Kind, Outsider, TrailService};
use super::people::KeyUser;
use super::replica::Replica;
use super::rng::Rng;
use super::sim::Schedule;
use super::trail::Gap;
use super::truth::Label;
use super::workloads::{Access, Workload};
use super::world::World;
use super::{
    DemoOptions, demo_workloads, fallback_workloads, idle_workloads, plans, scaled_workloads,
};

/// Account of the demo cluster.
const ACCOUNT: &str = "111122223333";
/// Account that holds the roles at the end of chains.
const OTHER_ACCOUNT: &str = "444455556666";
const REGION: &str = "ap-northeast-2";
/// Regions of the clusters after the first.
const REGIONS: [&str; 6] = [
    "us-west-2",
    "eu-west-1",
    "ap-northeast-2",
    "us-east-1",
    "eu-central-1",
    "ap-southeast-1",
];
/// From `CreateCluster` to the first node of the demo cluster.
const CREATION: i64 = 14 * MINUTE;
/// From the first pods of the demo cluster to the bindings that come too late.
const LATE: i64 = 2 * HOUR;
/// Between two bindings of a new cluster; less than between two pods.
const BINDING: i64 = 4;
/// Shortest history in which the owner stops logging for a while.
const GAP_HISTORY: i64 = 12 * HOUR;
/// When logging stops, after the history begins, and for how long.
const GAP: (i64, i64) = (5 * HOUR + 3 * MINUTE, 25 * MINUTE);

/// Fills `world` and returns who acts in it.
pub(super) fn build(options: &DemoOptions, world: &mut World<'_>) -> Schedule {
    let mut rng = Rng::new(options.seed ^ 0x0063_6173_7400_0002);
    let mut schedule = Schedule::default();
    let home = Account::new(0, ACCOUNT, &mut rng);
    let other = Account::new(1, OTHER_ACCOUNT, &mut rng);
    let mut parts = Vec::new();
    let mut owners = BTreeSet::new();
    let every = (options.inventory_every).map(|every| every.num_seconds().max(MINUTE));
    for number in 0..options.clusters.max(1) {
        let cluster = if number == 0 {
            demo_cluster(&home, world, &mut rng)
        } else {
            further_cluster(number as usize, options.seed, world, &mut rng)
        };
        let begin = world.begin;
        let start = if number == 0 {
            cluster.nodes[0].boot + 2 * MINUTE
        } else {
            begin - HOUR
        };
        add_parts(&cluster, &mut schedule, world, &mut rng);
        let workloads = add_workloads(&cluster, &other, start, &mut schedule, world, &mut rng);
        plans::add_people(&cluster, &workloads, &mut schedule, world, &mut rng);
        // Clusters that share an account share its surroundings.
        if owners.insert(cluster.account.id.clone()) {
            add_outsiders(&cluster, &mut schedule, begin, &mut rng);
        }
        if let Some(every) = every {
            let first = cluster.nodes[0].boot.max(begin) + 1;
            schedule.add(first, Recorder::new(&cluster, every));
        }
        parts.push((cluster, start));
    }
    if let Some(events) = options.events {
        scale(events, &parts, &other, &mut schedule, world, &mut rng);
    }
    schedule
}

fn demo_cluster(account: &Rc<Account>, world: &mut World<'_>, rng: &mut Rng) -> Rc<Cluster> {
    let created = world.begin + 3 * MINUTE;
    let plan = ClusterPlan {
        number: 0,
        name: "myeks",
        region: REGION,
        features: features::DEMO,
        node_role: "myeks-ng-1",
        nodes: 3,
        created,
        boot: created + CREATION,
        history: world.begin,
        length: world.end - world.begin,
    };
    if plan.length >= GAP_HISTORY {
        let from = world.begin + GAP.0;
        world.trail.gap = Some(Gap {
            account: account.index,
            from,
            to: from + GAP.1,
        });
    }
    add_cluster(account, plan, world, rng)
}

/// Adds a cluster with its nodes, which have not booted.
pub(super) fn add_cluster(
    account: &Rc<Account>,
    plan: ClusterPlan<'_>,
    world: &mut World<'_>,
    rng: &mut Rng,
) -> Rc<Cluster> {
    let first = world.nodes.len();
    let cluster = Cluster::new(account, plan, first, rng);
    for node in &cluster.nodes {
        let state = NodeState::new(node.clone(), cluster.hop_limit(node.boot));
        world.nodes.push(state);
    }
    let slots = first..world.nodes.len();
    world.fleets.push(Fleet::new(&cluster, slots, rng));
    cluster
}

/// A cluster that ran before the history began.
fn further_cluster(number: usize, seed: u64, world: &mut World<'_>, rng: &mut Rng) -> Rc<Cluster> {
    let mut ids = Rng::new(seed ^ (number as u64) << 32);
    // Two clusters share an account. Real ids have twelve digits as well.
    let owner = number.div_ceil(2);
    let id = format!("2{:03}{:08}", owner % 1000, ids.below(100_000_000));
    let id = if number.is_multiple_of(2) {
        let mut first = Rng::new(seed ^ (number as u64 - 1) << 32);
        format!("2{:03}{:08}", owner % 1000, first.below(100_000_000))
    } else {
        id
    };
    let account = Account::new(1 + owner, &id, rng);
    let name = format!("eks-{:03}", number + 1);
    let node_role = match number % 5 {
        0 => format!("{name}-node-role"),
        1 => format!(
            "eksctl-{name}-nodegroup-ng-1-NodeInstanceRole-{}",
            rng.alphanumeric(12)
        ),
        2 => format!("compute-{}", rng.hex(8)),
        3 => format!("{name}-workers"),
        _ => format!("platform-{}", rng.hex(8)),
    };
    let plan = ClusterPlan {
        number,
        name: &name,
        region: REGIONS[number % REGIONS.len()],
        features: FURTHER[(number - 1) % FURTHER.len()],
        node_role: &node_role,
        nodes: 3 + number % 4,
        created: world.begin - 40 * 24 * HOUR,
        boot: world.begin - 2 * 24 * HOUR,
        history: world.begin,
        length: world.end - world.begin,
    };
    let cluster = add_cluster(&account, plan, world, rng);
    resume(&cluster, world, rng);
    cluster
}

/// Lets the nodes of a cluster run as the history begins.
pub(super) fn resume(cluster: &Cluster, world: &mut World<'_>, rng: &mut Rng) {
    for node in &cluster.nodes {
        let sessions = nodes::unseen_pair(cluster, node, world.begin, rng);
        let state = &mut world.nodes[node.index];
        state.sessions = Some(sessions);
        state.up = true;
    }
}

fn add_parts(cluster: &Rc<Cluster>, schedule: &mut Schedule, world: &mut World<'_>, rng: &mut Rng) {
    for node in &cluster.nodes {
        for (at, task) in NodeTask::all(cluster, node, world.begin, rng) {
            schedule.add(at, task);
        }
    }
    let active = cluster.nodes[0].boot.max(world.begin) - 4 * MINUTE;
    for part in ControlPlane::all(cluster) {
        schedule.add(active.max(world.begin) + rng.between(0, 3 * MINUTE), part);
    }
    let churn = Churn::new(cluster);
    let first = active.max(world.begin) + 2 * HOUR + churn.pause(world) / 2;
    schedule.add(first, churn);
}

/// Everything that runs in a cluster, from `start` on.
fn add_workloads(
    cluster: &Rc<Cluster>,
    other: &Rc<Account>,
    start: i64,
    schedule: &mut Schedule,
    world: &mut World<'_>,
    rng: &mut Rng,
) -> Vec<Rc<Workload>> {
    // Long enough after the pods have started, and before the history where
    // the cluster is older than it.
    let late = if start < world.begin {
        world.begin - 20 * HOUR
    } else {
        start + LATE
    };
    let mut all = demo_workloads::all(cluster, other, rng);
    let daemons = idle_workloads::all(cluster, rng);
    all.extend(fallback_workloads::all(cluster, late, rng));
    all.extend(daemons);
    let mut bound_at = cluster.bound();
    let bound = |mut workload: Workload| {
        workload.bound_at = bound_at;
        // People make the bindings of a new cluster one after the other.
        bound_at += i64::from(start >= world.begin) * BINDING;
        Rc::new(workload)
    };
    let all: Vec<_> = all.into_iter().map(bound).collect();
    let mut at = start;
    for (number, workload) in all.iter().enumerate() {
        at += 30;
        let at = match &workload.access {
            Access::Late { since, .. } if *since < world.begin => since - 6 * HOUR,
            _ => at,
        };
        add_workload(cluster, workload, number, at, schedule, world);
    }
    if cluster.features.fargate {
        for workload in idle_workloads::on_fargate(rng) {
            let workload = Rc::new(workload);
            let first = start.max(world.begin) + rng.between(1, 5 * MINUTE);
            schedule.add(first, FargatePod::new(cluster, &workload));
            world.fleets[cluster.number].workloads.push(workload);
        }
    }
    all
}

/// Adds the replicas of a workload, one for each node of a DaemonSet.
pub(super) fn add_workload(
    cluster: &Rc<Cluster>,
    workload: &Rc<Workload>,
    slot: usize,
    start: i64,
    schedule: &mut Schedule,
    world: &mut World<'_>,
) {
    let nodes = cluster.nodes.len();
    let daemon = workload.naming == Naming::DaemonSet;
    let slots: Vec<usize> = if daemon {
        let fitting = (0..nodes).filter(|&offset| workload.fits(cluster, offset));
        fitting.collect()
    } else {
        (slot..slot + workload.replicas)
            .map(|slot| slot % nodes)
            .collect()
    };
    for slot in slots {
        // A node's own pods start with it.
        let start = match workload.naming {
            Naming::DaemonSet => cluster.nodes[slot].boot + 20,
            Naming::CronJob(every) => (start.max(world.begin).div_euclid(every) + 1) * every,
            _ => start,
        };
        let replica = Replica::new(cluster, workload, slot, start);
        schedule.add(start.max(world.begin), replica);
    }
    world.fleets[cluster.number]
        .workloads
        .push(Rc::clone(workload));
}

fn add_outsiders(cluster: &Rc<Cluster>, schedule: &mut Schedule, begin: i64, rng: &mut Rng) {
    let (account, region) = (&cluster.account, cluster.region);
    for kind in [Kind::EcsTask, Kind::Lambda, Kind::Instance, Kind::Ci] {
        let outsider = Outsider::new(kind, account, region, begin, rng);
        schedule.add(begin + rng.between(1, 20 * MINUTE), outsider);
    }
    schedule.add(
        begin + rng.between(1, HOUR),
        KeyUser::new(account, region, rng),
    );
    let service = TrailService {
        account: Rc::clone(account),
        region,
        label: Label::outsider("aws_service"),
    };
    schedule.add(begin + rng.between(1, 10 * MINUTE), service);
}

/// Adds pods whose calls bring the history to `events`. Their number grows
/// with the square root, so sessions grow slower than calls.
fn scale(
    events: u64,
    clusters: &[(Rc<Cluster>, i64)],
    other: &Rc<Account>,
    schedule: &mut Schedule,
    world: &mut World<'_>,
    rng: &mut Rng,
) {
    let days = ((world.end - world.begin) / (24 * HOUR))
        .max(1)
        .cast_unsigned();
    let per_cluster = events / days / clusters.len() as u64;
    let replicas = ((per_cluster / 400).isqrt() / 6).clamp(1, 100);
    world.pace.target = events;
    for (cluster, start) in clusters {
        for mut workload in scaled_workloads::all(cluster, other, rng) {
            workload.bound_at = cluster.bound();
            let workload = Rc::new(workload);
            for n in 0..replicas {
                let node = rng.index(cluster.nodes.len());
                let at = start + MINUTE * (15 + (n % 10).cast_signed());
                let replica = Replica::new(cluster, &workload, node, at);
                schedule.add(at.max(world.begin), replica);
                world.pace.weight += 1;
            }
            world.fleets[cluster.number].workloads.push(workload);
        }
    }
}

/// What a workload of a cluster works on, named after it.
pub(super) fn target(cluster: &Cluster, name: &str, rng: &mut Rng) -> Target {
    let account = &cluster.account.id;
    Target {
        bucket: format!("{}-{name}-{account}", cluster.name),
        table: name.to_owned(),
        queue: format!("{name}-jobs"),
        secret: format!("{}/{name}/database", cluster.name),
        key_arn: format!(
            "arn:aws:kms:{}:{account}:key/{}",
            cluster.region,
            rng.uuid().text()
        ),
        ..cluster.target.clone()
    }
}

/// Naming of a Deployment's pods.
pub(super) fn deployment(rng: &mut Rng) -> Naming {
    Naming::Deployment(rng.kubernetes(10))
}
