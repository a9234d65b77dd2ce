//! Which workloads explain the calls of one program.
//!
//! Time is cut into cells of five minutes on one node. A workload that runs the program makes calls in a cell
//! in which a pod of it is there with a chance of its own; several workloads that run it do so independently
//! (a noisy-or). A set of workloads is better the more cells with calls it covers, and the fewer cells it
//! covers where nothing happened. The [search](super::search) starts with the best single workload and adds another
//! only where that explains clearly more. For each place in the set, every other workload is then tried: those
//! that explain as well share the score, so that two workloads that are always there together get a half each.

use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::HashMap;

use super::input::Inputs;
use super::known::Known;
use super::layout::{Layout, Program};
use super::names::{Numbered, number};
use super::patterns::There;
use super::scenes::{Scene, Scenes};
use super::search::{Found, Search, Source};

/// Cells with calls from which an action is looked at apart from its program's others.
const ENOUGH_CELLS: usize = 4;

/// Share of a call's score that is given out where no workload of the set was there.
const UNEXPLAINED: f64 = 0.45;

/// Chance that explains a call; below it, no workload of the set was there.
const EXPLAINED: f64 = 1e-4;

/// Share of its program's calls that a workload is given for an action though it made no other.
const OTHER_ACTION: f64 = 0.02;

/// Bytes that the scores of helping threads may take together.
const HELPERS_BYTES: usize = 256 << 20;

/// No number.
const NONE: u32 = u32::MAX;

/// What scores are made of.
pub(super) struct Explain<'a> {
    inputs: &'a Inputs,
    scenes: &'a Scenes,
    known: &'a Known,
    /// Source of each workload, in the group that is looked at.
    source_of: Vec<u32>,
    /// Calls of each scene in it.
    calls_of: Vec<u32>,
    /// Who was there, by scene.
    presence_of: Vec<u32>,
}

