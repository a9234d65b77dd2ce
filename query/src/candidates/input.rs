//! What the search for a pod reads: rows of SQL views as plain values.
//!
//! Texts are numbers from here on: see [`Names`]. Calls and pods are put into an order of their own, because that
//! of a view's rows is another one each time, and what sums and ties come to must not be.

use arrow::array::{RecordBatch, StringArray};
use datafusion::common::{HashMap, HashSet};

use super::names::{Names, number, places};
use super::presence;
use super::read;
use crate::error::Result;
use crate::sdk::Binding;

/// Shortest name that tells something where it is part of a resource's name.
const SHORTEST_NAME: usize = 4;

/// Number of the empty text in [`Inputs::texts`]: a column's value that is missing.
pub(super) const NOTHING: u32 = 0;

/// Where the id of an activity is, in [`Inputs::ids`]: array and row. Ids are all different, and only passed on.
pub(super) type Id = (u32, u32);

/// What a call is, apart from where and when it was made; nodes make the same ones over and over. Texts by
/// their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) cluster: u32,
    pub(super) program: u32,
    pub(super) event_source: u32,
    pub(super) event_name: u32,
    /// Bucket, table or the like that it is about.
    pub(super) resource: Option<u32>,
    pub(super) component: Option<u32>,
    /// Service that made it on behalf of the session.
    pub(super) invoked_by: Option<u32>,
    pub(super) source_ip: Option<u32>,
    pub(super) vpc_endpoint: bool,
    /// Its SDK is too old for web identity tokens, for Pod Identity.
    pub(super) too_old: [bool; 2],
}

impl Kind {
    /// True where its SDK cannot use a binding.
    pub(super) fn is_too_old_for(&self, binding: Binding) -> bool {
        match binding {
            Binding::Irsa => self.too_old[0],
            Binding::PodIdentity => self.too_old[1],
        }
    }
}

/// Calls of one activity, that some pod made with its node's role. Times in microseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) id: Id,
    pub(super) kind: u32,
    pub(super) node: u32,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// A pod on a node.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) node: u32,
    /// Place in [`Inputs::workloads`].
    pub(super) workload: u32,
    /// Place among the service accounts.
    pub(super) account: u32,
    pub(super) service_account: u32,
    pub(super) name: Box<str>,
    pub(super) uid: Box<str>,
    pub(super) ip: Option<u32>,
    pub(super) host_network: bool,
    /// How it gets credentials of its own, where they should work.
    pub(super) binding: Option<Binding>,
    /// Place in [`Inputs::software`].
    pub(super) software: u32,
    /// Components that its name, images or labels hold, of those that calls name.
    pub(super) runs: Box<[u32]>,
    pub(super) from: i64,
    pub(super) certain_to: i64,
    pub(super) to: i64,
    pub(super) observed_at: i64,
}

/// A controller and its pods.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) cluster: u32,
    pub(super) namespace: u32,
    /// Kind and name.
    pub(super) name: u32,
    /// Cluster, namespace, kind and name.
    pub(super) key: u32,
    /// The same without the cluster.
    pub(super) title: u32,
    pub(super) pods: Vec<u32>,
    /// Cells in which a pod of it was seen, on any node while the trail shows calls.
    pub(super) seen: f64,
    /// Cells in which one can have been without being seen, for [fleeting](presence) workloads.
    pub(super) unseen: f64,
    /// Most chance that one was in one of the latter.
    pub(super) most_unseen: f64,
    /// Chance that a pod of a fleeting workload is on a given node at a given time.
    pub(super) presence: f64,
}

/// What some images are known to do.
#[derive(Debug, Default)]
pub(super) struct Software {
    /// It calls AWS with another user agent, or not at all.
    pub(super) calls_otherwise: bool,
    /// Services that it is known to call.
    pub(super) services: Vec<u32>,
}

/// What is known of a node.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) pods: Vec<u32>,
    pub(super) private_ip: Option<u32>,
    /// Its metadata service never answered beyond one hop.
    pub(super) one_hop: bool,
    /// Its eks-pod-identity-agent was seen.
    pub(super) has_agent: bool,
}

/// The pod whose address a call with a workload's own credentials shows. Texts by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Holder {
    pub(super) pod: u32,
    pub(super) uid: u32,
    pub(super) node: Option<u32>,
    pub(super) address: u32,
}

