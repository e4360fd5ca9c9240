//! Starts the real control plane, Git servers and the daemon for tests.
//!
//! Tests meet Windlass the way its users do: through a real API server, a real Git server and the real binary. Nothing
//! here mocks any of them; only the kubelets are simulated. What is started dies with its handle, and with the test
//! process even when that is killed.

pub mod build;
mod case;
mod certificates;
pub mod control_plane;
pub mod daemon;
pub mod git;
mod go;
pub mod oracles;
mod process;
pub mod prometheus;
mod scratch;
pub mod wait;
mod webhook;
pub mod workload;

pub use case::TestCase;
pub use certificates::{Authority, IssuedCertificate};
pub use control_plane::{ControlPlane, Options, shared};
pub use daemon::{Daemon, DaemonOptions};
pub use git::{GitHttp, GitHttpOptions, GitRepository, GitSsh, HostileGit};
pub use process::Process;
pub use scratch::Scratch;
pub use wait::{eventually, watch_until, watch_until_gone};
pub use webhook::webhook_signature;
