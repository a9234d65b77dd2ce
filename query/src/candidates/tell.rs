//! What the scores of a scene's suspects come to.

use std::collections::BTreeSet;

use datafusion::common::HashMap;
use serde::Serialize;

use super::input::{Holder, Inputs, Pod};
use super::reasons::Reason;
use super::scenes::{Scene, Suspect};

/// Score below which a candidate is not put into the columns that name a workload; it stays in the list.
const NAMED_SCORE: f64 = 0.6;

/// Score from which a single workload counts as the only one that fits.
const SOLE_SCORE: f64 = 0.99;

/// Candidates listed per activity.
const LISTED: usize = 5;

/// What is told of activities.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) service_account: Option<&'a str>,
    pub(super) workload: Option<&'a str>,
    pub(super) pod: Option<&'a str>,
    pub(super) pod_uid: Option<&'a str>,
    pub(super) node: Option<&'a str>,
    pub(super) confidence: &'static str,
    pub(super) score: f64,
    pub(super) fact: &'static str,
    pub(super) detail: String,
    pub(super) candidates: Option<String>,
}

/// One of the list of candidates. Members are in the order of their names, as in all our JSON.
#[derive(Serialize)]
struct Candidate<'a> {
    namespace: Option<&'a str>,
    pods: BTreeSet<&'a str>,
    /// Those of its likeliest pod.
    reasons: Vec<Reason>,
    score: f64,
    service_account: Option<&'a str>,
    workload: Option<&'a str>,
}

/// Names the pod whose address calls with a workload's own credentials show.
pub(super) fn tell_holder<'a>(inputs: &'a Inputs, holder: &Holder) -> Told<'a> {
    let pod = inputs.text(holder.pod);
    Told {
        pod: Some(pod),
        pod_uid: Some(inputs.text(holder.uid)),
        node: holder.node.map(|node| inputs.text(node)),
        confidence: "exact",
        score: 1.0,
        fact: "pod_address",
        detail: format!(
            "{} was the address of pod {pod}",
            inputs.text(holder.address)
        ),
        ..Told::default()
    }
}

/// Sums scores up by workload, and picks. `says` gives what was known of the workload of a suspect, by its place, when it was
/// scored.
pub(super) fn tell<'a>(
    inputs: &'a Inputs,
    scene: &Scene,
    suspects: &[Suspect],
    scores: &[f64],
    says: impl Fn(usize) -> Option<Reason>,
) -> Told<'a> {
    let (ranked, accounts) = ranked(inputs, suspects, scores);
    let candidates: Vec<Candidate<'_>> = ranked
        .iter()
        .take(LISTED)
        .map(|&(workload, score)| candidate(inputs, (workload, score), suspects, scores, &says))
        .collect();
    let mut told = Told {
        // Texts and numbers can be written.
        candidates: Some(serde_json::to_string(&candidates).unwrap_or_default()),
        ..Told::default()
    };
    let (Some(&((namespace, service_account), account_score)), Some(&(workload, score))) =
        (accounts.first(), ranked.first())
    else {
        return told;
    };
    // What rests on the order of additions is no difference.
    told.score = (account_score * 1e6).round() / 1e6;
    if account_score >= NAMED_SCORE {
        told.namespace = Some(inputs.text(namespace));
        told.service_account = inputs.known(service_account);
    }
    if score >= NAMED_SCORE {
        told.workload = Some(inputs.text(inputs.workloads[workload as usize].name));
        let mut of_workload = suspects
            .iter()
            .map(|suspect| (suspect, pod(inputs, *suspect)))
            .filter(|(_, pod)| pod.workload == workload);
        if let (Some((suspect, pod)), None) = (of_workload.next(), of_workload.next())
            && !suspect.unseen
        {
            told.pod = Some(&pod.name);
            told.pod_uid = Some(&pod.uid);
        }
    }
    let likely = || {
        let named = ranked.iter().zip(&candidates);
        let named = named.map(|(&(workload, score), candidate)| {
            let key = inputs.text(inputs.workloads[workload as usize].key);
            format!("{key} {score:.2} ({})", candidate.reasons_by_name())
        });
        named.collect::<Vec<_>>().join(", ")
    };
    explain(inputs, scene, suspects, likely, &mut told);
    told
}

fn pod(inputs: &Inputs, suspect: Suspect) -> &Pod {
    &inputs.pods[suspect.pod as usize]
}

/// Workloads by their scores, the best first.
type Ranked = Vec<(u32, f64)>;

/// Service accounts by their scores, the best first: namespace and name.
type Accounts = Vec<((u32, u32), f64)>;

