//! Which pod made a call with its node's role: the table `activity_identities`.
//!
//! A call on node N at time T can have been made by any pod on N at T. What tells them apart, in this order:
//!
//! 1. **The address.** A private source address that was a pod's at T names the pod (VPC endpoints show it).
//!    The node's own address through an interface endpoint is a pod on the host network.
//! 2. **What cannot be.** Pods with another address; pods whose injected credentials work.
//! 3. **Where and when.** The calls of one program are taken together: which workloads explain them best,
//!    being there when they happened, and not being there when nothing did. See [`explain`].
//!
//! What a service calls on behalf of a session is that of whose call it serves: the direct call to the service at
//! the same moment.
//!
//! Pods of CronJobs can come and go between two looks at the inventory. Where one is not seen, it may have
//! been there all the same, as often as it is seen elsewhere.
//!
//! One workload left gives `inferred`, several give `candidate` with a score each.

mod explain;
mod forwarded;
mod input;
mod tell;

use std::collections::HashSet;

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::sdk::{self, Binding};
use explain::Known;
use forwarded::Served;
pub(crate) use input::VIEWS as INPUTS;
use input::{Call, Inputs, Pod};
pub(crate) use tell::schema;
use tell::{Told, rows, tell};

/// Times that all calls are looked at: what is clear of one workload tells of others.
const PASSES: usize = 4;

/// Weight of a pod before its presence is looked at, by what is known of it. 1 is a pod without credentials
/// of its own.
mod weight {
    /// Its injected credentials work, as far as the trail shows.
    pub(super) const COVERED: f64 = 0.005;
    /// The node's metadata service does not answer pods (hop limit 1).
    pub(super) const OUT_OF_REACH: f64 = 0.02;
    /// It runs software that is known to call AWS with another user agent, or not at all.
    pub(super) const OTHER_SOFTWARE: f64 = 0.002;
    /// Not the program that the user agent names.
    pub(super) const OTHER_COMPONENT: f64 = 0.003;
    /// Its service account made calls with the same program elsewhere.
    pub(super) const SAME_PROGRAM: f64 = 5.0;
    /// Its software is known to call the service.
    pub(super) const KNOWN_SERVICE: f64 = 10.0;
    /// The call is about a resource that has its name.
    pub(super) const NAMED_RESOURCE: f64 = 10.0;
}

/// Chance that a pod was there between the last look that showed it and the first that did not.
const MAYBE_GONE: f64 = 0.5;

/// Services that have gateway endpoints: the node's address stands for any of its pods there, because the
/// VPC CNI translates what leaves the VPC's address ranges. Source: VPC user guide, "Gateway endpoints";
/// EKS user guide, "Enable outbound internet access for Pods".
const GATEWAY_SERVICES: [&str; 2] = ["s3.amazonaws.com", "dynamodb.amazonaws.com"];

/// Tells of every fallback call who can have made it, and of calls with own credentials the pod by its
/// address.
pub(crate) fn identify(inputs: &[Vec<RecordBatch>]) -> Result<RecordBatch> {
    let inputs = Inputs::read(inputs)?;
    let mut told: Vec<Told> = inputs
        .addressed
        .iter()
        .map(|row| Told {
            activity_id: row.activity_id.clone(),
            pod: Some(row.pod.clone()),
            pod_uid: Some(row.pod_uid.clone()),
            node: row.node.clone(),
            confidence: "exact",
            score: 1.0,
            fact: "pod_address",
            detail: format!(
                "{} was the address of pod {}",
                row.source_ip_address, row.pod
            ),
            ..Told::default()
        })
        .collect();
    let mut suspects: Vec<Vec<Suspect>> = inputs
        .calls
        .iter()
        .map(|call| suspects(call, &inputs))
        .collect();
    let mut scores = Vec::new();
    let mut known = Known::default();
    for _ in 0..PASSES {
        scores = explain::scores(&inputs, &suspects, &known);
        let believed = believe_unseen(&inputs, &mut suspects, &scores);
        let learnt = Known::learn(&inputs, &suspects, &scores);
        if !believed && learnt == known {
            break;
        }
        known = learnt;
    }
    let served = Served::index(&inputs.calls);
    for (at, call) in inputs.calls.iter().enumerate() {
        let all = (suspects.as_slice(), scores.as_slice());
        if let Some((direct, suspects, scores)) = served.whose(&inputs.calls, call, all) {
            told.push(Told {
                fact: "forwarded_for",
                detail: format!(
                    "{} called this for a call to it at that moment: {}",
                    direct.event_source, direct.event_name
                ),
                ..tell(&inputs, call, &suspects, &scores)
            });
        } else if !suspects[at].is_empty() {
            told.push(tell(&inputs, call, &suspects[at], &scores[at]));
        }
    }
    rows(&told)
}

/// Where a call is clearly that of a pod that nobody saw, the pod was there for the other calls of its time as
/// well. True where that is news.
fn believe_unseen(inputs: &Inputs, suspects: &mut [Vec<Suspect>], scores: &[Vec<f64>]) -> bool {
    let mut there: HashSet<((&str, i64), usize)> = HashSet::new();
    for (call, (suspects, scores)) in inputs.calls.iter().zip(suspects.iter().zip(scores)) {
        for (suspect, score) in suspects.iter().zip(scores) {
            if suspect.unseen && *score >= explain::CLEAR {
                there.insert((call.cell(), suspect.pod));
            }
        }
    }
    let mut news = false;
    for (call, suspects) in inputs.calls.iter().zip(suspects) {
        for suspect in suspects.iter_mut().filter(|suspect| suspect.unseen) {
            if there.contains(&(call.cell(), suspect.pod)) {
                news |= suspect.presence < 1.0;
                suspect.presence = 1.0;
            }
        }
    }
    news
}

