//! Every rule of a sync as a scenario: what happens, and what the environment asks for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "rules/apply.rs"]
mod apply;
mod bench;
#[path = "rules/drift.rs"]
mod drift;
#[path = "rules/health.rs"]
mod health;
#[path = "rules/moves.rs"]
mod moves;
#[path = "rules/prune.rs"]
mod prune;
#[path = "rules/retry.rs"]
mod retry;
#[path = "rules/start.rs"]
mod start;
