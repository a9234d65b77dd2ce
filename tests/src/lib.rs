//! What the tests of whole use cases share. A failure in here is a failed test, so that it may panic.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unwrap_used
)]

pub mod aws_account;
pub mod endpoint;
pub mod faulty_store;
pub mod forms;
pub mod http_server;
pub mod inspect;
pub mod kubernetes_api;
pub mod lookup_events;
pub mod objects;
pub mod program;
pub mod public_keys;
pub mod random;
pub mod s3_server;
pub mod seeded;
pub mod service;
pub mod sqs_queue;
pub mod trail;