/// All that the search reads.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) texts: Names,
    /// Names of [`Inputs::nodes`].
    pub(super) node_names: Names,
    /// Ids of activities, as they were read.
    pub(super) ids: Vec<StringArray>,
    pub(super) addressed: Vec<(Id, Holder)>,
    pub(super) kinds: Vec<Kind>,
    /// By node and time.
    pub(super) calls: Vec<Call>,
    /// By the time they began.
    pub(super) pods: Vec<Pod>,
    pub(super) workloads: Vec<Workload>,
    pub(super) nodes: Vec<Node>,
    pub(super) software: Vec<Software>,
    /// Programs that service accounts run with credentials of their own.
    pub(super) named_programs: HashSet<(u32, u32)>,
    /// A pod of each fleeting workload of a cluster.
    pub(super) fleeting: HashMap<u32, Vec<u32>>,
    /// First and last call of the trail.
    pub(super) begin: i64,
    pub(super) end: i64,
}

impl Inputs {
    /// Reads the rows of the views [`read::VIEWS`], and lets go of them.
    pub(super) fn read(views: Vec<Vec<RecordBatch>>) -> Result<Self> {
        let mut inputs = read::read(views)?;
        inputs.sort_kinds();
        inputs.sort_calls();
        for (at, pod) in inputs.pods.iter().enumerate() {
            let at = number(at);
            inputs.nodes[pod.node as usize].pods.push(at);
            inputs.workloads[pod.workload as usize].pods.push(at);
        }
        presence::end_where_addresses_pass_on(&mut inputs);
        presence::find_fleeting(&mut inputs);
        Ok(inputs)
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// As [`text`](Self::text), of what may be missing.
    pub(super) fn known(&self, number: u32) -> Option<&str> {
        (number != NOTHING).then(|| self.text(number))
    }

    /// The id of an activity.
    pub(super) fn id(&self, (array, row): Id) -> &str {
        self.ids[array as usize].value(row as usize)
    }

    /// The kind of a call.
    pub(super) fn kind(&self, call: &Call) -> &Kind {
        &self.kinds[call.kind as usize]
    }

    /// The workload of a pod.
    pub(super) fn workload(&self, pod: &Pod) -> &Workload {
        &self.workloads[pod.workload as usize]
    }

    /// True where a resource's name holds that of a pod's workload or of its service account.
    pub(super) fn is_named_in(&self, pod: &Pod, resource: u32) -> bool {
        let resource = self.text(resource);
        let workload = self.text(self.workload(pod).name);
        let name = workload.rsplit('/').next().unwrap_or_default();
        [name, self.text(pod.service_account)]
            .into_iter()
            .any(|name| name.len() >= SHORTEST_NAME && name != "default" && resource.contains(name))
    }

    /// Puts the kinds into the order of their texts: those of one program are neighbours, and in it those of
    /// one action.
    fn sort_kinds(&mut self) {
        let text = |number: u32| self.texts.get(number);
        let key = |at: usize| {
            let kind = &self.kinds[at];
            (
                (text(kind.cluster), text(kind.program)),
                (text(kind.event_source), text(kind.event_name)),
                kind.resource.map(text),
                kind.component.map(text),
                kind.invoked_by.map(text),
                kind.source_ip.map(text),
                kind.vpc_endpoint,
                kind.too_old,
            )
        };
        let mut order: Vec<usize> = (0..self.kinds.len()).collect();
        order.sort_unstable_by(|&left, &right| key(left).cmp(&key(right)));
        let places = places(&order);
        self.kinds = order.iter().map(|&at| self.kinds[at]).collect();
        for call in &mut self.calls {
            call.kind = places[call.kind as usize];
        }
    }

    /// Puts the calls into the order of nodes and time.
    fn sort_calls(&mut self) {
        let ranks = self.node_names.ranks();
        let mut calls = std::mem::take(&mut self.calls);
        let key = |call: &Call| (ranks[call.node as usize], call.first, call.last);
        calls.sort_unstable_by(|left, right| {
            key(left)
                .cmp(&key(right))
                .then_with(|| self.id(left.id).cmp(self.id(right.id)))
                .then(left.kind.cmp(&right.kind))
        });
        self.calls = calls;
    }
}
