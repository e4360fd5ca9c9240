//! The command line. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 done; 1 the answer is «no» (differences, not ready); 2 the command was wrong or
//! could not be carried out; 141 the output was not read to its end, as with `| head`.

mod build;
mod connect;
mod diff;
mod environments;
mod explain;
mod failure;
mod install;
mod local;
mod output;
mod plugin;
mod render;
mod run;
mod status;
mod sync;
mod tree;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use connect::ClusterArgs;
pub(crate) use failure::Failed;
pub(crate) use output::Format;

/// Follows Git repositories of environments and keeps Kubernetes as they say.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon.
    Run(Box<run::RunArgs>),
    /// Renders an environment of a local folder, without cluster or daemon.
    Render(render::RenderArgs),
    /// Builds a folder with a kustomization, as `kustomize build` does.
    Build(build::BuildArgs),
    /// Writes, builds, tests and measures plugins.
    Plugin(plugin::PluginArgs),
    /// Shows what applying a local folder would change in the cluster.
    Diff(diff::DiffArgs),
    /// Shows the environments of the cluster.
    Status(status::StatusArgs),
    /// Asks the daemon to look at an environment now, and waits until it is Ready.
    Sync(sync::SyncArgs),
    /// Shows the objects of environments with their health.
    Tree(tree::TreeArgs),
    /// Creates the custom resource definitions in the cluster.
    Install(install::InstallArgs),
    /// Explains an error code.
    Explain {
        /// The code, such as WL0103; without it, all codes are listed.
        code: Option<String>,
    },
    /// Prints the version.
    Version,
    /// Fetches for the daemon, as a child that can be killed.
    #[command(hide = true)]
    GitFetch,
    /// Compiles a plugin, as a child that can be killed.
    #[command(hide = true)]
    PluginCompile,
}

/// Parses the arguments, runs the command and prints its error, if any, for people.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Explain { code } => explain::explain(code.as_deref()),
        Command::Version => output::put(concat!("windlass ", env!("CARGO_PKG_VERSION"), "\n"))
            .map(|()| ExitCode::SUCCESS),
        Command::GitFetch => return windlass_source::fetch_child_main(),
        Command::PluginCompile => return windlass_plugin_host::compile_child_main(),
        Command::Build(args) => build::build(&args),
        Command::Render(args) => render::render(&args),
        Command::Plugin(args) => plugin::plugin(args),
        Command::Run(args) => block_on(run::run(*args)),
        Command::Diff(args) => block_on(diff::diff(args)),
        Command::Status(args) => block_on(status::status(args)),
        Command::Sync(args) => block_on(sync::sync(args)),
        Command::Tree(args) => block_on(tree::tree(args)),
        Command::Install(args) => block_on(install::install(args)),
    };
    match result {
        Ok(code) => code,
        Err(failed) => failed.report(),
    }
}

fn block_on(work: impl Future<Output = Result<ExitCode, Failed>>) -> Result<ExitCode, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::new("WL0001", format!("the runtime does not start: {error}")))?;
    let result = runtime.block_on(work);
    // A blocking thread may sit in a read that never ends; the process does not wait for it.
    runtime.shutdown_background();
    result
}
