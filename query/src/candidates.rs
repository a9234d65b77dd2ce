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
//! Pods of CronJobs can come and go between two looks at the inventory. Where one is not seen, it may have
//! been there all the same, as often as it is seen elsewhere.
//!
//! One workload left gives `inferred`, several give `candidate` with a score each.

mod explain;
mod input;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Value, json};

use crate::error::Result;
use crate::sdk::{self, Binding};
use explain::Known;
pub(crate) use input::VIEWS as INPUTS;
use input::{Call, Inputs, Pod};

/// Score below which a candidate is not put into the columns that name a workload; it stays in the list.
const NAMED_SCORE: f64 = 0.6;

/// Times that all calls are looked at: what is clear of one workload tells of others.
const PASSES: usize = 4;

/// Score from which a single workload counts as the only one that fits.
const SOLE_SCORE: f64 = 0.99;

/// Candidates listed per activity.
const LISTED: usize = 5;

/// Weight of a pod before its presence is looked at, by what is known of it. 1 is a pod without credentials
/// of its own.
mod weight {
    /// Its injected credentials work, as far as the trail shows.
    pub(super) const COVERED: f64 = 0.02;
    /// The node's metadata service does not answer pods (hop limit 1).
    pub(super) const OUT_OF_REACH: f64 = 0.02;
    /// It runs software that is known to call AWS with another user agent, or not at all.
    pub(super) const OTHER_SOFTWARE: f64 = 0.05;
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

/// The columns of `activity_identities`.
pub(crate) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("activity_id"),
        text("namespace"),
        text("service_account"),
        text("workload"),
        text("pod"),
        text("pod_uid"),
        text("node"),
        text("confidence"),
        Field::new("score", DataType::Float64, true),
        text("fact"),
        text("detail"),
        text("candidates"),
    ]))
}

/// What is told of one activity.
#[derive(Debug, Default)]
struct Told {
    activity_id: String,
    namespace: Option<String>,
    service_account: Option<String>,
    workload: Option<String>,
    pod: Option<String>,
    pod_uid: Option<String>,
    node: Option<String>,
    confidence: &'static str,
    score: f64,
    fact: &'static str,
    detail: String,
    candidates: Option<String>,
}

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
    for ((call, suspects), scores) in inputs.calls.iter().zip(&suspects).zip(&scores) {
        if !suspects.is_empty() {
            told.push(tell(&inputs, call, suspects, scores));
        }
    }
    rows(&told)
}

