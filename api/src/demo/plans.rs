//! What people do when: how the demo cluster comes to be, what is changed
//! later, and ordinary days.

use std::rc::Rc;

use super::account::{Account, Role, fnv1a};
use super::apis::Api;
use super::bindings::BindingKind;
use super::clock::{HOUR, MINUTE};
use super::cluster::Cluster;
use super::features::Authentication;
use super::people::{Deed, Person};
use super::rng::Rng;
use super::setup;
use super::sim::Schedule;
use super::workloads::Workload;
use super::world::World;

/// Principal of roles for EKS Pod Identity.
pub(super) const POD_IDENTITY: &str = "pods.eks.amazonaws.com";

/// What nodes may do.
pub(super) const NODE_POLICIES: [&str; 4] = [
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
];

/// The role of a permission set of IAM Identity Center, which has one home region
/// for all accounts.
pub(super) fn sso_role(account: &Rc<Account>, set: &str) -> Rc<Role> {
    let path = "/aws-reserved/sso.amazonaws.com/ap-northeast-2/";
    let key = fnv1a(&format!("{}/{set}", account.id));
    let name = format!("AWSReservedSSO_{set}_{}", Rng::new(key).hex(16));
    Role::new(account, path, &name)
}

/// Adds the people of a cluster with what they do.
pub(super) fn add_people(
    cluster: &Rc<Cluster>,
    workloads: &[Rc<Workload>],
    schedule: &mut Schedule,
    world: &World<'_>,
    rng: &mut Rng,
) {
    let admin = sso_role(&cluster.account, "AdministratorAccess");
    let reader = sso_role(&cluster.account, "ViewOnlyAccess");
    let mut plan = Vec::new();
    if cluster.created >= world.begin {
        creation(cluster, &admin, workloads, &mut plan);
    }
    later_changes(cluster, &reader, workloads, world, &mut plan);
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

/// When the role of those who only look gets its access entry.
pub(super) fn reader_joins(cluster: &Cluster) -> i64 {
    cluster.history + HOUR
}

/// What changes while the cluster runs: bindings that come late, who may join,
/// the size of the node group, the hop limit.
fn later_changes(
    cluster: &Rc<Cluster>,
    reader: &Rc<Role>,
    workloads: &[Rc<Workload>],
    world: &World<'_>,
    plan: &mut Vec<(i64, Deed)>,
) {
    for workload in workloads {
        let Some(binding) = workload.binding() else {
            continue;
        };
        let Some(since) = binding.since.filter(|since| *since >= world.begin) else {
            continue;
        };
        plan.push((
            since - 1,
            match binding.kind {
                BindingKind::Annotation => Deed::Kubectl,
                BindingKind::Association => Deed::CreateAssociation(Rc::clone(workload)),
            },
        ));
    }
    if cluster.features.authentication != Authentication::ConfigMap {
        let entry = Deed::CreateAccessEntry(Rc::clone(reader), "STANDARD");
        plan.push((reader_joins(cluster) - 1, entry));
    }
    if !cluster.features.karpenter {
        let most = 2 * i64::try_from(cluster.nodes.len()).unwrap_or_default() + 1;
        plan.push((world.begin + 2 * HOUR, Deed::UpdateNodegroup(most)));
    }
    if let Some(cut) = cluster.hop_limit_cut {
        let slots = (0_i64..).zip(cluster.nodes.iter());
        plan.extend(slots.map(|(n, node)| (cut + 5 * n, Deed::LimitHops(node.index))));
    }
}

/// How the demo cluster came to be, in the first minutes of the history.
fn creation(
    cluster: &Cluster,
    admin: &Rc<Role>,
    workloads: &[Rc<Workload>],
    plan: &mut Vec<(i64, Deed)>,
) {
    let begin = cluster.created - 2 * MINUTE;
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
        (2 * MINUTE, Deed::CreateCluster),
        (11 * MINUTE, Deed::Command(Api::EksDescribeCluster)),
        (12 * MINUTE, Deed::CreateOidcProvider),
        (13 * MINUTE, Deed::CreateAddon("vpc-cni")),
        (13 * MINUTE + 9, Deed::CreateAddon("eks-pod-identity-agent")),
        (
            13 * MINUTE + 30,
            Deed::CreateAccessEntry(Rc::clone(admin), "STANDARD"),
        ),
        (14 * MINUTE, Deed::CreateNodegroup),
    ];
    for (at, policy) in (34..).step_by(4).zip(NODE_POLICIES) {
        deeds.push((at, Deed::AttachPolicy(Rc::clone(&nodes), policy)));
    }
    for workload in workloads {
        let Some(binding) = workload.binding() else {
            continue;
        };
        let at = workload.bound_at - begin;
        let made = match binding.kind {
            BindingKind::Annotation => {
                setup::irsa_trust(cluster, &workload.namespace, &binding.trusts)
            }
            BindingKind::Association => setup::service_trust(POD_IDENTITY),
        };
        deeds.push((at - 3, Deed::CreateRole(binding.role, made)));
        if binding.kind == BindingKind::Association && binding.since.is_none() {
            // Deeds take a second.
            deeds.push((at - 1, Deed::CreateAssociation(Rc::clone(workload))));
        }
    }
    plan.extend(
        deeds
            .into_iter()
            .map(|(offset, deed)| (begin + offset, deed)),
    );
}
