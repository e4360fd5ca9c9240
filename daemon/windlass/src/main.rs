//! The Windlass daemon and command line.
//!
//! The binary ties the rooms together: it reads configuration, drives the controller loop and shows
//! its faces (commands, HTTP, status). What is decided is decided in `windlass-engine`.

// Both panic when nobody reads; `cli::output` has the ones that do not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod config;
mod controller;
mod http;
mod metrics;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
