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
//!
//! Stores have millions of activities, and nodes make the same calls over and over. So texts are numbers once they
//! are read ([`input`]), calls that are alike in all but their time are looked at together ([`scenes`]), and so are
//! moments at which the same workloads were there ([`patterns`]).

mod columns;
mod explain;
mod forwarded;
mod input;
mod known;
mod layout;
mod names;
mod patterns;
mod presence;
mod read;
mod reasons;
mod rows;
mod scenes;
mod search;
mod tell;
mod weigh;

use arrow::array::RecordBatch;

use crate::error::Result;
use forwarded::Served;
use input::Inputs;
use known::{Known, Unseen};
use layout::Layout;
pub(crate) use read::VIEWS as INPUTS;
pub(crate) use reasons::told;
pub(crate) use rows::schema;
use rows::{Alike, Sheet};
use scenes::{Scenes, Suspect};

/// Length of a cell, in microseconds: that of an activity.
const CELL: i64 = podtrail_ingest::BUCKET_SECONDS * 1_000_000;

/// Times that all calls are looked at: what is clear of one workload tells of others.
const PASSES: usize = 4;

/// Tells of every fallback call who can have made it, and of calls with own credentials the pod by its
/// address: the rows of `activity_identities`, with dictionaries for texts. The same, whatever the number of threads.
pub(crate) fn identify(inputs: Vec<Vec<RecordBatch>>, threads: usize) -> Result<Vec<RecordBatch>> {
    let inputs = Inputs::read(inputs)?;
    let mut scenes = Scenes::of(&inputs);
    let layout = Layout::new(&inputs, &scenes);
    let mut scores = Vec::new();
    let mut known = Known::nothing(&inputs);
    let mut unseen = Unseen::none(&inputs);
    for pass in 1..=PASSES {
        explain::score(&inputs, &scenes, &layout, &known, threads, &mut scores);
        let believed = unseen.believe(&inputs, &mut scenes, &mut scores);
        // What the last scores rest on is what is told with them.
        if pass == PASSES {
            break;
        }
        let learnt = Known::learn(&inputs, &scenes, &scores, unseen.cells.clone());
        if !believed && learnt == known {
            break;
        }
        known = learnt;
    }
    write(&inputs, &scenes, &scores, &known)
}

/// Writes what the scores come to; `known` is what they were made with.
fn write(
    inputs: &Inputs,
    scenes: &Scenes,
    scores: &[f64],
    known: &Known,
) -> Result<Vec<RecordBatch>> {
    let mut sheet = Sheet::new(inputs);
    let says = |suspect: &Suspect, kind: u32| {
        let workload = inputs.pods[suspect.pod as usize].workload;
        let says = known.says(inputs, workload, kind);
        says.map(|(_, reason)| reason)
    };
    for (id, holder) in &inputs.addressed {
        sheet.add(*id, Alike::Holder(*holder), || {
            tell::tell_holder(inputs, holder)
        })?;
    }
    let mut first = 0;
    for calls in inputs.calls.chunk_by(|one, other| one.node == other.node) {
        let served = Served::index(inputs, scenes, first, calls);
        for (at, call) in (first..).zip(calls) {
            let number = scenes.of_call[at];
            let scene = &scenes.all[number as usize];
            let direct = served.whose(scenes, call);
            if let Some(&first) = direct.first() {
                let kind = scenes.all[first as usize].kind;
                let kind = &inputs.kinds[kind as usize];
                let (service, name) =
                    (inputs.text(kind.event_source), inputs.text(kind.event_name));
                let alike = Alike::Forwarded(number, direct.clone());
                sheet.add(call.id, alike, || {
                    let (suspects, scores, kinds) = forwarded::together(scenes, scores, &direct);
                    let says = |at: usize| says(&suspects[at], kinds[at]);
                    tell::Told {
                        fact: "forwarded_for",
                        detail: format!(
                            "{service} called this for a call to it at that moment: {name}"
                        ),
                        ..tell::tell(inputs, scene, &suspects, &scores, says)
                    }
                })?;
            } else if !scene.suspects.is_empty() {
                sheet.add(call.id, Alike::Scene(number), || {
                    let suspects = scenes.suspects(scene);
                    let scores = &scores[scene.suspects.clone()];
                    let says = |at: usize| says(&suspects[at], scene.kind);
                    tell::tell(inputs, scene, suspects, scores, says)
                })?;
            }
        }
        first += calls.len();
    }
    sheet.finish()
}

#[cfg(test)]
mod tests;
