//! Which workloads explain the calls of one program.
//!
//! Time is cut into cells of five minutes on one node. A workload that runs the program makes calls in a cell
//! in which a pod of it is there with a chance of its own; several workloads that run it do so independently
//! (a noisy-or). A set of workloads is better the more cells with calls it covers, and the fewer cells it
//! covers where nothing happened. The search starts with the best single workload and adds another only
//! where that explains clearly more. For each place in the set, every other workload is then tried: those that
//! explain as well share the score, so that two workloads that are always there together get a half each.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Suspect;
use super::input::{Call, Inputs, Pod};

/// Length of a cell, in microseconds: that of an activity.
pub(super) const CELL: i64 = podtrail_ingest::BUCKET_SECONDS * 1_000_000;

/// How much one cell tells, compared with an observation that is independent of all others: calls come in
/// rounds and bursts.
const CELL_WORTH: f64 = 0.25;

/// Logarithm of the chance that a call was made by a pod that the inventory does not show.
const UNSEEN: f64 = -6.0;

/// What a further workload costs, in nats: few workloads run the same program.
const FURTHER: f64 = 2.0;

/// Odds below which a further workload is left out.
const LEAST_ODDS: f64 = 0.02;

/// Most workloads that run one program.
const MOST_SOURCES: usize = 6;

/// Steps of the fit of a set's chances.
const STEPS: usize = 8;

/// Cells with calls from which an action is looked at apart from its program's others.
const ENOUGH_CELLS: usize = 4;

/// How much less likely a workload is to run a program where it clearly runs another.
const OTHER_PROGRAM: f64 = 0.1;

/// How much more likely a workload is to do what one of the same name does in another cluster, or what its own
/// address has shown.
const SAME_HABIT: f64 = 20.0;

/// Share of a call's score that is given out where no workload of the set was there.
const UNEXPLAINED: f64 = 0.45;

/// Score from which a workload clearly runs a program.
pub(super) const CLEAR: f64 = 0.9;

/// Scores of the suspects of calls, in their order.
pub(super) type Scores = Vec<Vec<f64>>;

/// What earlier calls have made clear of workloads.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Known {
    /// Programs that a workload of a cluster clearly runs.
    programs: HashMap<String, HashSet<String>>,
    /// Clusters in which a workload of a name clearly did an action with a program; the empty name where its
    /// address was seen.
    habits: HashMap<Habit, HashSet<String>>,
    /// Cells in which pods of a workload must have been, though nobody saw them.
    unseen_cells: HashMap<String, f64>,
}

/// Namespace and workload, program, action.
type Habit = (String, String, String);

/// Clear calls from which a workload runs a program.
const CLEAR_CALLS: usize = 3;

impl Known {
    /// Learns from scores.
    pub(super) fn learn(inputs: &Inputs, suspects: &[Vec<Suspect>], scores: &Scores) -> Self {
        let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
        let mut known = Self::default();
        let mut unseen: HashSet<((&str, i64), usize)> = HashSet::new();
        for (call, (suspects, scores)) in inputs.calls.iter().zip(suspects.iter().zip(scores)) {
            for (suspect, score) in suspects.iter().zip(scores) {
                let news = (call.cell(), suspect.pod);
                if suspect.unseen && suspect.presence >= 1.0 && unseen.insert(news) {
                    let workload = inputs.pods[suspect.pod].workload_key.clone();
                    *known.unseen_cells.entry(workload).or_default() += 1.0;
                }
                if *score < CLEAR {
                    continue;
                }
                let pod = &inputs.pods[suspect.pod];
                *counts
                    .entry((&pod.workload_key, &call.program))
                    .or_default() += 1;
                let cluster = if suspect.addressed { "" } else { &call.cluster };
                known
                    .habits
                    .entry(habit(pod, call))
                    .or_default()
                    .insert(cluster.to_owned());
            }
        }
        for ((workload, program), count) in counts {
            if count >= CLEAR_CALLS {
                known
                    .programs
                    .entry(workload.to_owned())
                    .or_default()
                    .insert(program.to_owned());
            }
        }
        known
    }

    /// How much more or less likely what is known makes a pod for a call.
    fn factor(&self, pod: &Pod, call: &Call) -> f64 {
        let other = self
            .programs
            .get(&pod.workload_key)
            .is_some_and(|programs| !programs.contains(&call.program));
        let same = self
            .habits
            .get(&habit(pod, call))
            .is_some_and(|clusters| clusters.iter().any(|cluster| *cluster != call.cluster));
        let other = if other { OTHER_PROGRAM } else { 1.0 };
        if same { SAME_HABIT } else { other }
    }
}

