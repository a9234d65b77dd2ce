//! What the scores of a call's suspects come to: the rows of `activity_identities`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Value, json};

use super::input::{Call, Inputs, Pod};
use super::{Suspect, is_from_node_address, there};
use crate::error::Result;

/// Score below which a candidate is not put into the columns that name a workload; it stays in the list.
const NAMED_SCORE: f64 = 0.6;

/// Score from which a single workload counts as the only one that fits.
const SOLE_SCORE: f64 = 0.99;

/// Candidates listed per activity.
const LISTED: usize = 5;

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
pub(super) struct Told {
    pub(super) activity_id: String,
    pub(super) namespace: Option<String>,
    pub(super) service_account: Option<String>,
    pub(super) workload: Option<String>,
    pub(super) pod: Option<String>,
    pub(super) pod_uid: Option<String>,
    pub(super) node: Option<String>,
    pub(super) confidence: &'static str,
    pub(super) score: f64,
    pub(super) fact: &'static str,
    pub(super) detail: String,
    pub(super) candidates: Option<String>,
}

/// Sums scores up by workload, and picks.
pub(super) fn tell(inputs: &Inputs, call: &Call, suspects: &[Suspect], scores: &[f64]) -> Told {
    let mut by_workload: HashMap<&str, f64> = HashMap::new();
    let mut by_account: HashMap<(&str, &str), f64> = HashMap::new();
    for (suspect, score) in suspects.iter().zip(scores) {
        let pod = &inputs.pods[suspect.pod];
        *by_workload.entry(&pod.workload_key).or_default() += score;
        *by_account
            .entry((&pod.namespace, pod.service_account()))
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
    // What rests on the order of additions is no difference.
    told.score = (account_score * 1e6).round() / 1e6;
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
    let there = there(call, inputs);
    let plural = if there.len() == 1 { "" } else { "s" };
    let from = if is_from_node_address(call, &there, inputs) {
        format!(", the call came from the node's address {address}")
    } else {
        String::new()
    };
    let on_node = format!("{} pod{plural} on the node at that time{from}", there.len());
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
        let detail = format!("{on_node}; only this workload fits");
        ("inferred", "only_candidate", detail)
    } else {
        let named: Vec<String> = ranked
            .iter()
            .take(LISTED)
            .map(|(workload, score)| format!("{workload} {score:.2}"))
            .collect();
        let detail = format!("{on_node}; most likely {}", named.join(", "));
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
            let names: BTreeSet<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
            json!({
                "namespace": first.map(|pod| &pod.namespace),
                "service_account": first.map(|pod| pod.service_account()),
                "workload": first.map(|pod| &pod.workload),
                "pods": names,
                "score": (score * 1_000.0).round() / 1_000.0,
            })
        })
        .collect();
    Value::Array(rows).to_string()
}

pub(super) fn rows(told: &[Told]) -> Result<RecordBatch> {
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