/// Where a call is clearly that of a pod that nobody saw, the pod was there for the other calls of its time as
/// well. True where that is news.
fn believe_unseen(inputs: &Inputs, suspects: &mut [Vec<Suspect>], scores: &[Vec<f64>]) -> bool {
    let cell = |at: usize| {
        let call = &inputs.calls[at];
        (call.node.as_str(), call.first.div_euclid(explain::CELL))
    };
    let mut there: HashSet<(&str, i64, usize)> = HashSet::new();
    for (at, (suspects, scores)) in suspects.iter().zip(scores).enumerate() {
        for (suspect, score) in suspects.iter().zip(scores) {
            if suspect.unseen && *score >= explain::CLEAR {
                let (node, time) = cell(at);
                there.insert((node, time, suspect.pod));
            }
        }
    }
    let mut news = false;
    for (at, suspects) in suspects.iter_mut().enumerate() {
        let (node, time) = cell(at);
        for suspect in suspects.iter_mut().filter(|suspect| suspect.unseen) {
            if there.contains(&(node, time, suspect.pod)) {
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

fn suspects(call: &Call, inputs: &Inputs) -> Vec<Suspect> {
    let Some(pods) = inputs.pods_of.get(&call.node) else {
        return Vec::new();
    };
    // Several pods may have made an activity's calls; its first call decides.
    let there: Vec<usize> = pods
        .iter()
        .copied()
        .filter(|&pod| inputs.pods[pod].may_be_there(call.first))
        .collect();
    let instance = inputs.instances.get(&call.node);
    let node_address = call.source_ip.is_some()
        && there
            .iter()
            .any(|&pod| inputs.pods[pod].host_network && inputs.pods[pod].ip == call.source_ip)
        || call.source_ip.is_some()
            && instance.is_some_and(|instance| instance.private_ip == call.source_ip);
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
    let program = (pod.account(), call.program.clone());
    if inputs.named_programs.contains(&program) {
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
    if pod.skips_containers || inputs.denied.contains(&pod.account()) {
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

/// Sums scores up by workload, and picks.
fn tell(inputs: &Inputs, call: &Call, suspects: &[Suspect], scores: &[f64]) -> Told {
    let mut by_workload: HashMap<&str, f64> = HashMap::new();
    let mut by_account: HashMap<(&str, &str), f64> = HashMap::new();
    for (suspect, score) in suspects.iter().zip(scores) {
        let pod = &inputs.pods[suspect.pod];
        *by_workload.entry(&pod.workload_key).or_default() += score;
        *by_account
            .entry((&pod.namespace, &pod.service_account))
            .or_default() += score;
    }
    let mut ranked: Vec<(&str, f64)> = by_workload.into_iter().collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(right.0)));
    let mut accounts: Vec<((&str, &str), f64)> = by_account.into_iter().collect();
    accounts.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    let pods_of = |workload: &str| -> Vec<&Pod> {
        suspects
            .iter()
            .map(|suspect| &inputs.pods[suspect.pod])
            .filter(|pod| pod.workload_key == workload)
            .collect()
    };
    let mut told = Told {
        activity_id: call.activity_id.clone(),
        candidates: Some(list(&ranked, &pods_of)),
        ..Told::default()
    };
    let (Some(&((namespace, service_account), account_score)), Some(&(workload, score))) =
        (accounts.first(), ranked.first())
    else {
        return told;
    };
    told.score = account_score;
    if account_score >= NAMED_SCORE {
        told.namespace = Some(namespace.to_owned());
        told.service_account = Some(service_account.to_owned());
    }
    if score >= NAMED_SCORE {
        let pods = pods_of(workload);
        told.workload = pods.first().map(|pod| pod.workload.clone());
        let unseen = suspects
            .iter()
            .any(|suspect| suspect.unseen && inputs.pods[suspect.pod].workload_key == workload);
        if let ([pod], false) = (pods.as_slice(), unseen) {
            told.pod = Some(pod.name.clone());
            told.pod_uid = Some(pod.uid.clone());
        }
    }
    let addressed: Vec<&Suspect> = suspects
        .iter()
        .filter(|suspect| suspect.addressed)
        .collect();
    let address = call.source_ip.as_deref().unwrap_or_default();
    (told.confidence, told.fact, told.detail) = if let [only] = addressed.as_slice() {
        let sure = only.certain && suspects.len() == 1;
        let detail = format!(
            "{address} was the address of pod {}",
            inputs.pods[only.pod].name
        );
        told.score = if sure { 1.0 } else { told.score };
        (
            if sure { "exact" } else { "inferred" },
            "pod_address",
            detail,
        )
    } else if suspects.len() == 1 || told.score >= SOLE_SCORE {
        let detail = format!(
            "of {} pods on the node at that time only this workload fits",
            suspects.len()
        );
        ("inferred", "only_candidate", detail)
    } else {
        let named: Vec<String> = ranked
            .iter()
            .take(LISTED)
            .map(|(workload, score)| format!("{workload} {score:.2}"))
            .collect();
        let detail = format!(
            "{} pods on the node at that time; most likely {}",
            suspects.len(),
            named.join(", ")
        );
        ("candidate", "candidates", detail)
    };
    told
}

/// Candidates as JSON, the most likely first.
fn list<'a>(ranked: &[(&str, f64)], pods_of: &impl Fn(&str) -> Vec<&'a Pod>) -> String {
    let rows: Vec<Value> = ranked
        .iter()
        .take(LISTED)
        .map(|(workload, score)| {
            let pods = pods_of(workload);
            let first = pods.first();
            let names: std::collections::BTreeSet<&str> =
                pods.iter().map(|pod| pod.name.as_str()).collect();
            json!({
                "namespace": first.map(|pod| &pod.namespace),
                "service_account": first.map(|pod| &pod.service_account),
                "workload": first.map(|pod| &pod.workload),
                "pods": names,
                "score": (score * 1_000.0).round() / 1_000.0,
            })
        })
        .collect();
    Value::Array(rows).to_string()
}

fn rows(told: &[Told]) -> Result<RecordBatch> {
    let text = |pick: for<'t> fn(&'t Told) -> Option<&'t str>| -> ArrayRef {
        Arc::new(told.iter().map(pick).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(|row| Some(&row.activity_id)),
        text(|row| row.namespace.as_deref()),
        text(|row| row.service_account.as_deref()),
        text(|row| row.workload.as_deref()),
        text(|row| row.pod.as_deref()),
        text(|row| row.pod_uid.as_deref()),
        text(|row| row.node.as_deref()),
        text(|row| Some(row.confidence)),
        Arc::new(
            told.iter()
                .map(|row| Some(row.score))
                .collect::<Float64Array>(),
        ),
        text(|row| Some(row.fact)),
        text(|row| Some(&row.detail)),
        text(|row| row.candidates.as_deref()),
    ];
    RecordBatch::try_new(schema(), columns)
        .map_err(|error| crate::error::Error::from_engine("identities", error.into()))
}

/// A service account of a cluster.
type Account = (String, String, String);

/// Set of service accounts.
type Accounts = HashSet<Account>;