fn habit(pod: &Pod, call: &Call) -> Habit {
    (
        format!("{}/{}", pod.namespace, pod.workload),
        call.program.clone(),
        format!("{}:{}", call.event_source, call.event_name),
    )
}

/// Gives the score of each suspect of each call. Scores of a call add up to at most 1.
pub(super) fn scores(inputs: &Inputs, suspects: &[Vec<Suspect>], known: &Known) -> Scores {
    let mut programs: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, call) in inputs.calls.iter().enumerate() {
        if !suspects[at].is_empty() {
            let key = (call.cluster.as_str(), call.program.as_str());
            programs.entry(key).or_default().push(at);
        }
    }
    let mut scores: Scores = suspects.iter().map(|each| vec![0.0; each.len()]).collect();
    for calls in programs.values() {
        let whole = Group::new(inputs, calls, suspects, known, None);
        let shares = whole.shares();
        let whole = whole.scores();
        let mut by_action: BTreeMap<(&str, &str, Option<&str>), Vec<usize>> = BTreeMap::new();
        for &at in calls {
            let call = &inputs.calls[at];
            by_action
                .entry((
                    &call.event_source,
                    &call.event_name,
                    call.resource.as_deref(),
                ))
                .or_default()
                .push(at);
        }
        for members in by_action.values() {
            let cells: HashSet<(&str, i64)> =
                members.iter().map(|&at| inputs.calls[at].cell()).collect();
            if cells.len() >= ENOUGH_CELLS {
                let action = Group::new(inputs, members, suspects, known, Some(&shares));
                for (at, found) in action.scores() {
                    scores[at] = found;
                }
            } else {
                for at in members {
                    if let Some(found) = whole.get(at) {
                        scores[*at].clone_from(found);
                    }
                }
            }
        }
    }
    scores
}

/// A workload that may run the program.
struct Source<'a> {
    name: &'a str,
    /// Logarithm of its weight before its presence is looked at.
    prior: f64,
    /// Cells in which a pod of it was seen.
    seen: f64,
    /// Cells in which a pod of it can have been without being seen.
    unseen: f64,
    /// Most chance that one was, by how often they are seen.
    most_unseen: f64,
    /// Ways in which it was there.
    ways: Vec<There>,
    /// Cells with calls in which it was there, each with its place in `ways`.
    there: Vec<(usize, usize)>,
}

impl Source<'_> {
    fn note(&mut self, cell: usize, there: There) {
        let way = self.ways.iter().position(|way| *way == there);
        let way = way.unwrap_or_else(|| {
            self.ways.push(there);
            self.ways.len() - 1
        });
        self.there.push((cell, way));
    }
}

/// How a source was there when a call was made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum There {
    /// A pod of it was seen; the chance that it was there at that time.
    Seen(f64),
    /// A pod of it can have come and gone between two looks.
    Unseen,
}

impl There {
    fn of(suspect: &Suspect) -> Self {
        if suspect.unseen && suspect.presence < 1.0 {
            return Self::Unseen;
        }
        Self::Seen(suspect.presence)
    }

    /// The surer of two.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Seen(one), Self::Seen(other)) => Self::Seen(one.max(other)),
            (Self::Unseen, other) => other,
            (seen, Self::Unseen) => seen,
        }
    }

    fn seen(self) -> f64 {
        match self {
            Self::Seen(chance) => chance,
            Self::Unseen => 0.0,
        }
    }
}

/// Chances of a source to make calls in a cell: with a pod that is there, and with one that nobody sees.
#[derive(Debug, Clone, Copy)]
struct Chance {
    seen: f64,
    unseen: f64,
}

impl Chance {
    fn of(self, there: There) -> f64 {
        match there {
            There::Seen(chance) => self.seen * chance,
            There::Unseen => self.unseen,
        }
    }
}

/// Ways in which members of a set were there, by their places in it, and in how many cells with calls it was so. What a
/// set explains depends on these alone, and there are few of them whatever the number of cells.
struct Pattern {
    there: Vec<(usize, There)>,
    cells: f64,
}

/// Cells with calls, by the pattern of a set's members in them.
struct Patterns {
    /// Pattern of each cell.
    of_cell: Vec<usize>,
    patterns: Vec<Pattern>,
}

