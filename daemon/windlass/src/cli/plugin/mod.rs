//! `windlass plugin`: what an author of plugins does, from the first file to the last measurement.

mod bench;
mod build;
mod golden;
mod inspect;
mod language;
mod list;
mod new;
mod open;
mod recipe;
mod templates;
mod test;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Failed;

/// Arguments of `windlass plugin`.
#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a new plugin that builds and passes its tests.
    New(new::NewArgs),
    /// Builds a plugin with the toolchain of its language.
    Build(build::BuildArgs),
    /// Runs a built plugin on its golden files.
    Test(test::TestArgs),
    /// Shows what a plugin is: what it does, imports and takes as configuration.
    Inspect(inspect::InspectArgs),
    /// Lists the built-in plugins.
    List(list::ListArgs),
    /// Measures what a plugin costs.
    Bench(bench::BenchArgs),
}

/// Carries out one of the subcommands.
pub(crate) fn plugin(args: PluginArgs) -> Result<ExitCode, Failed> {
    match args.command {
        Command::New(args) => new::new(&args),
        Command::Build(args) => build::build(&args),
        Command::Test(args) => test::test(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::List(args) => list::list(&args),
        Command::Bench(args) => bench::bench(&args),
    }
}