/// A pod that can have made a call.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    /// Place in [`Inputs::pods`].
    pod: usize,
    /// How likely it is before its presence elsewhere is looked at.
    weight: f64,
    /// Chance that it was there.
    presence: f64,
    /// It stands for a pod that no look at the inventory showed.
    unseen: bool,
    /// Its address is the call's.
    addressed: bool,
    /// It was certainly there.
    certain: bool,
}

/// Pods that can have been on the node of a call. Several pods may have made an activity's calls; its first
/// call decides.
fn there(call: &Call, inputs: &Inputs) -> Vec<usize> {
    inputs
        .pods_of
        .get(&call.node)
        .into_iter()
        .flatten()
        .copied()
        .filter(|&pod| inputs.pods[pod].may_be_there(call.first))
        .collect()
}

/// True where a call came from the address of its node.
fn is_from_node_address(call: &Call, there: &[usize], inputs: &Inputs) -> bool {
    let instance = inputs.instances.get(&call.node);
    call.source_ip.is_some()
        && (instance.is_some_and(|instance| instance.private_ip == call.source_ip)
            || there
                .iter()
                .map(|&pod| &inputs.pods[pod])
                .any(|pod| pod.host_network && pod.ip == call.source_ip))
}

fn suspects(call: &Call, inputs: &Inputs) -> Vec<Suspect> {
    if !inputs.pods_of.contains_key(&call.node) {
        return Vec::new();
    }
    let there = there(call, inputs);
    let instance = inputs.instances.get(&call.node);
    let node_address = is_from_node_address(call, &there, inputs);
    let private = call.source_ip.as_deref().is_some_and(is_private);
    let shows_pods = private && !node_address;
    let through_interface =
        call.vpc_endpoint && !GATEWAY_SERVICES.contains(&call.event_source.as_str());
    let mut found = Vec::with_capacity(there.len());
    for at in there {
        let pod = &inputs.pods[at];
        let own_address = !pod.host_network && pod.ip.is_some() && pod.ip == call.source_ip;
        if shows_pods && !own_address && (pod.host_network || pod.ip.is_some()) {
            continue;
        }
        if node_address && through_interface && !pod.host_network {
            continue;
        }
        let certain = pod.is_certainly_there(call.first, call.last);
        found.push(Suspect {
            pod: at,
            weight: weigh(call, pod, instance, inputs),
            presence: if certain { 1.0 } else { MAYBE_GONE },
            unseen: false,
            addressed: own_address && shows_pods,
            certain,
        });
    }
    let named = found.iter().any(|suspect| suspect.addressed);
    for fleeting in inputs.fleeting_of(&call.cluster) {
        let pod = &inputs.pods[fleeting.pod];
        let seen = found
            .iter()
            .any(|suspect| inputs.pods[suspect.pod].workload_key == pod.workload_key);
        if named || seen || (node_address && through_interface && !pod.host_network) {
            continue;
        }
        found.push(Suspect {
            pod: fleeting.pod,
            weight: weigh(call, pod, instance, inputs),
            presence: fleeting.presence,
            unseen: true,
            addressed: false,
            certain: false,
        });
    }
    found
}

fn weigh(call: &Call, pod: &Pod, instance: Option<&input::Instance>, inputs: &Inputs) -> f64 {
    let mut weight = 1.0;
    if let Some(component) = &call.component {
        if !pod.runs(component) {
            weight *= weight::OTHER_COMPONENT;
        }
    } else if pod.other_software {
        weight *= weight::OTHER_SOFTWARE;
    }
    if !pod.host_network && instance.is_some_and(|instance| instance.most_hops == Some(1)) {
        weight *= weight::OUT_OF_REACH;
    }
    if is_covered(call, pod, inputs) {
        weight *= weight::COVERED;
    }
    if let Some(resource) = &call.resource
        && pod.is_named_in(resource)
    {
        weight *= weight::NAMED_RESOURCE;
    }
    if pod.services.contains(&call.event_source) {
        weight *= weight::KNOWN_SERVICE;
    }
    let programs = inputs.named_programs.get(&pod.account);
    if programs.is_some_and(|programs| programs.contains(&call.program)) {
        weight *= weight::SAME_PROGRAM;
    }
    weight
}

/// True for a pod whose injected credentials should have been used instead.
fn is_covered(call: &Call, pod: &Pod, inputs: &Inputs) -> bool {
    let binding = match pod.injected.as_deref() {
        Some("irsa") => Binding::Irsa,
        Some("pod_identity") => Binding::PodIdentity,
        _ => return false,
    };
    if pod.skips_containers || inputs.denied.contains(&pod.account) {
        return false;
    }
    if sdk::too_old(&call.user_agent, binding).is_some() {
        return false;
    }
    binding != Binding::PodIdentity || inputs.agents.contains(&call.node)
}

/// True for an address of a private network (RFC 1918, RFC 6598, RFC 4193).
fn is_private(address: &str) -> bool {
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            address.is_private() || (first == 100 && (64..128).contains(&second))
        }
        Ok(std::net::IpAddr::V6(address)) => address.octets()[0] & 0xfe == 0xfc,
        Err(_) => false,
    }
}

/// A service account of a cluster.
type Account = (String, String, String);

/// Set of service accounts.
type Accounts = HashSet<Account>;

#[cfg(test)]
mod tests;