impl Patterns {
    /// Nobody is there in any cell.
    fn nobody(cells: usize) -> Self {
        let cell_count = f64::from(u32::try_from(cells).unwrap_or(u32::MAX));
        Self {
            of_cell: vec![0; cells],
            patterns: vec![Pattern {
                there: Vec::new(),
                cells: cell_count,
            }],
        }
    }

    /// Tells apart the cells in which a further source was there.
    fn add(&mut self, place: usize, source: &Source<'_>) {
        let ways = source.ways.len();
        let mut split = vec![None; self.patterns.len() * ways];
        for &(cell, way) in &source.there {
            let from = self.of_cell[cell];
            let to = *split[from * ways + way].get_or_insert_with(|| {
                let there = self.patterns[from].there.iter().copied();
                self.patterns.push(Pattern {
                    there: there.chain([(place, source.ways[way])]).collect(),
                    cells: 0.0,
                });
                self.patterns.len() - 1
            });
            self.of_cell[cell] = to;
            self.patterns[from].cells -= 1.0;
            self.patterns[to].cells += 1.0;
        }
    }

    /// Patterns with a further source.
    fn with(&self, place: usize, source: &Source<'_>) -> Vec<Pattern> {
        let ways = source.ways.len();
        let mut moved = vec![0.0; self.patterns.len() * ways];
        for &(cell, way) in &source.there {
            moved[self.of_cell[cell] * ways + way] += 1.0;
        }
        let mut patterns = Vec::with_capacity(self.patterns.len() * (ways + 1));
        for (at, pattern) in self.patterns.iter().enumerate() {
            let moved = &moved[at * ways..(at + 1) * ways];
            let left = pattern.cells - moved.iter().sum::<f64>();
            let new = moved
                .iter()
                .zip(&source.ways)
                .map(|(&cells, &way)| Pattern {
                    there: pattern
                        .there
                        .iter()
                        .copied()
                        .chain([(place, way)])
                        .collect(),
                    cells,
                });
            let stays = Pattern {
                there: pattern.there.clone(),
                cells: left,
            };
            patterns.extend([stays].into_iter().chain(new).filter(|one| one.cells > 0.0));
        }
        patterns
    }
}

/// The calls of one program, or of one action of it.
struct Group<'a> {
    calls: &'a [usize],
    suspects: &'a [Vec<Suspect>],
    /// Source of each suspect of each call.
    source_of: Vec<Vec<usize>>,
    sources: Vec<Source<'a>>,
    /// Number of cells with calls.
    cells: usize,
    /// Sources found, each place with the chance of every source to be the one.
    places: Vec<Vec<f64>>,
    chances: Vec<Chance>,
}

impl<'a> Group<'a> {
    fn new(
        inputs: &'a Inputs,
        calls: &'a [usize],
        suspects: &'a [Vec<Suspect>],
        known: &Known,
        shares: Option<&HashMap<&str, f64>>,
    ) -> Self {
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut sources: Vec<Source<'a>> = Vec::new();
        let mut weights: Vec<(f64, f64)> = Vec::new();
        let mut source_of = Vec::with_capacity(calls.len());
        let mut cells: BTreeMap<(&str, i64), BTreeMap<usize, There>> = BTreeMap::new();
        for &at in calls {
            let call = &inputs.calls[at];
            let cell = cells.entry(call.cell()).or_default();
            let mut found = Vec::with_capacity(suspects[at].len());
            for suspect in &suspects[at] {
                let pod = &inputs.pods[suspect.pod];
                let source = *index.entry(&pod.workload_key).or_insert_with(|| {
                    let (seen, unseen, most_unseen) = inputs.exposure(&pod.workload_key);
                    let told = known.unseen_cells.get(&pod.workload_key);
                    let seen = seen + told.copied().unwrap_or(0.0);
                    sources.push(Source {
                        name: &pod.workload_key,
                        prior: 0.0,
                        seen,
                        unseen,
                        most_unseen,
                        ways: Vec::new(),
                        there: Vec::new(),
                    });
                    weights.push((0.0, 0.0));
                    sources.len() - 1
                });
                weights[source].0 += suspect.weight * known.factor(pod, call);
                weights[source].1 += 1.0;
                let there = cell.entry(source).or_insert(There::Unseen);
                *there = there.or(There::of(suspect));
                found.push(source);
            }
            source_of.push(found);
        }
        for (source, (sum, count)) in sources.iter_mut().zip(weights) {
            // What the program's other actions say.
            let share = shares.map_or(1.0, |shares| {
                0.02 + shares.get(source.name).copied().unwrap_or(0.0)
            });
            source.prior = (sum / count * share).ln();
        }
        // Against the likeliest: what is likely is no reason to take one more.
        let most = sources
            .iter()
            .map(|source| source.prior)
            .fold(f64::NEG_INFINITY, f64::max);
        for source in &mut sources {
            source.prior -= most;
        }
        let cell_count = cells.len();
        for (cell, there) in cells.into_values().enumerate() {
            for (source, there) in there {
                sources[source].note(cell, there);
            }
        }
        let mut group = Self {
            calls,
            suspects,
            source_of,
            sources,
            cells: cell_count,
            places: Vec::new(),
            chances: Vec::new(),
        };
        group.search();
        group
    }

