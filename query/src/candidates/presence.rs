//! For how long pods were there, and how often pods are that nobody saw: those of CronJobs come and go between
//! two looks at the inventory. Their workloads are called fleeting.

use datafusion::common::{HashMap, HashSet};

use super::CELL;
use super::input::{Inputs, Pod};
use super::names::number;

/// How many times more often than it is seen a CronJob's pod may be there.
const MORE_THAN_SEEN: f64 = 5.0;

/// Least and most chance that a pod of a fleeting workload is on a node.
const PRESENCE: (f64, f64) = (0.001, 0.5);

/// A pod whose address another pod has from a time on had gone by then.
pub(super) fn end_where_addresses_pass_on(inputs: &mut Inputs) {
    let mut holders: HashMap<(u32, u32), Vec<usize>> = HashMap::new();
    for (at, pod) in inputs.pods.iter().enumerate() {
        if let (Some(ip), false) = (pod.ip, pod.host_network) {
            let cluster = inputs.workload(pod).cluster;
            holders.entry((cluster, ip)).or_default().push(at);
        }
    }
    // Pods are in the order of their beginnings.
    for pods in holders.values() {
        for pair in pods.windows(2) {
            let next = inputs.pods[pair[1]].from;
            let pod = &mut inputs.pods[pair[0]];
            if pod.certain_to < next {
                pod.to = pod.to.min(next.saturating_sub(1));
            }
        }
    }
}

/// What the looks at a cluster's pods come to.
#[derive(Default)]
struct Cluster {
    looks: HashSet<i64>,
    nodes: HashSet<u32>,
    /// Cells of all its nodes: of the pod that was longest on each.
    cells: f64,
}

/// Tells how long the pods of each workload were there; finds the fleeting ones, and how often a pod of each is
/// on a node: a look at a random moment sees a pod as often as it is there, and finished pods that are still
/// listed tell their time.
#[allow(clippy::cast_precision_loss)] // counts of looks
pub(super) fn find_fleeting(inputs: &mut Inputs) {
    let clusters = clusters(inputs);
    let mut workloads = std::mem::take(&mut inputs.workloads);
    for workload in &mut workloads {
        let pods = workload.pods.iter().map(|&pod| &inputs.pods[pod as usize]);
        workload.seen = pods.clone().map(|pod| cells_of(inputs, pod)).sum();
        let (Some(&last), Some(cluster)) = (workload.pods.last(), clusters.get(&workload.cluster))
        else {
            continue;
        };
        if !inputs.text(workload.name).starts_with("CronJob/") {
            continue;
        }
        let looks = cluster.looks.len() * cluster.nodes.len();
        let sampled = pods.filter(|pod| pod.observed_at <= pod.certain_to).count();
        let sampled = sampled as f64 / looks.max(1) as f64;
        let timed = workload.seen / cluster.cells.max(1.0);
        workload.presence = sampled.max(timed).clamp(PRESENCE.0, PRESENCE.1);
        workload.unseen = (cluster.cells - workload.seen).max(0.0);
        workload.most_unseen = (workload.presence * MORE_THAN_SEEN).min(0.5);
        let fleeting = inputs.fleeting.entry(workload.cluster).or_default();
        fleeting.push(last);
    }
    inputs.workloads = workloads;
    for pods in inputs.fleeting.values_mut() {
        pods.sort_unstable();
    }
}

fn clusters(inputs: &Inputs) -> HashMap<u32, Cluster> {
    let mut clusters: HashMap<u32, Cluster> = HashMap::new();
    for (at, node) in inputs.nodes.iter().enumerate() {
        let mut longest: HashMap<u32, f64> = HashMap::new();
        for &pod in &node.pods {
            let pod = &inputs.pods[pod as usize];
            let name = inputs.workload(pod).cluster;
            let cluster = clusters.entry(name).or_default();
            cluster.looks.insert(pod.observed_at);
            cluster.nodes.insert(number(at));
            let most = longest.entry(name).or_insert(0.0);
            *most = most.max(cells_of(inputs, pod));
        }
        for (name, cells) in longest {
            clusters.entry(name).or_default().cells += cells;
        }
    }
    clusters
}

/// Cells while the trail shows calls in which a pod was there.
#[allow(clippy::cast_precision_loss)] // a count of minutes
fn cells_of(inputs: &Inputs, pod: &Pod) -> f64 {
    let from = pod.from.max(inputs.begin);
    let to = pod.certain_to.max(pod.from).min(inputs.end);
    (to.saturating_sub(from).max(0) as f64 / CELL as f64)
        .ceil()
        .max(1.0)
}