/// Sums scores up by workload and by service account; the best is first, and of equals the first by name.
fn ranked(inputs: &Inputs, suspects: &[Suspect], scores: &[f64]) -> (Ranked, Accounts) {
    let mut by_workload: HashMap<u32, f64> = HashMap::new();
    let mut by_account: HashMap<(u32, u32), f64> = HashMap::new();
    for (suspect, score) in suspects.iter().zip(scores) {
        let pod = pod(inputs, *suspect);
        *by_workload.entry(pod.workload).or_default() += score;
        let account = (inputs.workload(pod).namespace, pod.service_account);
        *by_account.entry(account).or_default() += score;
    }
    let key = |workload: u32| inputs.text(inputs.workloads[workload as usize].key);
    let mut ranked: Ranked = by_workload.into_iter().collect();
    ranked.sort_unstable_by(|left, right| {
        let order = rank(right.1).cmp(&rank(left.1));
        order.then_with(|| key(left.0).cmp(key(right.0)))
    });
    let names = |(namespace, name)| (inputs.text(namespace), inputs.text(name));
    let mut accounts: Accounts = by_account.into_iter().collect();
    accounts.sort_unstable_by(|left, right| {
        let order = rank(right.1).cmp(&rank(left.1));
        order.then_with(|| names(left.0).cmp(&names(right.0)))
    });
    (ranked, accounts)
}

/// A score as it is compared: of equals, what rests on the order of additions is no difference. Numbers that are
/// not negative have the order of their bits; those too small to have all their digits are left as they are.
fn rank(score: f64) -> u64 {
    /// Last binary digits of a number, of 52, in which sums of equals differ.
    const NOISE: u64 = 0xfff;
    let bits = score.to_bits();
    if score < f64::MIN_POSITIVE {
        return bits;
    }
    bits.saturating_add(NOISE / 2 + 1) & !NOISE
}

/// Says how sure it is, and why.
fn explain(
    inputs: &Inputs,
    scene: &Scene,
    suspects: &[Suspect],
    likely: impl FnOnce() -> String,
    told: &mut Told<'_>,
) {
    let kind = &inputs.kinds[scene.kind as usize];
    let address = kind.source_ip.map_or("", |address| inputs.text(address));
    let plural = if scene.pods == 1 { "" } else { "s" };
    let from = if scene.from_node_address {
        format!(", the call came from the node's address {address}")
    } else {
        String::new()
    };
    let on_node = format!("{} pod{plural} on the node at that time{from}", scene.pods);
    let mut addressed = suspects.iter().filter(|suspect| suspect.addressed);
    if let (Some(only), None) = (addressed.next(), addressed.next()) {
        let sure = only.is_certain() && suspects.len() == 1;
        told.confidence = if sure { "exact" } else { "inferred" };
        told.score = if sure { 1.0 } else { told.score };
        told.fact = "pod_address";
        let name = &pod(inputs, *only).name;
        told.detail = format!("{address} was the address of pod {name}");
    } else if suspects.len() == 1 || told.score >= SOLE_SCORE {
        told.confidence = "inferred";
        told.fact = "only_candidate";
        told.detail = format!("{on_node}; only this workload fits");
    } else {
        told.confidence = "candidate";
        told.fact = "candidates";
        told.detail = format!("{on_node}; most likely {}", likely());
    }
}

/// A workload with its score, as a candidate.
fn candidate<'a>(
    inputs: &'a Inputs,
    (at, score): (u32, f64),
    suspects: &[Suspect],
    scores: &[f64],
    says: impl Fn(usize) -> Option<Reason>,
) -> Candidate<'a> {
    let is_its = |place: &usize| pod(inputs, suspects[*place]).workload == at;
    let its: Vec<usize> = (0..suspects.len()).filter(is_its).collect();
    // Of equals, the first.
    let likeliest = its.iter().copied().reduce(|best, next| {
        if rank(scores[next]) > rank(scores[best]) {
            next
        } else {
            best
        }
    });
    let reasons = likeliest.into_iter().flat_map(|likeliest| {
        let reasons = suspects[likeliest].reasons();
        reasons.chain(says(likeliest))
    });
    let first = its.first().map(|&first| pod(inputs, suspects[first]));
    let workload = &inputs.workloads[at as usize];
    Candidate {
        namespace: first.map(|_| inputs.text(workload.namespace)),
        pods: its
            .iter()
            .map(|&place| &*pod(inputs, suspects[place]).name)
            .collect(),
        reasons: reasons.collect(),
        score: (score * 1_000.0).round() / 1_000.0,
        service_account: first.and_then(|pod| inputs.known(pod.service_account)),
        workload: first.map(|_| inputs.text(workload.name)),
    }
}

impl Candidate<'_> {
    /// What its reasons are called.
    fn reasons_by_name(&self) -> String {
        let names: Vec<&str> = self.reasons.iter().map(|reason| reason.name).collect();
        names.join(", ")
    }
}
