//! Whose a call is that a service made on behalf of a session: the direct call to the service at the same moment.

use datafusion::common::HashMap;

use super::input::{Call, Inputs};
use super::names::number;
use super::scenes::{Scenes, Suspect};

/// Microseconds between a call to a service and what the service calls for it: both times are of whole seconds.
const FORWARDED_WITHIN: i64 = 1_000_000;

/// Direct calls of a node's sessions to one service, in the order of time.
#[derive(Default)]
struct Direct {
    calls: Vec<u32>,
    /// Microseconds of the longest.
    longest: i64,
}

/// Direct calls of the sessions of one node, by service.
pub(super) struct Served<'a> {
    inputs: &'a Inputs,
    direct: HashMap<u32, Direct>,
}

impl<'a> Served<'a> {
    /// The direct calls among those of one node, which are in the order of time and begin at `first`.
    pub(super) fn index(inputs: &'a Inputs, scenes: &Scenes, first: usize, calls: &[Call]) -> Self {
        let mut found: HashMap<u32, Direct> = HashMap::new();
        for (at, call) in (first..).zip(calls) {
            let kind = inputs.kind(call);
            let scene = &scenes.all[scenes.of_call[at] as usize];
            if kind.invoked_by.is_none() && !scene.suspects.is_empty() {
                let direct = found.entry(kind.event_source).or_default();
                direct.calls.push(number(at));
                direct.longest = direct.longest.max(call.last.saturating_sub(call.first));
            }
        }
        Self {
            inputs,
            direct: found,
        }
    }

    /// Scenes of the direct calls that a forwarded one serves; empty where it is no forwarded one, or serves none.
    pub(super) fn whose(&self, scenes: &Scenes, call: &Call) -> Vec<u32> {
        let service = self.inputs.kind(call).invoked_by;
        let Some(direct) = service.and_then(|service| self.direct.get(&service)) else {
            return Vec::new();
        };
        let direct_call = |at: u32| &self.inputs.calls[at as usize];
        let begin = call.first.saturating_sub(FORWARDED_WITHIN);
        let end = call.last.saturating_add(FORWARDED_WITHIN);
        // None that began before can have lasted until then.
        let earliest = begin.saturating_sub(direct.longest);
        let calls = &direct.calls;
        let from = calls.partition_point(|&at| direct_call(at).first < earliest);
        calls[from..]
            .iter()
            .take_while(|&&at| direct_call(at).first <= end)
            .filter(|&&at| direct_call(at).last >= begin)
            .map(|&at| scenes.of_call[at as usize])
            .collect()
    }
}

/// Who can have made calls of some scenes: each with its mean score, and the kind of the calls that it is suspected of.
#[allow(clippy::cast_precision_loss)] // a count of calls
pub(super) fn together(
    scenes: &Scenes,
    scores: &[f64],
    direct: &[u32],
) -> (Vec<Suspect>, Vec<f64>, Vec<u32>) {
    let mut suspects: Vec<Suspect> = Vec::new();
    let mut means: Vec<f64> = Vec::new();
    let mut kinds: Vec<u32> = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for &scene in direct {
        let scene = &scenes.all[scene as usize];
        let of_scene = scenes.suspects(scene).iter();
        for (suspect, score) in of_scene.zip(&scores[scene.suspects.clone()]) {
            let place = *places.entry(suspect.pod).or_insert_with(|| {
                suspects.push(Suspect {
                    // The address was that of the direct call.
                    addressed: false,
                    ..*suspect
                });
                means.push(0.0);
                kinds.push(scene.kind);
                means.len() - 1
            });
            means[place] += score / direct.len() as f64;
        }
    }
    (suspects, means, kinds)
}
