//! The search for the set of workloads that explains a program's calls best.

use super::patterns::{Chance, Chances, MOST_SOURCES, Pattern, Patterns, Silence, There};

/// How much one cell tells, compared with an observation that is independent of all others: calls come in
/// rounds and bursts.
const CELL_WORTH: f64 = 0.25;

/// Logarithm of the chance that a call was made by a pod that the inventory does not show.
const UNSEEN: f64 = -6.0;

/// What a further workload costs, in nats: few workloads run the same program.
const FURTHER: f64 = 2.0;

/// Odds below which a further workload is left out.
const LEAST_ODDS: f64 = 0.02;

/// Steps of the fit of a set's chances.
const STEPS: usize = 8;

/// Nats below the best from which a set's share is zero, not only small: beyond what a number can hold.
const NO_SHARE: f64 = 746.0;

/// What bounds may be wrong by, because sums are rounded.
const ROUNDING: f64 = 1e-6;

/// A workload that may run the program.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) workload: u32,
    /// Logarithm of its weight before its presence is looked at, compared with the likeliest.
    pub(super) prior: f64,
    /// Cells in which a pod of it was seen.
    pub(super) seen: f64,
    /// Cells in which a pod of it can have been without being seen.
    pub(super) unseen: f64,
    /// Most chance that one was, by how often they are seen.
    pub(super) most_unseen: f64,
    /// Cells with calls in which it was there, those that are alike by their place.
    pub(super) there: Vec<(u32, There)>,
}

/// The sources found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each with the chance of every source to be the one.
    pub(super) places: Vec<Vec<f64>>,
    pub(super) chances: Vec<Chance>,
}

/// Searches.
pub(super) struct Search<'a> {
    sources: &'a [Source],
    /// How many cells with calls are alike, by place.
    cells: &'a [f64],
    /// Cells with calls in which each source was there.
    covered: Vec<f64>,
    set: Vec<usize>,
    /// Patterns of the set that is looked at: room that is used again.
    patterns: Vec<Pattern>,
}

impl<'a> Search<'a> {
    pub(super) fn new(sources: &'a [Source], cells: &'a [f64]) -> Self {
        let covered = |source: &Source| {
            let there = source.there.iter();
            there.map(|&(at, _)| cells[at as usize]).sum()
        };
        Self {
            sources,
            cells,
            covered: sources.iter().map(covered).collect(),
            set: Vec::new(),
            patterns: Vec::new(),
        }
    }

    /// Finds the set of sources, and for each place the chance of every source.
    pub(super) fn run(mut self) -> Found {
        let mut patterns = Patterns::nobody(self.cells);
        let mut best = f64::NEG_INFINITY;
        while self.set.len() < MOST_SOURCES {
            match self.next(&patterns) {
                Some((source, value)) if self.set.is_empty() || value > best => {
                    patterns.add(self.set.len(), &self.sources[source].there);
                    self.set.push(source);
                    best = value;
                }
                _ => break,
            }
        }
        let mut found = Found::default();
        for place in 0..self.set.len() {
            found.places.push(self.stand_ins(place));
        }
        let (best, chances) = self.value(&patterns.each);
        found.chances.extend(&chances[..self.set.len()]);
        if self.set.len() < MOST_SOURCES {
            self.add_others(&patterns, best, &mut found);
        }
        found
    }

    /// The source that explains most beside the set, and how well they do.
    fn next(&mut self, patterns: &Patterns<'_>) -> Option<(usize, f64)> {
        let mut found: Option<(usize, f64)> = None;
        // The best first: the sooner it is found, the more others need not be looked at.
        let mut others: Vec<(usize, f64)> = (0..self.sources.len())
            .filter(|source| !self.set.contains(source))
            .map(|source| (source, self.bound(patterns, &self.set, source)))
            .collect();
        others.sort_by(|left, right| right.1.total_cmp(&left.1));
        for (source, bound) in others {
            if found.is_some_and(|(_, best)| bound < best) {
                break;
            }
            let value = self.value_with(patterns, source).0;
            // Of equals, the first.
            let better = found.is_none_or(|(first, best)| {
                value > best || (value.total_cmp(&best).is_eq() && source < first)
            });
            if better {
                found = Some((source, value));
            }
        }
        found
    }

    /// Chance of every source to be the one in a place of the set.
    fn stand_ins(&mut self, place: usize) -> Vec<f64> {
        let mut values = vec![f64::NEG_INFINITY; self.sources.len()];
        let set = self.set.clone();
        let mut others = Patterns::nobody(self.cells);
        for (other, &source) in set.iter().enumerate().filter(|&(other, _)| other != place) {
            others.add(other, &self.sources[source].there);
        }
        let rest: Vec<usize> = set
            .iter()
            .copied()
            .filter(|&one| one != set[place])
            .collect();
        let mut most = f64::NEG_INFINITY;
        let candidates = (0..self.sources.len()).filter(|source| !set.contains(source));
        for source in [set[place]].into_iter().chain(candidates) {
            if self.bound(&others, &rest, source) < most - NO_SHARE {
                continue;
            }
            self.set[place] = source;
            others.with(place, &self.sources[source].there, &mut self.patterns);
            let value = self.value(&self.patterns).0;
            values[source] = value;
            most = most.max(value);
        }
        self.set = set;
        let total: f64 = values.iter().map(|value| (value - most).exp()).sum();
        let shares = values.iter().map(|value| (value - most).exp() / total);
        shares.collect()
    }

