//! The cast: which accounts, clusters and workloads a history has.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::{Api, Target};
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, ClusterPlan, Naming};
use super::control_plane::ControlPlane;
use super::nodes::{self, NodeTask};
use super::outsiders::{Kind, Outsider, TrailService};
use super::people::{Deed, KeyUser, Person};
use super::replica::Replica;
use super::rng::Rng;
use super::sim::Schedule;
use super::trail::Gap;
use super::truth::Label;
use super::workloads::Workload;
use super::world::{NodeState, World};
use super::{DemoOptions, demo_workloads, scaled_workloads, setup};

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
    let clusters = options.clusters.max(1);
    let mut parts = Vec::new();
    let mut owners = BTreeSet::new();
    for number in 0..clusters {
        let cluster = if number == 0 {
            demo_cluster(&home, world, &mut rng)
        } else {
            further_cluster(number as usize, options.seed, world, &mut rng)
        };
        let demo = number == 0;
        let begin = world.begin;
        let start = if demo {
            cluster.nodes[0].boot + 2 * MINUTE
        } else {
            begin - HOUR
        };
        add_parts(&cluster, &mut schedule, world, &mut rng);
        let workloads = demo_workloads::all(&cluster, &other, &mut rng);
        add_people(&cluster, &workloads, demo, &mut schedule, world, &mut rng);
        let mut at = start;
        for (node, workload) in workloads.into_iter().enumerate() {
            at += MINUTE;
            add_replica(
                &cluster,
                &Rc::new(workload),
                node,
                at,
                &mut schedule,
                world,
                &mut rng,
            );
        }
        // Clusters that share an account share its surroundings.
        if owners.insert(cluster.account.id.clone()) {
            add_outsiders(&cluster, &mut schedule, begin, &mut rng);
        }
        parts.push((cluster, start));
    }
    if let Some(events) = options.events {
        scale(events, &parts, &other, &mut schedule, world, &mut rng);
    }
    schedule
}

fn demo_cluster(account: &Rc<Account>, world: &mut World<'_>, rng: &mut Rng) -> Rc<Cluster> {
    let plan = ClusterPlan {
        name: "myeks",
        region: REGION,
        node_role: "myeks-ng-1",
        nodes: 3,
        boot: world.begin + 3 * MINUTE + CREATION,
        history: world.begin,
        endpoints: &["secretsmanager"],
    };
    if world.end - world.begin >= GAP_HISTORY {
        let from = world.begin + GAP.0;
        world.trail.gap = Some(Gap {
            account: account.index,
            from,
            to: from + GAP.1,
        });
    }
    let cluster = Cluster::new(account, plan, world.nodes.len(), rng);
    world
        .nodes
        .extend(cluster.nodes.iter().map(|_| NodeState { sessions: None }));
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
    let node_role = match number % 3 {
        0 => format!("{name}-node-role"),
        1 => format!(
            "eksctl-{name}-nodegroup-ng-1-NodeInstanceRole-{}",
            rng.alphanumeric(12)
        ),
        _ => format!("platform-{}", rng.hex(8)),
    };
    let endpoints: &[&'static str] = match number % 3 {
        0 => &[],
        1 => &["sts", "ec2", "sqs", "secretsmanager", "kms"],
        _ => &["sts"],
    };
    let plan = ClusterPlan {
        name: &name,
        region: REGIONS[number % REGIONS.len()],
        node_role: &node_role,
        nodes: 3 + number % 4,
        boot: world.begin - 2 * 24 * HOUR,
        history: world.begin,
        endpoints,
    };
    let cluster = Cluster::new(&account, plan, world.nodes.len(), rng);
    for node in &cluster.nodes {
        let sessions = Some(nodes::unseen_pair(&cluster, node, world.begin, rng));
        world.nodes.push(NodeState { sessions });
    }
    cluster
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
}

