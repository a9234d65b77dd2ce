//! Things by number: what the search compares over and over, and texts above all, is kept once and is a small
//! number from then on.

use std::hash::Hash;
use std::sync::Arc;

use datafusion::common::HashMap;

/// Different things, numbered in the order in which they came.
#[derive(Debug)]
pub(super) struct Numbered<T: ?Sized> {
    numbers: HashMap<Arc<T>, u32>,
    things: Vec<Arc<T>>,
}

/// Different texts.
pub(super) type Names = Numbered<str>;

impl<T: ?Sized> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::default(),
            things: Vec::new(),
        }
    }
}

impl<T: ?Sized + Eq + Hash + Ord> Numbered<T>
where
    Arc<T>: for<'a> From<&'a T>,
{
    /// Number of a thing, a new one where it is new.
    pub(super) fn number(&mut self, thing: &T) -> u32 {
        if let Some(&number) = self.numbers.get(thing) {
            return number;
        }
        let number = number(self.things.len());
        let thing: Arc<T> = thing.into();
        self.things.push(Arc::clone(&thing));
        self.numbers.insert(thing, number);
        number
    }

    /// The thing of a number.
    pub(super) fn get(&self, number: u32) -> &T {
        &self.things[number as usize]
    }

    /// How many there are: the next number.
    pub(super) fn len(&self) -> usize {
        self.things.len()
    }

    /// Place of each number's thing in their order.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.things.len()).collect();
        order.sort_unstable_by(|&left, &right| self.things[left].cmp(&self.things[right]));
        places(&order)
    }
}

/// Place of each member of a permutation.
pub(super) fn places(order: &[usize]) -> Vec<u32> {
    let mut places = vec![0; order.len()];
    for (place, &at) in order.iter().enumerate() {
        places[at] = number(place);
    }
    places
}

/// A place as a number: what there are more of than fit does not fit into memory either.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
