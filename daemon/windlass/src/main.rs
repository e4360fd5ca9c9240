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

use windlass_plugin_host::{CompileCommand, Compiler, PluginError};

fn main() -> ExitCode {
    cli::main()
}

/// Plugins are compiled by this program, started again: its time and memory can be bounded there.
fn compiler() -> Result<Compiler, PluginError> {
    // A program of tests has no such subcommand.
    if cfg!(test) {
        return Ok(Compiler::InProcess);
    }
    match CompileCommand::current_program(["plugin-compile"]) {
        Ok(command) => Ok(Compiler::Child(command)),
        Err(error) => Err(PluginError::Setup {
            reason: format!("it is not known which program is running: {error}"),
        }),
    }
}
