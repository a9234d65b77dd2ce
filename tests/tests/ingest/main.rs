//! `podtrail ingest` through the real binary: sources, schedules, digests, and processes that die. One binary, so that
//! those which wait for a queue and those which compute run at the same time.

mod cloud;
mod digests;
mod kill;
mod lookup;
mod lookup_backfill;
mod queue;
mod queue_events;
mod queue_poison;
mod real_data;
mod schedule;
