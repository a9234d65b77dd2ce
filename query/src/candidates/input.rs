//! What the search for a pod reads: rows of SQL views as plain values.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use serde_json::Value;

use super::explain::CELL;
use super::{Account, Accounts};
use crate::error::{Error, Result};
use crate::rules::images;

/// How many times more often than it is seen a CronJob's pod may be there.
const MORE_THAN_SEEN: f64 = 5.0;

/// Shortest name that tells something where it is part of a resource's name.
const SHORTEST_NAME: usize = 4;

/// Views that the search reads, in the order of [`Inputs::read`].
pub(crate) const VIEWS: [&str; 7] = [
    "addressed_pods",
    "fallback_calls",
    "pods",
    "instances",
    "pod_identity_agents",
    "refused_accounts",
    "named_programs",
];

/// A call that some pod made with its node's role. Times in microseconds since the epoch.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) activity_id: String,
    pub(super) cluster: String,
    pub(super) node: String,
    pub(super) component: Option<String>,
    pub(super) user_agent: String,
    pub(super) program: String,
    pub(super) event_source: String,
    pub(super) event_name: String,
    /// Bucket, table or the like that it is about.
    pub(super) resource: Option<String>,
    /// Service that made it on behalf of the session.
    pub(super) invoked_by: Option<String>,
    pub(super) source_ip: Option<String>,
    pub(super) vpc_endpoint: bool,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Call {
    /// The node and unit of time of its first call.
    pub(super) fn cell(&self) -> (&str, i64) {
        (&self.node, self.first.div_euclid(CELL))
    }
}

/// A pod on a node.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) cluster: String,
    pub(super) namespace: String,
    pub(super) account: Account,
    pub(super) name: String,
    pub(super) uid: String,
    /// Kind and name of its owner, or its own.
    pub(super) workload: String,
    /// Cluster, namespace and workload.
    pub(super) workload_key: String,
    pub(super) node: String,
    pub(super) ip: Option<String>,
    pub(super) host_network: bool,
    pub(super) injected: Option<String>,
    pub(super) skips_containers: bool,
    /// It runs software that is known to call AWS with another user agent, or not at all.
    pub(super) other_software: bool,
    /// Services that its software is known to call.
    pub(super) services: HashSet<String>,
    /// What it says of itself: name, images, labels.
    description: String,
    from: i64,
    certain_to: i64,
    to: i64,
    observed_at: i64,
}

impl Pod {
    /// True where it can have been there.
    pub(super) fn may_be_there(&self, at: i64) -> bool {
        self.from <= at && at <= self.to
    }

    /// True where it was there all of `first..=last`.
    pub(super) fn is_certainly_there(&self, first: i64, last: i64) -> bool {
        self.from <= first && last <= self.certain_to
    }

    /// Name of its service account.
    pub(super) fn service_account(&self) -> &str {
        &self.account.2
    }

    /// True where a resource's name holds the workload's or the service account's own.
    pub(super) fn is_named_in(&self, resource: &str) -> bool {
        let name = self.workload.rsplit('/').next().unwrap_or_default();
        [name, self.service_account()]
            .into_iter()
            .any(|name| name.len() >= SHORTEST_NAME && name != "default" && resource.contains(name))
    }

    /// True where it is the program that a user agent names.
    pub(super) fn runs(&self, component: &str) -> bool {
        self.description.contains(component)
    }
}

/// A workload whose pods come and go between two looks at the inventory.
#[derive(Debug)]
pub(super) struct Fleeting {
    /// A pod of it.
    pub(super) pod: usize,
    /// Chance that a pod of it is on a given node at a given time.
    pub(super) presence: f64,
}

/// What is known of an instance.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) private_ip: Option<String>,
    /// Largest hop limit it ever had.
    pub(super) most_hops: Option<i64>,
}

/// A call with a workload's own credentials, and the pod whose address it shows.
#[derive(Debug)]
pub(super) struct Addressed {
    pub(super) activity_id: String,
    pub(super) pod: String,
    pub(super) pod_uid: String,
    pub(super) node: Option<String>,
    pub(super) source_ip_address: String,
}

/// All that the search reads.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) addressed: Vec<Addressed>,
    pub(super) calls: Vec<Call>,
    pub(super) pods: Vec<Pod>,
    /// Pods of an instance.
    pub(super) pods_of: HashMap<String, Vec<usize>>,
    /// Pods of a workload.
    pub(super) pods_of_workload: HashMap<String, Vec<usize>>,
    pub(super) instances: HashMap<String, Instance>,
    /// Instances whose eks-pod-identity-agent was seen.
    pub(super) agents: HashSet<String>,
    /// Service accounts whose request for web identity credentials was refused.
    pub(super) denied: Accounts,
    /// Programs that service accounts run with credentials of their own.
    pub(super) named_programs: HashMap<Account, HashSet<String>>,
    /// CronJobs of a cluster.
    fleeting: HashMap<String, Vec<Fleeting>>,
    /// First and last call of the trail.
    begin: i64,
    end: i64,
}

