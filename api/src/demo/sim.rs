//! Runs the actors in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::DemoError;
use super::world::World;

/// Something that acts now and then.
pub(super) trait Actor: std::fmt::Debug {
    /// Acts at `now` and returns when to act again; `None` when done. Records
    /// carry `now` or a few seconds later.
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64>;
}

/// An actor, and when it acts next.
#[derive(Debug)]
struct Place {
    actor: Option<Box<dyn Actor>>,
    next: i64,
}

/// Actors and when each acts next.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    places: Vec<Place>,
    /// Places whose actor is done.
    free: Vec<usize>,
    /// Turns. One whose time is no longer the actor's is void.
    queue: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Schedule {
    /// Adds an actor that acts first at `at`.
    pub(super) fn add(&mut self, at: i64, actor: impl Actor + 'static) {
        self.place(at, Box::new(actor));
    }

    fn place(&mut self, at: i64, actor: Box<dyn Actor>) {
        let place = Place {
            actor: Some(actor),
            next: at,
        };
        let index = if let Some(free) = self.free.pop() {
            self.places[free] = place;
            free
        } else {
            self.places.push(place);
            self.places.len() - 1
        };
        self.queue.push(Reverse((at, index)));
    }

    fn plan(&mut self, index: usize, at: i64) {
        let place = &mut self.places[index];
        if place.actor.is_some() && place.next != at {
            place.next = at;
            self.queue.push(Reverse((at, index)));
        }
    }

    /// Runs until the end of the history.
    pub(super) fn run(mut self, world: &mut World<'_>) -> Result<(), DemoError> {
        while let Some(Reverse((now, index))) = self.queue.pop() {
            if now >= world.end {
                break;
            }
            let place = &mut self.places[index];
            let Some(actor) = place.actor.as_mut().filter(|_| place.next == now) else {
                continue;
            };
            world.trail.advance(now)?;
            world.actor = index;
            if let Some(next) = actor.act(now, world) {
                // An actor that does not move on would hold up all others.
                self.plan(index, next.max(now + 1));
            } else {
                place.actor = None;
                self.free.push(index);
            }
            for (at, woken) in std::mem::take(&mut world.wake) {
                self.plan(woken, at.max(now + 1));
            }
            for (at, actor) in std::mem::take(&mut world.spawned) {
                self.place(at.max(now), actor);
            }
        }
        world.trail.finish()
    }
}
