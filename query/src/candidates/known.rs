//! What earlier looks at the calls have made clear of workloads: it counts for their other calls.

use datafusion::common::HashMap;

use super::input::{Inputs, NOTHING};
use super::names::number;
use super::patterns::There;
use super::reasons::Reason;
use super::scenes::{Scene, Scenes, Suspect};

/// Score from which a workload clearly runs a program.
const CLEAR: f64 = 0.9;

/// Clear calls from which a workload runs a program.
const CLEAR_CALLS: u32 = 3;

/// How much less likely a workload is to run a program where it clearly runs another.
const OTHER_PROGRAM: (f64, Reason) = (
    0.1,
    Reason::new(
        "other_program",
        "other calls with the node's role show that it runs another program",
    ),
);

/// How much more likely a workload is to do what one of the same name does in another cluster, or what its own
/// address has shown.
const SAME_HABIT: (f64, Reason) = (
    20.0,
    Reason::new(
        "same_habit",
        "calls from its own address, or those of a workload of its name in another cluster, show that it does this",
    ),
);

/// The reasons of both.
pub(super) const REASONS: [Reason; 2] = [OTHER_PROGRAM.1, SAME_HABIT.1];

/// What is known of workloads. Things by their numbers.
#[derive(Debug, PartialEq)]
pub(super) struct Known {
    /// Programs that a workload clearly runs, by workload.
    programs: Vec<Vec<u32>>,
    /// Clusters in which a workload of a name clearly did an action with a program; [`NOTHING`] where its
    /// address was seen.
    habits: HashMap<Habit, Vec<u32>>,
    /// Cells in which pods of a workload must have been, though nobody saw them, by workload.
    unseen_cells: Vec<f64>,
}

/// Title of a workload, and what it does: program, service, action.
type Habit = (u32, [u32; 3]);

impl Known {
    /// Nothing yet.
    pub(super) fn nothing(inputs: &Inputs) -> Self {
        Self {
            programs: vec![Vec::new(); inputs.workloads.len()],
            habits: HashMap::new(),
            unseen_cells: vec![0.0; inputs.workloads.len()],
        }
    }

    /// Learns from scores.
    pub(super) fn learn(
        inputs: &Inputs,
        scenes: &Scenes,
        scores: &[f64],
        unseen_cells: Vec<f64>,
    ) -> Self {
        let mut counts: HashMap<(u32, u32), u32> = HashMap::new();
        let mut habits: HashMap<Habit, Vec<u32>> = HashMap::new();
        for scene in scenes.all.iter().filter(|scene| scene.calls > 0) {
            let kind = &inputs.kinds[scene.kind as usize];
            let suspects = scenes.suspects(scene).iter();
            for (suspect, score) in suspects.zip(&scores[scene.suspects.clone()]) {
                if *score < CLEAR {
                    continue;
                }
                let pod = &inputs.pods[suspect.pod as usize];
                *counts.entry((pod.workload, kind.program)).or_default() += scene.calls;
                let cluster = if suspect.addressed {
                    NOTHING
                } else {
                    kind.cluster
                };
                let deed = [kind.program, kind.event_source, kind.event_name];
                let clusters = habits
                    .entry((inputs.workload(pod).title, deed))
                    .or_default();
                if let Err(place) = clusters.binary_search(&cluster) {
                    clusters.insert(place, cluster);
                }
            }
        }
        let mut programs: Vec<Vec<u32>> = vec![Vec::new(); inputs.workloads.len()];
        for ((workload, program), count) in counts {
            if count >= CLEAR_CALLS {
                programs[workload as usize].push(program);
            }
        }
        for programs in &mut programs {
            programs.sort_unstable();
        }
        Self {
            programs,
            habits,
            unseen_cells,
        }
    }

    /// Cells in which pods of a workload must have been, though nobody saw them.
    pub(super) fn unseen_cells(&self, workload: u32) -> f64 {
        self.unseen_cells[workload as usize]
    }