impl Inputs {
    /// Reads the rows of [`VIEWS`].
    pub(super) fn read(views: &[Vec<RecordBatch>]) -> Result<Self> {
        let mut inputs = Self {
            begin: i64::MAX,
            end: i64::MIN,
            ..Self::default()
        };
        for (view, batches) in VIEWS.iter().zip(views) {
            for batch in batches {
                let rows = Rows { view, batch };
                match *view {
                    "addressed_pods" => inputs.read_addressed(&rows)?,
                    "fallback_calls" => inputs.read_calls(&rows)?,
                    "pods" => inputs.read_pods(&rows)?,
                    "instances" => inputs.read_instances(&rows)?,
                    "pod_identity_agents" => {
                        let node = rows.text("node")?;
                        inputs
                            .agents
                            .extend(node.iter().flatten().map(str::to_owned));
                    }
                    "refused_accounts" => inputs.denied.extend(rows.accounts()?),
                    _ => {
                        let programs = rows.text("program")?;
                        let accounts = rows.accounts()?;
                        for (account, program) in accounts.into_iter().zip(programs.iter()) {
                            let known = inputs.named_programs.entry(account).or_default();
                            known.extend(program.map(str::to_owned));
                        }
                    }
                }
            }
        }
        inputs.end_where_addresses_pass_on();
        inputs.find_fleeting();
        Ok(inputs)
    }

    /// Cells, on any node while the trail shows calls, in which a pod of a workload was seen, and in which one
    /// can have been without being seen; and the most chance that one was in one of the latter.
    pub(super) fn exposure(&self, workload: &str) -> (f64, f64, f64) {
        let seen: f64 = self
            .pods_of_workload
            .get(workload)
            .into_iter()
            .flatten()
            .map(|&pod| self.cells_of(&self.pods[pod]))
            .sum();
        self.fleeting
            .values()
            .flatten()
            .find(|fleeting| self.pods[fleeting.pod].workload_key == workload)
            .map_or((seen, 0.0, 0.0), |fleeting| {
                let all = self.cells_of_cluster(&self.pods[fleeting.pod].cluster);
                let most = (fleeting.presence * MORE_THAN_SEEN).min(0.5);
                (seen, (all - seen).max(0.0), most)
            })
    }

    /// CronJobs of a cluster.
    pub(super) fn fleeting_of(&self, cluster: &str) -> &[Fleeting] {
        self.fleeting.get(cluster).map_or(&[], Vec::as_slice)
    }

    #[allow(clippy::cast_precision_loss)] // a count of minutes
    fn cells_of(&self, pod: &Pod) -> f64 {
        let from = pod.from.max(self.begin);
        let to = pod.certain_to.max(pod.from).min(self.end);
        ((to - from).max(0) as f64 / CELL as f64).ceil().max(1.0)
    }

    /// Cells of all nodes of a cluster: of the pod that was longest on each.
    fn cells_of_cluster(&self, cluster: &str) -> f64 {
        self.pods_of
            .values()
            .filter_map(|pods| {
                pods.iter()
                    .map(|&pod| &self.pods[pod])
                    .filter(|pod| pod.cluster == cluster)
                    .map(|pod| self.cells_of(pod))
                    .max_by(f64::total_cmp)
            })
            .sum()
    }

    /// A pod whose address another pod has from a time on had gone by then.
    fn end_where_addresses_pass_on(&mut self) {
        let mut holders: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (at, pod) in self.pods.iter().enumerate() {
            if let (Some(ip), false) = (&pod.ip, pod.host_network) {
                let key = (pod.cluster.clone(), ip.clone());
                holders.entry(key).or_default().push(at);
            }
        }
        for pods in holders.values_mut() {
            pods.sort_by_key(|&at| (self.pods[at].from, at));
            for pair in pods.windows(2) {
                let next = self.pods[pair[1]].from;
                let pod = &mut self.pods[pair[0]];
                if pod.certain_to < next {
                    pod.to = pod.to.min(next - 1);
                }
            }
        }
    }

