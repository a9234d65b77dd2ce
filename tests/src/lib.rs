//! What the tests of whole use cases share. A failure in here is a failed test, so that it may panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

pub mod faulty_store;
pub mod inspect;
pub mod objects;
pub mod program;
pub mod random;
