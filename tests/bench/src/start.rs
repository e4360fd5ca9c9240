//! From the start of the process until it says that it is ready, with plugins that are compiled already.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;
use windlass_test_support::{Daemon, DaemonOptions, Scratch};

use crate::bed::Bed;
use crate::conditions::Conditions;
use crate::report::{Report, timing};

const DEADLINE: Duration = Duration::from_secs(60);

/// Starts the daemon `runs` times on a cluster where everything is applied.
pub(crate) async fn run(environments: usize, runs: usize) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let bed = Bed::start(environments.max(1), false).await?;
    let cache = Scratch::new("bench-cache")?;
    let cache_dir = cache.path().to_str().context("a UTF-8 path")?.to_owned();
    let mut options = bed.options(bed.plane.kubeconfig());
    options.args.extend(["--cache-dir".to_owned(), cache_dir]);
    let (daemon, _) = bed.sync_with(options.clone()).await?;
    end(daemon).await?;
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let (daemon, took) = start(options.clone()).await?;
        eprintln!("ready after {:.0} ms", 1000.0 * took.as_secs_f64());
        times.push(1000.0 * took.as_secs_f64());
        end(daemon).await?;
    }
    let title = format!(
        "Start to /readyz, compiled plugins cached, {environments} environments in the cluster"
    );
    Ok(Report {
        benchmark: "start",
        conditions: conditions.finish(),
        tables: vec![timing(title, &[("start to ready", &times)])],
        values: json!({ "environments": environments, "milliseconds": times }),
    })
}

async fn start(options: DaemonOptions) -> Result<(Daemon, Duration)> {
    let begin = Instant::now();
    let mut daemon = Daemon::spawn(options).await?;
    daemon.ready(DEADLINE).await?;
    Ok((daemon, begin.elapsed()))
}

async fn end(mut daemon: Daemon) -> Result<()> {
    daemon.terminate()?;
    daemon.wait(DEADLINE).await?;
    Ok(())
}