    /// Finds the CronJobs, and how often a pod of each is on a node: a look at a random moment
    /// sees a pod as often as it is there, and finished pods that are still listed tell their time.
    #[allow(clippy::cast_precision_loss)] // counts of looks
    fn find_fleeting(&mut self) {
        let mut looks: HashMap<&str, HashSet<i64>> = HashMap::new();
        for pod in &self.pods {
            let seen = looks.entry(&pod.cluster).or_default();
            seen.insert(pod.observed_at);
        }
        let mut nodes: HashMap<&str, HashSet<&str>> = HashMap::new();
        for pod in &self.pods {
            nodes.entry(&pod.cluster).or_default().insert(&pod.node);
        }
        let mut fleeting: HashMap<String, Vec<Fleeting>> = HashMap::new();
        for pods in self.pods_of_workload.values() {
            let Some(&last) = pods.last() else { continue };
            let pod = &self.pods[last];
            if !pod.workload.starts_with("CronJob/") {
                continue;
            }
            let looks = looks[pod.cluster.as_str()].len() * nodes[pod.cluster.as_str()].len();
            let running = pods.iter().map(|&pod| &self.pods[pod]);
            let sampled = running
                .clone()
                .filter(|pod| pod.observed_at <= pod.certain_to)
                .count();
            let timed: f64 = running.map(|pod| self.cells_of(pod)).sum();
            let sampled = sampled as f64 / looks.max(1) as f64;
            let timed = timed / self.cells_of_cluster(&pod.cluster).max(1.0);
            let presence = sampled.max(timed).clamp(0.001, 0.5);
            fleeting
                .entry(pod.cluster.clone())
                .or_default()
                .push(Fleeting {
                    pod: last,
                    presence,
                });
        }
        for list in fleeting.values_mut() {
            list.sort_by_key(|each| each.pod);
        }
        self.fleeting = fleeting;
    }

    fn read_addressed(&mut self, rows: &Rows<'_>) -> Result<()> {
        let (id, pod, uid) = (
            rows.text("activity_id")?,
            rows.text("pod")?,
            rows.text("pod_uid")?,
        );
        let (node, address) = (rows.text("node")?, rows.text("source_ip_address")?);
        for row in 0..rows.batch.num_rows() {
            self.addressed.push(Addressed {
                activity_id: owned(&id, row),
                pod: owned(&pod, row),
                pod_uid: owned(&uid, row),
                node: maybe(&node, row),
                source_ip_address: owned(&address, row),
            });
        }
        Ok(())
    }

    fn read_calls(&mut self, rows: &Rows<'_>) -> Result<()> {
        let [
            id,
            cluster,
            node,
            component,
            user_agent,
            program,
            source,
            name,
            address,
        ] = [
            "activity_id",
            "cluster",
            "node",
            "component",
            "user_agent",
            "program",
            "event_source",
            "event_name",
            "source_ip_address",
        ]
        .map(|name| rows.text(name));
        let (resource, invoked_by) = (rows.text("resource")?, rows.text("invoked_by")?);
        let (id, cluster, node, component) = (id?, cluster?, node?, component?);
        let (user_agent, program, source, name, address) =
            (user_agent?, program?, source?, name?, address?);
        let endpoint = rows.flag("vpc_endpoint")?;
        let (first, last) = (rows.time("first_time")?, rows.time("last_time")?);
        let (begin, end) = (rows.time("trail_begin")?, rows.time("trail_end")?);
        for row in 0..rows.batch.num_rows() {
            self.begin = self.begin.min(begin(row).unwrap_or(i64::MAX));
            self.end = self.end.max(end(row).unwrap_or(i64::MIN));
            let (Some(first), Some(last)) = (first(row), last(row)) else {
                continue;
            };
            self.calls.push(Call {
                activity_id: owned(&id, row),
                cluster: owned(&cluster, row),
                node: owned(&node, row),
                component: maybe(&component, row),
                user_agent: owned(&user_agent, row),
                program: owned(&program, row),
                event_source: owned(&source, row),
                event_name: owned(&name, row),
                resource: maybe(&resource, row),
                invoked_by: maybe(&invoked_by, row),
                source_ip: maybe(&address, row),
                vpc_endpoint: endpoint.is_valid(row) && endpoint.value(row),
                first,
                last,
            });
        }
        Ok(())
    }

