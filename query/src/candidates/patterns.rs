//! Who of a set of workloads was there, cell by cell: cells in which the same ones were are counted, not listed.

use super::scenes::MAYBE_GONE;

/// Most workloads that run one program.
pub(super) const MOST_SOURCES: usize = 6;

/// How a workload was there when a call was made, from the least sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum There {
    /// A pod of it can have come and gone between two looks.
    Unseen,
    /// A pod of it was seen, before or after.
    Maybe,
    /// A pod of it was seen, then or before and after.
    Surely,
}

/// Ways in which a workload can have been there.
const WAYS: [There; 3] = [There::Unseen, There::Maybe, There::Surely];

impl There {
    /// Chance that a pod that was seen was there at that time.
    pub(super) fn seen(self) -> f64 {
        match self {
            Self::Unseen => 0.0,
            Self::Maybe => MAYBE_GONE,
            Self::Surely => 1.0,
        }
    }

    /// What [`There::number`] made a number of.
    pub(super) fn of(number: u32) -> Self {
        match number {
            0 => Self::Unseen,
            1 => Self::Maybe,
            _ => Self::Surely,
        }
    }

    /// Its place among the ways.
    pub(super) fn number(self) -> u32 {
        self as u32
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// Chances of a workload to make calls in a cell: with a pod that is there, and with one that nobody sees.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chance {
    pub(super) seen: f64,
    pub(super) unseen: f64,
}

impl Chance {
    pub(super) fn of(self, there: There) -> f64 {
        match there {
            There::Unseen => self.unseen,
            seen => self.seen * seen.seen(),
        }
    }
}

/// Chances of the members of a set, by their places in it.
pub(super) type Chances = [Chance; MOST_SOURCES];

/// Ways in which members of a set were there, by their places in it, and in how many cells with calls it was so. What a
/// set explains depends on these alone, and there are few of them whatever the number of cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    members: [(u8, There); MOST_SOURCES],
    count: u8,
    pub(super) cells: f64,
}

impl Pattern {
    /// Cells in which no member was there.
    fn nobody(cells: f64) -> Self {
        Self {
            members: [(0, There::Unseen); MOST_SOURCES],
            count: 0,
            cells,
        }
    }

    /// Members that were there.
    pub(super) fn there(&self) -> impl Iterator<Item = (usize, There)> + use<'_> {
        let there = &self.members[..usize::from(self.count)];
        there
            .iter()
            .map(|&(place, there)| (usize::from(place), there))
    }

    /// The same with a further member, in other cells. Sets have no more members than there is room for.
    fn and(mut self, place: usize, there: There, cells: f64) -> Self {
        if let (Some(member), Ok(place)) = (
            self.members.get_mut(usize::from(self.count)),
            u8::try_from(place),
        ) {
            *member = (place, there);
            self.count += 1;
        }
        self.cells = cells;
        self
    }
}

/// Chances that no call is made in a cell, by place and way. For a pattern, the product of its members'.
pub(super) struct Silence([[f64; WAYS.len()]; MOST_SOURCES]);

impl Silence {
    pub(super) fn of(chances: &Chances) -> Self {
        Self(chances.map(|chance| WAYS.map(|way| 1.0 - chance.of(way))))
    }

    /// Chance that no member of a set makes a call in a cell of a pattern.
    pub(super) fn nothing_happens(&self, pattern: &Pattern) -> f64 {
        pattern
            .there()
            .map(|(place, there)| self.0[place][there.place()])
            .product()
    }
}

/// In which cells a workload was there: places of cells that are alike, and how.
pub(super) type Presence = [(u32, There)];

/// Cells with calls, by the pattern of a set's members in them. Cells that are alike share a place.
#[derive(Debug)]
pub(super) struct Patterns<'a> {
    /// How many cells are alike, by place.
    cells: &'a [f64],
    /// Pattern of the cells of each place.
    of_place: Vec<u32>,
    pub(super) each: Vec<Pattern>,
}

impl<'a> Patterns<'a> {
    /// Nobody is there in any cell.
    pub(super) fn nobody(cells: &'a [f64]) -> Self {
        Self {
            cells,
            of_place: vec![0; cells.len()],
            each: vec![Pattern::nobody(cells.iter().sum())],
        }
    }

    /// Cells in which no member was there.
    pub(super) fn uncovered(&self) -> f64 {
        self.each.first().map_or(0.0, |nobody| nobody.cells)
    }

    /// Tells apart the cells in which a further member was there.
    pub(super) fn add(&mut self, place: usize, presence: &Presence) {
        let mut split: Vec<[Option<u32>; WAYS.len()]> = vec![Default::default(); self.each.len()];
        for &(cells, there) in presence {
            let count = self.cells[cells as usize];
            let from = self.of_place[cells as usize];
            let next = super::names::number(self.each.len());
            let to = *split[from as usize][there.place()].get_or_insert(next);
            if to == next {
                let pattern = self.each[from as usize];
                self.each.push(pattern.and(place, there, 0.0));
            }
            self.of_place[cells as usize] = to;
            self.each[from as usize].cells -= count;
            self.each[to as usize].cells += count;
        }
    }

    /// Patterns with a further member, put into `patterns`.
    pub(super) fn with(&self, place: usize, presence: &Presence, patterns: &mut Vec<Pattern>) {
        let mut moved = vec![[0.0; WAYS.len()]; self.each.len()];
        for &(cells, there) in presence {
            moved[self.of_place[cells as usize] as usize][there.place()] +=
                self.cells[cells as usize];
        }
        patterns.clear();
        for (pattern, moved) in self.each.iter().zip(moved) {
            let left = pattern.cells - moved.iter().sum::<f64>();
            let stays = Pattern {
                cells: left,
                ..*pattern
            };
            let new = WAYS
                .iter()
                .zip(moved)
                .map(|(&way, cells)| pattern.and(place, way, cells));
            patterns.extend([stays].into_iter().chain(new).filter(|one| one.cells > 0.0));
        }
    }
}
