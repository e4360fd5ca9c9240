//! Benchmarks: Windlass beside the limit of the same machine, measured in the same run.
//!
//! Nothing here asserts a time. A figure without its machine says nothing, so every report carries its conditions, and a
//! rate stands beside what a plain client gets from the same API server.

mod bed;
mod call;
mod cold;
mod conditions;
mod kustomize;
mod latency;
mod process;
mod raw;
mod render;
mod report;
mod start;
mod steady;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures Windlass and prints what it measured, with the conditions.
#[derive(Debug, Parser)]
#[command(name = "windlass-bench")]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
    /// Prints JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// From an empty cluster to every object applied, beside the rate of a plain client.
    Cold {
        /// How many environments of four objects; repeatable, each number on a control plane of its own.
        #[arg(long, default_values_t = [100, 1000])]
        environments: Vec<usize>,
    },
    /// What the daemon asks of the API server when there is nothing to do.
    Steady {
        /// How many environments of four objects.
        #[arg(long, default_value_t = 1000)]
        environments: usize,
        /// How long requests are counted.
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
    /// How long a push and an edit by hand take to be seen in the cluster.
    Latency {
        /// How many other environments of four objects there are.
        #[arg(long, default_value_t = 100)]
        environments: usize,
        /// How many pushes, and how many edits.
        #[arg(long, default_value_t = 20)]
        rounds: usize,
    },
    /// A plugin call beside the same crate compiled natively.
    Call {
        /// How many times each way is measured.
        #[arg(long, default_value_t = 50)]
        runs: usize,
    },
    /// From the start of the process until it is ready, with compiled plugins cached.
    Start {
        /// How many environments of four objects are in the cluster.
        #[arg(long, default_value_t = 100)]
        environments: usize,
        /// How many starts.
        #[arg(long, default_value_t = 10)]
        runs: usize,
    },
    /// `windlass render` of Deployments through `manifests` and `patch`, with compiled plugins cached.
    Render {
        /// How many Deployments, each in a file of its own.
        #[arg(long, default_value_t = 1000)]
        objects: usize,
        /// How many times each way is measured.
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// `windlass build` beside the real `kustomize build`, as processes and warm.
    Kustomize {
        /// How many times Windlass builds each folder.
        #[arg(long, default_value_t = 5)]
        runs: usize,
        /// Leaves kustomize out, which takes minutes.
        #[arg(long)]
        own_only: bool,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let report = match arguments.benchmark {
        Benchmark::Cold { environments } => cold::run(&environments).await?,
        Benchmark::Steady {
            environments,
            seconds,
        } => steady::run(environments, seconds).await?,
        Benchmark::Latency {
            environments,
            rounds,
        } => latency::run(environments, rounds).await?,
        Benchmark::Call { runs } => call::run(runs).await?,
        Benchmark::Start { environments, runs } => start::run(environments, runs).await?,
        Benchmark::Render { objects, runs } => render::run(objects, runs).await?,
        Benchmark::Kustomize { runs, own_only } => kustomize::run(runs, own_only).await?,
    };
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        print!("{}", report.text());
    }
    Ok(())
}