    fn read_pods(&mut self, rows: &Rows<'_>) -> Result<()> {
        let [cluster, namespace, account, name, uid, node] = [
            "cluster",
            "namespace",
            "service_account",
            "pod",
            "pod_uid",
            "instance_id",
        ]
        .map(|name| rows.text(name));
        let (cluster, namespace, account) = (cluster?, namespace?, account?);
        let (name, uid, node) = (name?, uid?, node?);
        let [ip, injected, skips, images, labels, workload] = [
            "pod_ip",
            "injected",
            "skip_containers",
            "images",
            "labels",
            "workload",
        ]
        .map(|name| rows.text(name));
        let (ip, injected, skips, images) = (ip?, injected?, skips?, images?);
        let (labels, workload) = (labels?, workload?);
        let host_network = rows.flag("host_network")?;
        let (from, certain, to, observed) = (
            rows.time("valid_from")?,
            rows.time("certain_to")?,
            rows.time("valid_to")?,
            rows.time("observed_at")?,
        );
        for row in 0..rows.batch.num_rows() {
            let (Some(node), Some(from)) = (maybe(&node, row), from(row)) else {
                continue;
            };
            let name = owned(&name, row);
            let workload = maybe(&workload, row).unwrap_or_else(|| format!("Pod/{name}"));
            let (cluster, namespace) = (owned(&cluster, row), owned(&namespace, row));
            let images = owned(&images, row);
            let names = image_names(&images);
            let at = self.pods.len();
            let pod = Pod {
                workload_key: format!("{cluster}/{namespace}/{workload}"),
                account: (
                    cluster.clone(),
                    namespace.clone(),
                    maybe(&account, row).unwrap_or_else(|| "default".to_owned()),
                ),
                uid: owned(&uid, row),
                ip: maybe(&ip, row),
                host_network: host_network.is_valid(row) && host_network.value(row),
                injected: maybe(&injected, row),
                skips_containers: maybe(&skips, row).is_some_and(|list| list != "[]"),
                other_software: images::calls_otherwise(&names),
                services: images::services(&names),
                description: format!("{name} {workload} {images} {}", owned(&labels, row)),
                certain_to: certain(row).unwrap_or(from),
                observed_at: observed(row).unwrap_or(from),
                to: to(row).unwrap_or(i64::MAX),
                cluster,
                namespace,
                name,
                workload,
                from,
                node,
            };
            self.pods_of.entry(pod.node.clone()).or_default().push(at);
            self.pods_of_workload
                .entry(pod.workload_key.clone())
                .or_default()
                .push(at);
            self.pods.push(pod);
        }
        Ok(())
    }

    fn read_instances(&mut self, rows: &Rows<'_>) -> Result<()> {
        let (id, ip) = (rows.text("instance_id")?, rows.text("private_ip")?);
        let hops = rows.int("most_hops")?;
        for row in 0..rows.batch.num_rows() {
            let instance = Instance {
                private_ip: maybe(&ip, row),
                most_hops: hops.is_valid(row).then(|| hops.value(row)),
            };
            self.instances.insert(owned(&id, row), instance);
        }
        Ok(())
    }
}

fn image_names(list: &str) -> Vec<String> {
    serde_json::from_str::<Value>(list)
        .ok()
        .and_then(|value| {
            Some(
                value
                    .as_array()?
                    .iter()
                    .filter_map(|image| image.as_str().map(str::to_owned))
                    .collect(),
            )
        })
        .unwrap_or_default()
}

fn maybe(array: &StringArray, row: usize) -> Option<String> {
    array.is_valid(row).then(|| array.value(row).to_owned())
}

fn owned(array: &StringArray, row: usize) -> String {
    maybe(array, row).unwrap_or_default()
}

/// Columns of one batch of a view, by name.
struct Rows<'a> {
    view: &'static str,
    batch: &'a RecordBatch,
}

impl Rows<'_> {
    fn column(&self, name: &str, kind: &DataType) -> Result<arrow::array::ArrayRef> {
        let failed = |error: arrow::error::ArrowError| {
            Error::from_engine(&format!("{}.{name}", self.view), error.into())
        };
        let index = self.batch.schema().index_of(name).map_err(failed)?;
        cast(self.batch.column(index), kind).map_err(failed)
    }

    fn text(&self, name: &str) -> Result<StringArray> {
        Ok(self.column(name, &DataType::Utf8)?.as_string().clone())
    }

    fn flag(&self, name: &str) -> Result<BooleanArray> {
        Ok(self.column(name, &DataType::Boolean)?.as_boolean().clone())
    }

    fn int(&self, name: &str) -> Result<Int64Array> {
        Ok(self.column(name, &DataType::Int64)?.as_primitive().clone())
    }

    fn time(&self, name: &str) -> Result<impl Fn(usize) -> Option<i64>> {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let column = self.column(name, &kind)?;
        let times = column.as_primitive::<TimestampMicrosecondType>().clone();
        Ok(move |row: usize| times.is_valid(row).then(|| times.value(row)))
    }

    fn accounts(&self) -> Result<Vec<Account>> {
        let (cluster, namespace, account) = (
            self.text("cluster")?,
            self.text("namespace")?,
            self.text("service_account")?,
        );
        Ok((0..self.batch.num_rows())
            .map(|row| {
                (
                    owned(&cluster, row),
                    owned(&namespace, row),
                    owned(&account, row),
                )
            })
            .collect())
    }
}
