//! Runs the actors in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::DemoError;
use super::world::World;

/// Something that acts now and then.
pub(super) trait Actor {
    /// Acts at `now` and returns when to act again; `None` when done. Records
    /// carry `now` or a few seconds later.
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64>;
}

/// Actors and when each acts next.
#[derive(Default)]
pub(super) struct Schedule {
    actors: Vec<Box<dyn Actor>>,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule")
            .field("actors", &self.actors.len())
            .finish_non_exhaustive()
    }
}

impl Schedule {
    /// Adds an actor that acts first at `at`.
    pub(super) fn add(&mut self, at: i64, actor: impl Actor + 'static) {
        self.queue.push(Reverse((at, self.actors.len())));
        self.actors.push(Box::new(actor));
    }

    /// Runs until the end of the history.
    pub(super) fn run(mut self, world: &mut World<'_>) -> Result<(), DemoError> {
        while let Some(Reverse((now, index))) = self.queue.pop() {
            if now >= world.end {
                break;
            }
            world.trail.advance(now)?;
            if let Some(next) = self.actors[index].act(now, world) {
                // An actor that does not move on would hold up all others.
                self.queue.push(Reverse((next.max(now + 1), index)));
            }
        }
        world.trail.finish()
    }
}