    /// How much more or less likely what is known makes a workload for calls of a kind, and why; none where nothing is known.
    pub(super) fn says(&self, inputs: &Inputs, workload: u32, kind: u32) -> Option<(f64, Reason)> {
        let kind = &inputs.kinds[kind as usize];
        let deed = [kind.program, kind.event_source, kind.event_name];
        let title = inputs.workloads[workload as usize].title;
        let same = self
            .habits
            .get(&(title, deed))
            .is_some_and(|clusters| clusters.iter().any(|&cluster| cluster != kind.cluster));
        if same {
            return Some(SAME_HABIT);
        }
        let programs = &self.programs[workload as usize];
        let other = !programs.is_empty() && !programs.contains(&kind.program);
        other.then_some(OTHER_PROGRAM)
    }
}

/// Cells in which pods were that nobody saw.
#[derive(Debug)]
pub(super) struct Unseen {
    /// How many there are, by workload.
    pub(super) cells: Vec<f64>,
}

impl Unseen {
    /// None yet.
    pub(super) fn none(inputs: &Inputs) -> Self {
        Self {
            cells: vec![0.0; inputs.workloads.len()],
        }
    }

    /// Where a call is clearly that of a pod that nobody saw, the pod was there for the other calls of its cell as
    /// well. True where that is news.
    pub(super) fn believe(
        &mut self,
        inputs: &Inputs,
        scenes: &mut Scenes,
        scores: &mut Vec<f64>,
    ) -> bool {
        let clear = Self::clear(scenes, scores);
        if clear.is_empty() {
            return false;
        }
        let mut split: HashMap<(u32, Vec<u32>), u32> = HashMap::new();
        let mut start = 0;
        while start < scenes.cells.len() {
            let cell = scenes.cells[start];
            let calls = &scenes.cells[start..];
            let end = start + calls.iter().take_while(|&&other| other == cell).count();
            let mut there: Vec<u32> = Vec::new();
            for scene in &scenes.of_call[start..end] {
                there.extend(clear.get(scene).into_iter().flatten());
            }
            there.sort_unstable();
            there.dedup();
            for &pod in &there {
                let workload = inputs.pods[pod as usize].workload;
                self.cells[workload as usize] += 1.0;
            }
            for call in start..if there.is_empty() { start } else { end } {
                let key = (scenes.of_call[call], there.clone());
                let scene = *split
                    .entry(key)
                    .or_insert_with_key(|(scene, pods)| saw(*scene, pods, scenes, scores));
                let before = std::mem::replace(&mut scenes.of_call[call], scene);
                scenes.all[before as usize].calls -= 1;
                scenes.all[scene as usize].calls += 1;
            }
            start = end;
        }
        true
    }

    /// Pods that nobody saw and that clearly made the calls of a scene, by scene.
    fn clear(scenes: &Scenes, scores: &[f64]) -> HashMap<u32, Vec<u32>> {
        let mut clear: HashMap<u32, Vec<u32>> = HashMap::new();
        for (at, scene) in scenes.all.iter().enumerate() {
            let suspects = scenes.suspects(scene).iter();
            for (suspect, score) in suspects.zip(&scores[scene.suspects.clone()]) {
                if suspect.is_unseen() && *score >= CLEAR && scene.calls > 0 {
                    let at = number(at);
                    clear.entry(at).or_default().push(suspect.pod);
                }
            }
        }
        clear
    }
}

/// The scene that one becomes where some pods that nobody saw were there; itself where that is no news to it.
fn saw(at: u32, pods: &[u32], scenes: &mut Scenes, scores: &mut Vec<f64>) -> u32 {
    let scene = scenes.all[at as usize].clone();
    let is_news =
        |suspect: &Suspect| suspect.is_unseen() && pods.binary_search(&suspect.pod).is_ok();
    if !scenes.suspects(&scene).iter().any(is_news) {
        return at;
    }
    let start = scenes.suspects.len();
    for place in scene.suspects.clone() {
        let mut suspect = scenes.suspects[place];
        if is_news(&suspect) {
            suspect.there = There::Surely;
        }
        scenes.suspects.push(suspect);
        scores.push(scores[place]);
    }
    let suspects = start..scenes.suspects.len();
    scenes.push(Scene {
        suspects,
        calls: 0,
        ..scene
    })
}
