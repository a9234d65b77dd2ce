//! What the `podtrail` binary offers to tests and benchmarks as well.

pub mod demo;