/// Puts the score of each suspect of each scene into `scores`. Scores of a call add up to at most 1. Programs share no scene,
/// so that threads take one after the other, and the scores do not depend on who takes which.
pub(super) fn score(
    inputs: &Inputs,
    scenes: &Scenes,
    layout: &Layout,
    known: &Known,
    threads: usize,
    scores: &mut Vec<f64>,
) {
    let next = AtomicUsize::new(0);
    let work = |scores: &mut [f64]| {
        let mut explain = Explain::new(inputs, scenes, known);
        while let Some(program) = layout.programs.get(next.fetch_add(1, Ordering::Relaxed)) {
            explain.program(layout, program, scores);
        }
    };
    scores.clear();
    scores.resize(scenes.suspects.len(), 0.0);
    // Each helper has scores of its own.
    let bytes = size_of_val(scores.as_slice()).max(1);
    let helpers = threads.min(layout.programs.len()).saturating_sub(1);
    let helpers = helpers.min(HELPERS_BYTES / bytes);
    std::thread::scope(|scope| {
        let helper = |_| {
            let help = || {
                let mut scores = vec![0.0; scenes.suspects.len()];
                work(&mut scores);
                scores
            };
            // Where no thread can be had, those that are there do its work.
            std::thread::Builder::new().spawn_scoped(scope, help).ok()
        };
        let helpers: Vec<_> = (0..helpers).filter_map(helper).collect();
        work(scores);
        for helper in helpers {
            match helper.join() {
                // Of scenes that it did not look at, all are 0.
                Ok(others) => scores
                    .iter_mut()
                    .zip(others)
                    .for_each(|(score, other)| *score += other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
}

/// Shares of a program's calls, by workload.
type Shares = HashMap<u32, f64>;

/// The calls of one program, or of one action of it.
struct Group {
    /// Scenes of the calls, by their kinds.
    members: Vec<u32>,
    sources: Vec<Source>,
    /// Who was there, in all ways that occur: sources and how, each pair as one number.
    presences: Numbered<[u32]>,
    found: Found,
}

/// A source and how it was there.
fn unpacked(pair: u32) -> (usize, There) {
    ((pair >> 2) as usize, There::of(pair & 3))
}

impl<'a> Explain<'a> {
    fn new(inputs: &'a Inputs, scenes: &'a Scenes, known: &'a Known) -> Self {
        Self {
            inputs,
            scenes,
            known,
            source_of: vec![NONE; inputs.workloads.len()],
            calls_of: vec![0; scenes.all.len()],
            presence_of: vec![NONE; scenes.all.len()],
        }
    }

    /// Looks at the calls of a program, and then at those of each of its actions that has enough of them.
    fn program(&mut self, layout: &Layout, program: &Program, scores: &mut [f64]) {
        let calls = &layout.by_program[program.calls.clone()];
        let mut shares = HashMap::new();
        self.group(calls, None, |explain, group| {
            group.score(explain, scores);
            shares = group.shares(explain, scores, calls.len());
        });
        for action in &program.actions {
            let calls = &layout.by_action[action.clone()];
            let cell = |call: &u32| self.scenes.cells[*call as usize];
            let mut cells = calls.chunk_by(|one, other| cell(one) == cell(other));
            if cells.nth(ENOUGH_CELLS - 1).is_some() {
                self.group(calls, Some(&shares), |explain, group| {
                    group.score(explain, scores);
                });
            }
        }
    }

    /// Looks at a group of calls.
    fn group(
        &mut self,
        calls: &[u32],
        shares: Option<&Shares>,
        mut then: impl FnMut(&mut Self, &Group),
    ) {
        let mut members = Vec::new();
        for &call in calls {
            let scene = self.scenes.of_call[call as usize];
            let calls = &mut self.calls_of[scene as usize];
            if *calls == 0 {
                members.push(scene);
            }
            *calls += 1;
        }
        let kind = |&scene: &u32| self.scenes.all[scene as usize].kind;
        members.sort_unstable_by_key(|scene| (kind(scene), *scene));
        let mut sources = self.sources(&members);
        self.set_priors(&members, shares, &mut sources);
        let mut presences = Numbered::default();
        self.note_presences(&members, &mut presences);
        let cells = self.cells(calls, &mut presences);
        for (at, &count) in cells.iter().enumerate() {
            let at = number(at);
            for &pair in presences.get(at).iter().filter(|_| count > 0.0) {
                let (source, there) = unpacked(pair);
                sources[source].there.push((at, there));
            }
        }
        let found = Search::new(&sources, &cells).run();
        let group = Group {
            members,
            sources,
            presences,
            found,
        };
        then(self, &group);
        for source in &group.sources {
            self.source_of[source.workload as usize] = NONE;
        }
        for &scene in &group.members {
            self.calls_of[scene as usize] = 0;
            self.presence_of[scene as usize] = NONE;
        }
    }

    fn scene(&self, at: u32) -> &Scene {
        &self.scenes.all[at as usize]
    }

    fn workload_of(&self, pod: u32) -> u32 {
        self.inputs.pods[pod as usize].workload
    }

    fn source_of(&self, pod: u32) -> usize {
        self.source_of[self.workload_of(pod) as usize] as usize
    }

    /// Workloads that can have made calls of some scenes.
    fn sources(&mut self, members: &[u32]) -> Vec<Source> {
        let mut workloads = Vec::new();
        for &scene in members {
            for suspect in self.scenes.suspects(self.scene(scene)) {
                let workload = self.workload_of(suspect.pod);
                if self.source_of[workload as usize] == NONE {
                    self.source_of[workload as usize] = 0;
                    workloads.push(workload);
                }
            }
        }
        workloads.sort_unstable();
        let mut sources = Vec::with_capacity(workloads.len());
        for (at, workload) in workloads.into_iter().enumerate() {
            self.source_of[workload as usize] = number(at);
            let known = &self.inputs.workloads[workload as usize];
            sources.push(Source {
                workload,
                prior: 0.0,
                seen: known.seen + self.known.unseen_cells(workload),
                unseen: known.unseen,
                most_unseen: known.most_unseen,
                there: Vec::new(),
            });
        }
        sources
    }

    /// Sets how likely each source is before its presence is looked at: the mean of its pods' weights, and what the
    /// program's other actions say.
    fn set_priors(&self, members: &[u32], shares: Option<&Shares>, sources: &mut [Source]) {
        let mut weights = vec![(0.0, 0.0); sources.len()];
        let deed = |scene: &u32| {
            let kind = &self.inputs.kinds[self.scene(*scene).kind as usize];
            (kind.event_source, kind.event_name)
        };
        for members in members.chunk_by(|one, other| deed(one) == deed(other)) {
            // What is known is the same for all calls of an action.
            let mut factors: Vec<Option<f64>> = vec![None; sources.len()];
            for &member in members {
                let scene = self.scene(member);
                let calls = f64::from(self.calls_of[member as usize]);
                for suspect in self.scenes.suspects(scene) {
                    let source = self.source_of(suspect.pod);
                    let factor = *factors[source].get_or_insert_with(|| {
                        let workload = sources[source].workload;
                        let says = self.known.says(self.inputs, workload, scene.kind);
                        says.map_or(1.0, |(factor, _)| factor)
                    });
                    weights[source].0 += calls * (suspect.weight.value() * factor);
                    weights[source].1 += calls;
                }
            }
        }
        for (source, (sum, count)) in sources.iter_mut().zip(weights) {
            let share = shares.map_or(1.0, |shares| {
                OTHER_ACTION + shares.get(&source.workload).copied().unwrap_or(0.0)
            });
            source.prior = (sum / count * share).ln();
        }
        // Against the likeliest: what is likely is no reason to take one more.
        let most = sources
            .iter()
            .map(|source| source.prior)
            .fold(f64::NEG_INFINITY, f64::max);
        for source in sources {
            source.prior -= most;
        }
    }

    /// Notes who was there, by scene.
    fn note_presences(&mut self, members: &[u32], presences: &mut Numbered<[u32]>) {
        let mut there = Vec::new();
        for &member in members {
            there.clear();
            for suspect in self.scenes.suspects(self.scene(member)) {
                let source = number(self.source_of(suspect.pod));
                there.push(source << 2 | suspect.there.number());
            }
            surest(&mut there);
            self.presence_of[member as usize] = presences.number(&there);
        }
    }

    /// In how many cells with calls each of the ways to be there occurs. The calls are in the order of cells.
    fn cells(&self, calls: &[u32], presences: &mut Numbered<[u32]>) -> Vec<f64> {
        let mut cells: Vec<f64> = vec![0.0; presences.len()];
        // What several calls of a cell come to.
        let mut together: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut parts: Vec<u32> = Vec::new();
        let cell = |call: &u32| self.scenes.cells[*call as usize];
        for calls in calls.chunk_by(|one, other| cell(one) == cell(other)) {
            let scenes = calls.iter().map(|&call| self.scenes.of_call[call as usize]);
            parts.clear();
            parts.extend(scenes.map(|scene| self.presence_of[scene as usize]));
            parts.sort_unstable();
            parts.dedup();
            let presence = match parts.as_slice() {
                [only] => *only,
                several => *together.entry_ref(several).or_insert_with(|| {
                    let mut there: Vec<u32> = Vec::new();
                    for &part in several {
                        there.extend(presences.get(part));
                    }
                    surest(&mut there);
                    presences.number(&there)
                }),
            };
            if presence as usize >= cells.len() {
                cells.resize(presence as usize + 1, 0.0);
            }
            cells[presence as usize] += 1.0;
        }
        cells
    }
}

/// Leaves the surest way of each source, in the order of sources.
fn surest(there: &mut Vec<u32>) {
    there.sort_unstable_by(|left, right| right.cmp(left));
    there.dedup_by_key(|pair| *pair >> 2);
    there.reverse();
}

impl Group {
    /// Puts the scores of the suspects of each scene into their places.
    fn score(&self, explain: &Explain<'_>, scores: &mut [f64]) {
        let mut shares_of: Vec<Option<Vec<f64>>> = vec![None; self.presences.len()];
        let mut shares = vec![0.0; self.sources.len()];
        let mut pods = vec![0.0; self.sources.len()];
        for &member in &self.members {
            let scene = explain.scene(member);
            let suspects = explain.scenes.suspects(scene);
            let presence = explain.presence_of[member as usize];
            let there = self.presences.get(presence);
            let of_sources =
                shares_of[presence as usize].get_or_insert_with(|| self.shares_of(there));
            for (&pair, share) in there.iter().zip(of_sources) {
                let source = unpacked(pair).0;
                shares[source] = *share;
                pods[source] = 0.0;
            }
            let part = |suspect: &super::scenes::Suspect| {
                suspect.presence(explain.inputs) * suspect.weight.value()
            };
            for suspect in suspects {
                pods[explain.source_of(suspect.pod)] += part(suspect);
            }
            for (suspect, score) in suspects.iter().zip(&mut scores[scene.suspects.clone()]) {
                let source = explain.source_of(suspect.pod);
                *score = shares[source] * (part(suspect) / f64::max(pods[source], 1e-300));
            }
        }
    }

    /// What each of the sources that were there has of a call.
    fn shares_of(&self, there: &[u32]) -> Vec<f64> {
        let mut shares = vec![0.0; there.len()];
        for (place, chance) in self.found.places.iter().zip(&self.found.chances) {
            for (share, &pair) in shares.iter_mut().zip(there) {
                let (source, there) = unpacked(pair);
                *share += chance.of(there) * place[source];
            }
        }
        let mut total: f64 = shares.iter().sum();
        let mut most = 1.0;
        if total < EXPLAINED {
            // Nobody who runs the program was there: by weight alone.
            for (share, &pair) in shares.iter_mut().zip(there) {
                let (source, there) = unpacked(pair);
                let source = &self.sources[source];
                let presence = match there {
                    There::Unseen => source.most_unseen,
                    seen => seen.seen(),
                };
                *share = presence * source.prior.exp();
            }
            total = shares.iter().sum();
            most = UNEXPLAINED;
        }
        let shares = shares.into_iter();
        shares
            .map(|share| most * (share / total.max(1e-300)))
            .collect()
    }

    /// Share of the calls that each workload made.
    #[allow(clippy::cast_precision_loss)] // a count of calls
    fn shares(&self, explain: &Explain<'_>, scores: &[f64], calls: usize) -> Shares {
        let mut shares = vec![0.0; self.sources.len()];
        for &member in &self.members {
            let scene = explain.scene(member);
            let of_scene = f64::from(explain.calls_of[member as usize]);
            let suspects = explain.scenes.suspects(scene).iter();
            for (suspect, score) in suspects.zip(&scores[scene.suspects.clone()]) {
                shares[explain.source_of(suspect.pod)] += of_scene * score;
            }
        }
        let shares = self.sources.iter().zip(shares);
        shares
            .map(|(source, share)| (source.workload, share / calls as f64))
            .collect()
    }
}
