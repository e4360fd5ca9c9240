//! The Windlass daemon and command line.
//!
//! The binary ties the rooms together: it reads configuration, drives the controller loop and shows
//! its faces (commands, HTTP, status). What is decided is decided in `windlass-engine`.

mod cli;
mod config;
mod controller;
mod http;
mod metrics;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
