//! The road from a commit to the cluster, walked by the real binary against a real API server and real Git servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says so when it cannot run"
)]

mod broken;
mod folder;
mod keep;
mod made;
mod plugins;
mod process;
mod push;
mod rig;
mod secrets;
mod sources;
mod webhook;