    /// Patterns of a set's members, each by its place.
    fn patterns(&self, members: impl Iterator<Item = (usize, usize)>) -> Patterns {
        let mut patterns = Patterns::nobody(self.cells);
        for (place, source) in members {
            patterns.add(place, &self.sources[source]);
        }
        patterns
    }

    /// Finds the set of sources, and for each place the chance of every source.
    fn search(&mut self) {
        let mut set: Vec<usize> = Vec::new();
        let mut best = f64::NEG_INFINITY;
        let mut patterns = Patterns::nobody(self.cells);
        while set.len() < MOST_SOURCES {
            let mut found = None;
            for source in 0..self.sources.len() {
                if set.contains(&source) {
                    continue;
                }
                let with = patterns.with(set.len(), &self.sources[source]);
                set.push(source);
                let value = self.value(&set, &with).0;
                set.pop();
                if found.is_none_or(|(_, best)| value > best) {
                    found = Some((source, value));
                }
            }
            match found {
                Some((source, value)) if set.is_empty() || value > best => {
                    patterns.add(set.len(), &self.sources[source]);
                    set.push(source);
                    best = value;
                }
                _ => break,
            }
        }
        for place in 0..set.len() {
            let mut values = vec![f64::NEG_INFINITY; self.sources.len()];
            let kept = set[place];
            let others = set.iter().copied().enumerate();
            let others = self.patterns(others.filter(|&(other, _)| other != place));
            for (source, value) in values.iter_mut().enumerate() {
                if source == kept || !set.contains(&source) {
                    set[place] = source;
                    let with = others.with(place, &self.sources[source]);
                    *value = self.value(&set, &with).0;
                    set[place] = kept;
                }
            }
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = values.iter().map(|value| (value - most).exp()).sum();
            self.places.push(
                values
                    .iter()
                    .map(|value| (value - most).exp() / total)
                    .collect(),
            );
        }
        let (best, chances) = self.value(&set, &patterns.patterns);
        self.chances = chances;
        // Workloads that may run the program besides: each with the chance that it does.
        let room = set.len() < MOST_SOURCES;
        let others = (0..self.sources.len()).filter(|source| room && !set.contains(source));
        for source in others.collect::<Vec<_>>() {
            let with = patterns.with(set.len(), &self.sources[source]);
            set.push(source);
            let (value, chances) = self.value(&set, &with);
            set.pop();
            let odds = (value - best).exp();
            if odds > LEAST_ODDS {
                let chance = odds / (1.0 + odds);
                // Where it stands in for a member, that member is the further one.
                let (member, stands_in) = self.places[..set.len()]
                    .iter()
                    .zip(&set)
                    .map(|(place, &member)| (member, place[source]))
                    .max_by(|left, right| left.1.total_cmp(&right.1))
                    .unwrap_or((source, 0.0));
                let mut place = vec![0.0; self.sources.len()];
                place[source] += chance * (1.0 - stands_in);
                place[member] += chance * stands_in;
                self.places.push(place);
                self.chances.extend(chances.last());
            }
        }
    }