    /// Adds workloads that may run the program besides the set, each with the chance that it does.
    fn add_others(&mut self, patterns: &Patterns<'_>, best: f64, found: &mut Found) {
        let members = self.set.len();
        for source in 0..self.sources.len() {
            if self.set.contains(&source)
                || self.bound(patterns, &self.set, source) < best + LEAST_ODDS.ln()
            {
                continue;
            }
            let (value, chances) = self.value_with(patterns, source);
            let odds = (value - best).exp();
            if odds <= LEAST_ODDS {
                continue;
            }
            let chance = odds / (1.0 + odds);
            // Where it stands in for a member, that member is the further one.
            let (member, stands_in) = found.places[..members]
                .iter()
                .zip(&self.set)
                .map(|(place, &member)| (member, place[source]))
                .max_by(|left, right| left.1.total_cmp(&right.1))
                .unwrap_or((source, 0.0));
            let mut place = vec![0.0; self.sources.len()];
            place[source] += chance * (1.0 - stands_in);
            place[member] += chance * stands_in;
            found.places.push(place);
            found.chances.push(chances[members]);
        }
    }

    /// More than a set can be worth with a further source: as if they made every call where they were, and kept
    /// quiet nowhere.
    fn bound(&self, patterns: &Patterns<'_>, set: &[usize], source: usize) -> f64 {
        let uncovered = (patterns.uncovered() - self.covered[source]).max(0.0);
        let priors: f64 = set.iter().map(|&member| self.sources[member].prior).sum();
        let bound =
            uncovered * UNSEEN + priors + self.sources[source].prior - further(set.len() + 1);
        bound + ROUNDING * (1.0 + bound.abs())
    }

    /// As [`Search::value`], with a further source.
    fn value_with(&mut self, patterns: &Patterns<'_>, source: usize) -> (f64, Chances) {
        patterns.with(
            self.set.len(),
            &self.sources[source].there,
            &mut self.patterns,
        );
        self.set.push(source);
        let value = self.value(&self.patterns);
        self.set.pop();
        value
    }

    /// How well the set explains the cells (in nats, its prior included), by the patterns of its members in them, and the
    /// chances of each of its members to make calls in a cell.
    fn value(&self, patterns: &[Pattern]) -> (f64, Chances) {
        let mut chances = [Chance {
            seen: 0.5,
            unseen: 0.01,
        }; MOST_SOURCES];
        // Cells with calls in which each member was there.
        let mut with_calls = [Chance::default(); MOST_SOURCES];
        for pattern in patterns {
            for (place, there) in pattern.there() {
                let with_calls = &mut with_calls[place];
                with_calls.seen += pattern.cells * there.seen();
                with_calls.unseen += pattern.cells * f64::from(u8::from(there == There::Unseen));
            }
        }
        for _ in 0..STEPS {
            let got = explained(patterns, &chances);
            for (place, &source) in self.set.iter().enumerate() {
                let source = &self.sources[source];
                let (got, with_calls) = (got[place], with_calls[place]);
                let seen = (got.seen + 0.5) / (source.seen.max(with_calls.seen) + 1.0);
                let seen = seen.clamp(1e-6, 0.98);
                // Pods that nobody sees do what the seen ones do.
                let most_unseen = (source.most_unseen * seen).max(1e-9);
                let unseen = got.unseen / source.unseen.max(with_calls.unseen).max(1.0);
                chances[place] = Chance {
                    seen,
                    unseen: unseen.clamp(1e-9, most_unseen),
                };
            }
        }
        let mut value = 0.0;
        let silence = Silence::of(&chances);
        for pattern in patterns {
            let none = silence.nothing_happens(pattern);
            value += pattern.cells * ((1.0 - none).max(1e-300).ln() * CELL_WORTH).max(UNSEEN);
        }
        value -= further(self.set.len());
        for (place, &at) in self.set.iter().enumerate() {
            let (source, chance) = (&self.sources[at], chances[place]);
            let quiet = (source.seen - with_calls[place].seen).max(0.0) * (1.0 - chance.seen).ln()
                + (source.unseen - with_calls[place].unseen).max(0.0) * (1.0 - chance.unseen).ln();
            value += quiet * CELL_WORTH + source.prior;
        }
        (value, chances)
    }
}

/// Cells with calls of each member of a set, by what its chances say whose the calls are.
fn explained(patterns: &[Pattern], chances: &Chances) -> Chances {
    let mut got = [Chance::default(); MOST_SOURCES];
    let silence = Silence::of(chances);
    for pattern in patterns {
        let some = (1.0 - silence.nothing_happens(pattern)).max(1e-9);
        for (place, there) in pattern.there() {
            let part = pattern.cells * chances[place].of(there) / some;
            match there {
                There::Unseen => got[place].unseen += part,
                _ => got[place].seen += part,
            }
        }
    }
    got
}

/// What the members of a set cost, for being several.
fn further(members: usize) -> f64 {
    let further = u32::try_from(members).unwrap_or(u32::MAX).saturating_sub(1);
    FURTHER * f64::from(further)
}

#[cfg(test)]
mod tests;