fn add_replica(
    cluster: &Rc<Cluster>,
    workload: &Rc<Workload>,
    node: usize,
    start: i64,
    schedule: &mut Schedule,
    world: &World<'_>,
    rng: &mut Rng,
) {
    let replica = Replica::new(cluster, workload, node, start, world.begin, rng);
    let first = if start < world.begin {
        world.begin + rng.between(1, 5 * MINUTE)
    } else {
        start
    };
    schedule.add(first, replica);
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

fn sso_role(account: &Rc<Account>, set: &str, region: &str, rng: &mut Rng) -> Rc<Role> {
    let path = format!("/aws-reserved/sso.amazonaws.com/{region}/");
    let name = format!("AWSReservedSSO_{set}_{}", rng.hex(16));
    Role::new(account, &path, &name)
}

fn add_people(
    cluster: &Rc<Cluster>,
    workloads: &[Workload],
    demo: bool,
    schedule: &mut Schedule,
    world: &World<'_>,
    rng: &mut Rng,
) {
    let admin = sso_role(&cluster.account, "AdministratorAccess", cluster.region, rng);
    let reader = sso_role(&cluster.account, "ViewOnlyAccess", cluster.region, rng);
    let mut plan = Vec::new();
    if demo {
        creation(cluster, workloads, world, &mut plan);
    }
    if let Some(gap) = world
        .trail
        .gap
        .filter(|gap| gap.account == cluster.account.index)
    {
        plan.push((gap.from - 3, Deed::Logging("StopLogging")));
        plan.push((gap.to + 2, Deed::Logging("StartLogging")));
    }
    working_day(world, &mut plan, rng);
    let mut other = Vec::new();
    working_day(world, &mut other, rng);
    for (role, name, address, plan) in [
        (admin, "hana.kim@example.com", "198.51.100.23", plan),
        (reader, "joon.park@example.com", "198.51.100.24", other),
    ] {
        let person = Person::new(cluster, &role, name, address, plan);
        if let Some(at) = person.starts() {
            schedule.add(at, person);
        }
    }
}

/// Looks around every few hours: console, kubectl, a few commands.
fn working_day(world: &World<'_>, plan: &mut Vec<(i64, Deed)>, rng: &mut Rng) {
    let mut at = world.begin + rng.between(HOUR, 2 * HOUR);
    while at < world.end {
        if rng.chance(400) {
            plan.push((at, Deed::Console));
        }
        for _ in 0..rng.between(4, 12) {
            at += rng.between(10, 4 * MINUTE);
            let deed = match rng.below(7) {
                0 => Deed::Command(Api::EksListClusters),
                1 => Deed::Command(Api::EksDescribeCluster),
                2 => Deed::Command(Api::EksDescribeNodegroup),
                3 => Deed::Command(Api::Ec2Vpcs),
                4 => Deed::Command(Api::S3ListBuckets),
                _ => Deed::Kubectl,
            };
            plan.push((at, deed));
        }
        at += rng.between(HOUR, 4 * HOUR);
    }
}

/// How the demo cluster came to be, in the first minutes of the history.
fn creation(
    cluster: &Cluster,
    workloads: &[Workload],
    world: &World<'_>,
    plan: &mut Vec<(i64, Deed)>,
) {
    let begin = world.begin + MINUTE;
    let control = Rc::clone(&cluster.control_role);
    let nodes = Rc::clone(&cluster.node_role);
    let mut deeds = vec![
        (
            10,
            Deed::CreateRole(
                Rc::clone(&control),
                setup::service_trust("eks.amazonaws.com"),
            ),
        ),
        (14, Deed::AttachPolicy(control, "AmazonEKSClusterPolicy")),
        (
            30,
            Deed::CreateRole(Rc::clone(&nodes), setup::service_trust("ec2.amazonaws.com")),
        ),
        (
            34,
            Deed::AttachPolicy(Rc::clone(&nodes), "AmazonEKSWorkerNodePolicy"),
        ),
        (
            38,
            Deed::AttachPolicy(Rc::clone(&nodes), "AmazonEC2ContainerRegistryPullOnly"),
        ),
        (
            42,
            Deed::AttachPolicy(Rc::clone(&nodes), "AmazonEKS_CNI_Policy"),
        ),
        (
            46,
            Deed::AttachPolicy(nodes, "AmazonSSMManagedInstanceCore"),
        ),
        (2 * MINUTE, Deed::CreateCluster),
        (11 * MINUTE, Deed::Command(Api::EksDescribeCluster)),
        (12 * MINUTE, Deed::CreateOidcProvider),
        (13 * MINUTE, Deed::CreateAddon("vpc-cni")),
        (13 * MINUTE + 9, Deed::CreateAddon("eks-pod-identity-agent")),
        (14 * MINUTE, Deed::CreateNodegroup),
    ];
    let mut at = 14 * MINUTE + 30;
    for workload in workloads {
        at += 8;
        if let Some((role, trusted)) = workload.irsa_binding() {
            let trust = setup::irsa_trust(cluster, &workload.namespace, &trusted);
            deeds.push((at, Deed::CreateRole(role, trust)));
        }
        if let Some(role) = workload.association() {
            let trust = setup::service_trust("pods.eks.amazonaws.com");
            let subject = (
                Rc::clone(&workload.namespace),
                Rc::clone(&workload.service_account),
            );
            deeds.push((at, Deed::CreateRole(Rc::clone(&role), trust)));
            deeds.push((at + 4, Deed::CreateAssociation(subject, role)));
        }
    }
    plan.extend(
        deeds
            .into_iter()
            .map(|(offset, deed)| (begin + offset, deed)),
    );
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
        for workload in scaled_workloads::all(cluster, other, rng) {
            let workload = Rc::new(workload);
            for n in 0..replicas {
                let node = rng.index(cluster.nodes.len());
                let at = start + MINUTE * (15 + (n % 10).cast_signed());
                add_replica(cluster, &workload, node, at, schedule, world, rng);
                world.pace.weight += 1;
            }
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
