//! Two small clusters beside the others, in an account of their own. Their history is longer, because a week has to
//! be seen before a node role can be called safe for hop limit 1, and sparse, so that it costs little.
//!
//! - `payments`: seen all the time, and every pod that calls AWS has a role of its own. One of these roles lets in
//!   all service accounts of a namespace.
//! - `staging`: made a few days ago, so that what runs weekly was not seen.

use std::rc::Rc;

use super::DemoOptions;
use super::account::Account;
use super::apis::Api;
use super::cast::{self, deployment, target};
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, ClusterPlan};
use super::demo_workloads::{irsa, who};
use super::features::{self, Agent, Authentication, Features};
use super::inventory::Recorder;
use super::nodes::NodeTask;
use super::rng::Rng;
use super::sdk::Sdk;
use super::sim::Schedule;
use super::workloads::Workload;
use super::world::World;

const ACCOUNT: &str = "777788889999";
const REGION: &str = "eu-west-1";
const DAY: i64 = 24 * HOUR;
/// Between two looks at what runs: hardly anything changes.
const LOOK: i64 = DAY;
/// Age of the younger cluster when the history ends.
const YOUNG: i64 = 3 * DAY;

const FEATURES: Features = Features {
    agent: Agent::Nowhere,
    authentication: Authentication::Api,
    interface: &[],
    gateway: &[],
    ..features::DEMO
};

/// Makes what runs in a cluster.
type Cast = fn(&Cluster, &mut Rng) -> Vec<Workload>;

/// Fills `world` and returns who acts in it.
pub(super) fn build(options: &DemoOptions, world: &mut World<'_>) -> Schedule {
    let mut rng = Rng::new(options.seed ^ 0x6265_7369_6465_0004);
    let mut schedule = Schedule::default();
    let account = Account::new(0, ACCOUNT, &mut rng);
    let old = ClusterPlan {
        number: 0,
        name: "payments",
        region: REGION,
        features: FEATURES,
        node_role: "payments-ng-1",
        nodes: 1,
        created: world.begin - 40 * DAY,
        boot: world.begin - 2 * DAY,
        history: world.begin,
        length: world.end - world.begin,
    };
    let created = (world.end - YOUNG).max(world.begin);
    let young = ClusterPlan {
        number: 1,
        name: "staging",
        node_role: "staging-ng-1",
        created,
        boot: created + 14 * MINUTE,
        ..old
    };
    let clusters: [(ClusterPlan<'_>, Cast); 2] = [(old, payments), (young, staging)];
    for (plan, workloads) in clusters {
        let cluster = cast::add_cluster(&account, plan, world, &mut rng);
        if plan.boot < world.begin {
            cast::resume(&cluster, world, &mut rng);
        }
        for node in &cluster.nodes {
            for (at, task) in NodeTask::few(&cluster, node, world.begin, &mut rng) {
                schedule.add(at, task);
            }
        }
        let up = plan.boot.max(world.begin);
        for (number, mut workload) in workloads(&cluster, &mut rng).into_iter().enumerate() {
            workload.bound_at = cluster.bound();
            let workload = Rc::new(workload);
            // Pods start within the history, so that it issues their credentials.
            cast::add_workload(
                &cluster,
                &workload,
                number,
                up + 5 * MINUTE,
                &mut schedule,
                world,
            );
        }
        if options.inventory_every.is_some() {
            schedule.add(up + 1, Recorder::new(&cluster, LOOK));
        }
    }
    schedule
}

fn payments(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    vec![
        Workload::new(
            who("settlement", "payments", "settlement", Sdk::Boto3),
            deployment(rng),
            irsa(cluster, "settlement"),
            target(cluster, "settlement", rng),
            // Reading objects shows that the trail has data events.
            &[Api::S3GetObject, Api::S3PutObject],
        )
        .every(2 * HOUR, 2 * HOUR + 10 * MINUTE),
        Workload::new(
            who("statements", "batch", "statements", Sdk::Boto3),
            deployment(rng),
            irsa(cluster, "batch"),
            target(cluster, "statements", rng),
            &[Api::SqsReceive],
        )
        .trusting("*")
        .every(6 * HOUR, 7 * HOUR),
    ]
}

fn staging(cluster: &Cluster, rng: &mut Rng) -> Vec<Workload> {
    vec![
        Workload::new(
            who("preview", "shop", "preview", Sdk::Boto3),
            deployment(rng),
            irsa(cluster, "preview"),
            target(cluster, "preview", rng),
            &[Api::S3ListObjects],
        )
        .every(3 * HOUR, 4 * HOUR),
    ]
}