    /// How well a set explains the cells (in nats, its prior included), by the patterns of its members in them, and the
    /// chances of each of its members to make calls in a cell.
    fn value(&self, set: &[usize], patterns: &[Pattern]) -> (f64, Vec<Chance>) {
        let mut chances = vec![
            Chance {
                seen: 0.5,
                unseen: 0.01
            };
            set.len()
        ];
        // Cells with calls in which each member was there.
        let mut with_calls = vec![(0.0, 0.0); set.len()];
        for pattern in patterns {
            for &(place, there) in &pattern.there {
                let (seen, unseen) = &mut with_calls[place];
                *seen += pattern.cells * there.seen();
                *unseen += pattern.cells * f64::from(u8::from(there == There::Unseen));
            }
        }
        for _ in 0..STEPS {
            let mut got = vec![(0.0, 0.0); set.len()];
            for pattern in patterns {
                let none = nothing_happens(pattern, &chances);
                for &(place, there) in &pattern.there {
                    let part = pattern.cells * chances[place].of(there) / (1.0 - none).max(1e-9);
                    match there {
                        There::Seen(_) => got[place].0 += part,
                        There::Unseen => got[place].1 += part,
                    }
                }
            }
            for (place, chance) in chances.iter_mut().enumerate() {
                let source = &self.sources[set[place]];
                let (seen, unseen) = with_calls[place];
                let when_seen =
                    ((got[place].0 + 0.5) / (source.seen.max(seen) + 1.0)).clamp(1e-6, 0.98);
                // Pods that nobody sees do what the seen ones do.
                let most_unseen = (source.most_unseen * when_seen).max(1e-9);
                *chance = Chance {
                    seen: when_seen,
                    unseen: (got[place].1 / source.unseen.max(unseen).max(1.0))
                        .clamp(1e-9, most_unseen),
                };
            }
        }
        let mut value = 0.0;
        for pattern in patterns {
            let none = nothing_happens(pattern, &chances);
            value += pattern.cells * ((1.0 - none).max(1e-300).ln() * CELL_WORTH).max(UNSEEN);
        }
        value -= FURTHER
            * f64::from(
                u32::try_from(set.len())
                    .unwrap_or(u32::MAX)
                    .saturating_sub(1),
            );
        for (place, &at) in set.iter().enumerate() {
            let source = &self.sources[at];
            let (seen, unseen) = with_calls[place];
            let quiet = (source.seen - seen).max(0.0) * (1.0 - chances[place].seen).ln()
                + (source.unseen - unseen).max(0.0) * (1.0 - chances[place].unseen).ln();
            value += quiet * CELL_WORTH + source.prior;
        }
        (value, chances)
    }

    /// Scores of the suspects of each call.
    fn scores(&self) -> HashMap<usize, Vec<f64>> {
        self.calls
            .iter()
            .enumerate()
            .map(|(member, &at)| (at, self.score(member, at)))
            .collect()
    }

    fn score(&self, member: usize, at: usize) -> Vec<f64> {
        let suspects = &self.suspects[at];
        let mut there: BTreeMap<usize, There> = BTreeMap::new();
        let mut pods: HashMap<usize, f64> = HashMap::new();
        for (suspect, &source) in suspects.iter().zip(&self.source_of[member]) {
            let most = there.entry(source).or_insert(There::Unseen);
            *most = most.or(There::of(suspect));
            *pods.entry(source).or_default() += suspect.presence * suspect.weight;
        }
        let mut by_source: HashMap<usize, f64> = HashMap::new();
        for (place, chance) in self.places.iter().zip(&self.chances) {
            for (&source, &there) in &there {
                *by_source.entry(source).or_default() += chance.of(there) * place[source];
            }
        }
        let mut total: f64 = by_source.values().sum();
        let mut most = 1.0;
        if total < 1e-4 {
            // Nobody who runs the program was there: by weight alone.
            by_source = there
                .iter()
                .map(|(&source, there)| {
                    let presence = match there {
                        There::Seen(chance) => *chance,
                        There::Unseen => self.sources[source].most_unseen,
                    };
                    (source, presence * self.sources[source].prior.exp())
                })
                .collect();
            total = by_source.values().sum();
            most = UNEXPLAINED;
        }
        suspects
            .iter()
            .zip(&self.source_of[member])
            .map(|(suspect, source)| {
                let share = by_source.get(source).copied().unwrap_or(0.0) / total.max(1e-300);
                let within = suspect.presence * suspect.weight / pods[source].max(1e-300);
                most * share * within
            })
            .collect()
    }

    /// Share of the calls that each workload made.
    #[allow(clippy::cast_precision_loss)] // a count of calls
    fn shares(&self) -> HashMap<&'a str, f64> {
        let mut shares: HashMap<&str, f64> = HashMap::new();
        for (member, &at) in self.calls.iter().enumerate() {
            for (score, &source) in self.score(member, at).iter().zip(&self.source_of[member]) {
                *shares.entry(self.sources[source].name).or_default() += score;
            }
        }
        for share in shares.values_mut() {
            *share /= self.calls.len() as f64;
        }
        shares
    }
}

/// Chance that no member of a set makes a call in a cell of a pattern.
fn nothing_happens(pattern: &Pattern, chances: &[Chance]) -> f64 {
    pattern
        .there
        .iter()
        .map(|&(place, there)| 1.0 - chances[place].of(there))
        .product()
}
