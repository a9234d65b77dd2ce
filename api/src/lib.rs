//! What the `podtrail` binary offers to tests and benchmarks as well.

pub mod demo;
pub mod encode;
pub mod serve;
pub mod time;
